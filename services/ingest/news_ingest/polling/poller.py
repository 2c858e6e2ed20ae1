"""The poller's loop: keeps the schedule in step with the sources, and polls what is due, some at a time."""

import asyncio
import random
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog

from news_ingest.polling.feeds import Feed, feed_of
from news_ingest.polling.poll import FeedPoll, PollTools
from news_ingest.polling.poll_metrics import PollMetrics
from news_ingest.polling.schedule import Claim, Schedule
from news_ingest.polling.seen_items import packed, unpacked
from news_ingest.polling.websub import Subscriber
from news_ingest.settings import HANGING_TIMES, PollerSettings
from news_ingest.sources import source_of_key
from news_shared.cancelling import cancel, pause
from news_shared.crash_points import reached
from news_shared.errors import TransientError
from news_shared.topic_table import TopicTable

log = structlog.get_logger()

_TICK = 0.2  # seconds between two looks at an idle queue
_AFTER_TROUBLE = 0.5
_CHANGES_AT_ONCE = 100
_NEW_PER_SECOND = 50  # of sources that all come at once
_NOT_HERE = timedelta(seconds=5)
_QUICK = timedelta(seconds=3)  # a poll that takes longer waits for its server, and costs next to nothing


@dataclass(frozen=True)
class _Running:
    claim: Claim
    begun: datetime


class Poller:
    """Polls until asked to stop."""

    def __init__(
        self,
        schedule: Schedule,
        tools: PollTools,
        table: TopicTable,
        settings: PollerSettings,
        metrics: PollMetrics,
        subscriber: Subscriber,
    ) -> None:
        self._schedule = schedule
        self._tools = tools
        self._table = table
        self._settings = settings
        self._metrics = metrics
        self._subscriber = subscriber
        self._changed = table.watch()
        self._running: dict[asyncio.Task[None], _Running] = {}
        self._stopping = asyncio.Event()
        self._trouble = "starting"
        self._kafka_is_away = False
        self._stray = False  # whether sources may be scheduled that were removed while no poller ran

    def unready(self) -> list[str]:
        """Why it does not poll now; empty when it does."""
        return [self._trouble] if self._trouble else []

    def request_stop(self) -> None:
        """Take nothing new, finish what is under way."""
        self._stopping.set()

    async def run(self) -> None:
        """Poll until asked to stop; Redis and Kafka may come and go meanwhile."""
        renewing = asyncio.create_task(self._renew(), name="renew leases")
        try:
            while not self._stopping.is_set():
                if renewing.done():
                    renewing.result()  # without leases no poll counts: its bug is ours
                try:
                    await self._turn()
                    self._trouble = ""
                except TransientError as error:
                    if str(error) != self._trouble:
                        log.info("the poller waits", reason=str(error))
                    self._trouble = str(error)
                    await pause(_AFTER_TROUBLE, unless=self._stopping)
            if self._running:
                await asyncio.wait(self._running)
        finally:
            await cancel([*self._running, renewing])

    async def _turn(self) -> None:
        if not self._table.caught_up:
            await self._table.wait_until_caught_up(timedelta(seconds=1))
            self._stray = True
        if not await self._schedule.is_filled() or self._stray:
            await self._fill()
        elif self._changed:
            await self._follow_changes()
        await self._watch_lag()
        room = self._room()
        claims = await self._schedule.claim(room, self._lease_end()) if room else []
        for claim in claims:
            task = asyncio.create_task(self._poll(claim), name=f"poll {claim.source}")
            self._running[task] = _Running(claim, self._tools.clock())
            task.add_done_callback(self._ended)
        self._metrics.under_way(len(self._running))
        if not room:
            await asyncio.wait(self._running, timeout=_TICK, return_when=asyncio.FIRST_COMPLETED)
        elif len(claims) < room:
            await pause(_TICK, unless=self._stopping)

    def _room(self) -> int:
        """How many polls may begin. Those that hang keep no place for long: a dead host delays nobody else.

        While Kafka is away one at a time finds out whether it is back: what others fetched would be thrown away.
        """
        if self._kafka_is_away:
            return 0 if self._running else 1
        now, most = self._tools.clock(), self._settings.poll_concurrency
        quick = sum(now - one.begun < _QUICK for one in self._running.values())
        return max(min(most - quick, most * HANGING_TIMES - len(self._running)), 0)

    async def _fill(self) -> None:
        """Schedule every source that is not: at the start, and after Redis was emptied."""
        self._changed.clear()
        sources = self._tools.sources.all()
        feeds = {s.id: feed for s in sources if (feed := feed_of(s, self._tools.sources.finding(s))) is not None}
        known = await self._schedule.known()
        for name in known.keys() - {source.id for source in sources}:
            await self._schedule.forget(name)
        for name in known.keys() - feeds.keys():
            await self._schedule.unschedule(name)
        missing = [feed for name, feed in feeds.items() if not known.get(name)]
        random.shuffle(missing)  # feeds of one host are not all at one end
        now = self._tools.clock()
        asked = {claim.host for claim in self._claims()}  # their leases went with Redis: nobody else holds off
        after = [self._lease_end() if feed.host in asked else now for feed in missing]
        times = [begin + timedelta(seconds=n / _NEW_PER_SECOND) for n, begin in enumerate(after)]
        await self._schedule.place_all(missing, times)
        await self._schedule.set_filled()
        self._stray = False
        log.info("sources are scheduled", feeds=len(feeds), new=len(missing))

    async def _follow_changes(self) -> None:
        """Some at a time, so that a long list of new sources holds nobody up."""
        taken = set(islice(self._changed, _CHANGES_AT_ONCE))
        self._changed -= taken
        try:
            await asyncio.gather(*(self._place(name) for name in {source_of_key(key) for key in taken}))
        except TransientError:
            self._changed |= taken  # again, when Redis is back
            raise

    async def _place(self, name: str) -> None:
        feed = self._feed(name)
        if self._tools.sources.find(name) is None:
            await self._schedule.forget(name)
            await self._subscriber.forget(name)
            return
        if feed is None:
            await self._schedule.unschedule(name)
            return
        known = (await self._schedule.states([name])).get(name)
        is_as_polled = known is not None and known.fingerprint == feed.fingerprint
        await self._schedule.place(feed, self._tools.clock(), only_if_absent=is_as_polled)

    def _feed(self, name: str) -> Feed | None:
        source = self._tools.sources.find(name)
        return feed_of(source, self._tools.sources.finding(source) if source else None)

    async def _poll(self, claim: Claim) -> None:
        begun = self._tools.clock()
        feed = self._feed(claim.source)
        if feed is None or feed.host != claim.host:
            await self._correct(claim)
            return
        polled = await FeedPoll(feed, claim.state, unpacked(claim.seen), self._tools).run()
        polled = await self._subscriber.after(feed, polled)
        now = self._tools.clock()
        pause = max(self._settings.poll_host_pause, polled.host_pause)
        try:
            stored = await self._schedule.finish(
                claim,
                next_poll=now + polled.wait,
                rested=now + pause,
                state=polled.state,
                seen=None if polled.seen is None else packed(polled.seen),
            )
        except TransientError as error:  # the lease ends by itself, and the feed is polled once more
            log.info("what a poll told could not be stored", source=claim.source, reason=str(error))
            return
        reached("after-poll-state")
        self._kafka_is_away = polled.outcome == "kafka-away"
        self._metrics.polled(polled.outcome, self._tools.clock() - begun)
        if not stored:
            self._metrics.lost()
            log.info("another poller has taken over", source=claim.source, host=claim.host)

    async def _correct(self, claim: Claim) -> None:
        """The schedule has what the sources have not. Should they be late here, their record brings it back."""
        now = self._tools.clock()
        with suppress(TransientError):  # found again when the lease has ended
            await self._schedule.finish(claim, next_poll=now + _NOT_HERE, rested=now, state=None, seen=None)
            await self._place(claim.source)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        claim = self._running.pop(task).claim
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a poll failed on a bug of ours", source=claim.source, exc_info=error)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._settings.poll_lease.total_seconds() / 4)
            with suppress(TransientError):  # then others take over, and what is finished here is not stored
                await self._schedule.renew(self._claims(), self._lease_end())

    def _claims(self) -> Iterable[Claim]:
        return [one.claim for one in self._running.values()]

    def _lease_end(self) -> datetime:
        return self._tools.clock() + self._settings.poll_lease

    async def _watch_lag(self) -> None:
        due = await self._schedule.next_due()
        self._metrics.lag(max(self._tools.clock() - due, timedelta(0)) if due else timedelta(0))
