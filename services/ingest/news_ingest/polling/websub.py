"""WebSub subscriber: asks hubs, and polls what they tell of once a day only."""

from dataclasses import replace
from datetime import timedelta

import structlog

from news_ingest.fetching.errors import FetchError
from news_ingest.fetching.fetcher import Fetcher
from news_ingest.polling.feeds import Feed
from news_ingest.polling.poll import Polled
from news_ingest.polling.subscriptions import LEASE, Subscription, Subscriptions, asked, must_ask, renew_at
from news_shared.clock import Clock
from news_shared.errors import TransientError

log = structlog.get_logger()

_NET = "its hub tells of changes: polled once a day as a net"


class Subscriber:
    """Keeps subscriptions alive, from poll to poll."""

    def __init__(
        self, subscriptions: Subscriptions, fetcher: Fetcher, *, public_url: str, longest: timedelta, clock: Clock
    ) -> None:
        self._subscriptions = subscriptions
        self._fetcher = fetcher
        self._public_url = public_url.rstrip("/")
        self._longest = longest
        self._clock = clock

    async def after(self, feed: Feed, polled: Polled) -> Polled:
        """Subscribe or renew where the feed names a hub; an active subscription makes polls rare.

        A hub that fails changes nothing: the feed is polled as before.
        """
        state = polled.state
        if not self._public_url or state is None or state.failures or not state.hub:
            return polled
        topic = state.topic or feed.url
        try:
            known = await self._subscriptions.find(feed.source)
            if must_ask(known, state.hub, topic, self._clock()):
                known = await self._ask(feed, known, state.hub, topic)
        except TransientError as error:
            log.info("the subscription has to wait", source=feed.source, reason=str(error))
            return polled
        return self._rarely(polled, known)

    async def forget(self, source: str) -> None:
        """Of a source that is no more."""
        await self._subscriptions.forget(source)

    async def _ask(self, feed: Feed, known: Subscription | None, hub: str, topic: str) -> Subscription:
        wanted = asked(known, hub, topic, self._clock())
        await self._subscriptions.save(feed.source, wanted)  # before the hub asks back
        form = {
            "hub.mode": "subscribe",
            "hub.topic": topic,
            "hub.callback": f"{self._public_url}/v1/websub/{feed.source}/{wanted.token}",
            "hub.lease_seconds": str(round(LEASE.total_seconds())),
            "hub.secret": wanted.secret,
        }
        try:
            status = await self._fetcher.post_form(hub, form)
            refused = None if status in range(200, 300) else f"the hub answered {status}"
        except FetchError as error:
            refused = str(error)
        latest = await self._subscriptions.find(feed.source) or wanted  # the hub may have asked back already
        if refused is not None:
            log.info("a hub takes no subscription", source=feed.source, hub=hub, reason=refused)
            latest = latest.model_copy(update={"refused": refused[:500]})
            await self._subscriptions.save(feed.source, latest)
        return latest

    def _rarely(self, polled: Polled, known: Subscription | None) -> Polled:
        now = self._clock()
        if polled.state is None or known is None or known.until is None or not known.is_active(now):
            return polled
        wait = min(self._longest, renew_at(known.until, known.asked_at) - now)
        if wait <= polled.wait:
            return polled
        state = polled.state.model_copy(update={"interval": wait, "next_poll": now + wait, "why": _NET})
        return replace(polled, wait=wait, state=state)
