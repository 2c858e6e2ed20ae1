"""One poll of one feed: ask, read, write what is new to Kafka; what it told is stored only after that."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import structlog
from httpx import codes

from news_ingest.fetching.errors import FetchError
from news_ingest.fetching.fetcher import Fetched, Fetcher
from news_ingest.formats.outcome import Reading
from news_ingest.intake import Intake, Taken, Terms
from news_ingest.items import Item
from news_ingest.polling.answers import fresh_for, retry_after
from news_ingest.polling.feed_head import FeedHead, head_of, linked
from news_ingest.polling.feed_reading import read_feed_document
from news_ingest.polling.feeds import Feed
from news_ingest.polling.intervals import Bounds, NextPoll, Wishes, after_answer, after_failure
from news_ingest.polling.poll_state import MAX_WARNINGS, ItemCounts, PollError, PollOutcome, PollState
from news_ingest.polling.seen_items import Seen, compare
from news_ingest.sources import FeedFinding, Sources
from news_shared.clock import Clock
from news_shared.crash_points import reached
from news_shared.errors import PoisonError, TransientError

log = structlog.get_logger()

_ITEMS_AT_ONCE = 100
_KAFKA_AWAY = timedelta(minutes=1)  # the server has done nothing to be asked again at once
_LONGEST_VALIDATOR = 500
_BUSY = {codes.TOO_MANY_REQUESTS, codes.SERVICE_UNAVAILABLE}


@dataclass(frozen=True)
class Polled:
    """What is to be stored, and when to come back."""

    state: PollState | None
    """None: nothing is known that was not known before."""
    seen: Seen | None
    wait: timedelta
    host_pause: timedelta
    """Beyond the usual one."""
    outcome: PollOutcome


@dataclass(frozen=True)
class _Document:
    reading: Reading
    head: FeedHead


@dataclass(frozen=True)
class PollTools:
    """What polls work with."""

    fetcher: Fetcher
    intake: Intake
    sources: Sources
    readers: Executor
    bounds: Bounds
    clock: Clock
    chance: Callable[[], float]


class FeedPoll:
    """Polls a feed once."""

    def __init__(self, feed: Feed, state: PollState, seen: Seen, tools: PollTools) -> None:
        self._feed = feed
        self._tools = tools
        self._state = state if state.fingerprint == feed.fingerprint else _begun_anew(state, feed)
        self._seen = seen

    async def run(self) -> Polled:
        """Poll; every kind of failure is an outcome."""
        try:
            return await self._run()
        except Exception as error:  # a bug that one feed brings out is no reason to press its server, or to stop
            log.error("a feed makes its poll fail", source=self._feed.source, url=self._feed.url, exc_info=error)
            detail = f"reading it failed: {type(error).__name__}"
            return self._failed(PollError(at=self._tools.clock(), problem="bug", detail=detail))

    async def _run(self) -> Polled:
        now = self._tools.clock()
        try:
            fetched = await self._tools.fetcher.get(self._feed.url, self._validators())
        except FetchError as error:
            return self._failed(PollError(at=now, problem=error.problem, detail=str(error)))
        now = self._tools.clock()
        self._state = self._state.model_copy(update={"status": fetched.status, "http_version": fetched.http_version})
        reached("after-fetch-before-kafka")
        try:
            if fetched.status == codes.GONE:
                return await self._gone(now)
            if fetched.status == codes.NOT_MODIFIED and self._validators():
                await self._note_move(fetched, now)
                return self._answered(fetched, FeedHead(), "not-modified", now)
            if fetched.status != codes.OK:
                return self._refused(fetched, now)
            return await self._read(fetched, now)
        except TransientError as error:
            log.info("Kafka is away, the feed is asked again soon", source=self._feed.source, reason=str(error))
            return Polled(None, None, min(_KAFKA_AWAY, self._tools.bounds.shortest), timedelta(0), "kafka-away")
        except PoisonError as error:
            return self._failed(PollError(at=now, problem="not-a-feed", detail=str(error)[:500]))

    def _validators(self) -> dict[str, str]:
        named = {"If-None-Match": self._state.etag, "If-Modified-Since": self._state.last_modified}
        # Others cannot be sent back, or are no validators but an attempt to fill our memory.
        return {name: value for name, value in named.items() if value and value.isascii() and value.isprintable()}

    async def _read(self, fetched: Fetched, now: datetime) -> Polled:
        digest = hashlib.sha256(fetched.body).hexdigest()[:32]
        if digest == self._state.digest:
            await self._note_move(fetched, now)
            return self._answered(fetched, await self._head(fetched), "unchanged", now)
        document = await self._parsed(fetched, now)
        compared = compare([self._feed.applied(item) for _, item in document.reading.items], self._seen)
        await self._submit([*compared.new, *compared.changed])
        reached("after-kafka-before-poll-state")
        await self._note_move(fetched, now)
        counts, rejected = self._state.items, document.reading.rejected
        warnings = list(document.reading.warnings)
        if compared.renamed:
            warnings.append(f"{compared.renamed} items came with new guids and nothing else new; they keep their first")
        self._state = self._state.model_copy(
            update={
                "digest": digest,
                "items": ItemCounts(
                    seen=counts.seen + len(document.reading.items) + len(rejected),
                    new=counts.new + len(compared.new),
                    changed=counts.changed + len(compared.changed),
                    rejected=counts.rejected + len(rejected),
                ),
                "warnings": tuple(warning[:500] for warning in warnings[:MAX_WARNINGS]),
            }
        ).with_errors(_rejections(document.reading, now))
        outcome: PollOutcome = "new-items" if compared.new or compared.changed else "unchanged"
        return self._answered(fetched, document.head, outcome, now, compared.seen)

    async def _parsed(self, fetched: Fetched, now: datetime) -> _Document:
        feed, content_type = self._feed, fetched.headers.get("content-type", "")

        def read() -> _Document:
            reading = read_feed_document(fetched.body, content_type, feed.source, now, feed.encoding, fetched.url)
            return _Document(reading, head_of(fetched.body, fetched.url))

        return await asyncio.get_running_loop().run_in_executor(self._tools.readers, read)

    async def _head(self, fetched: Fetched) -> FeedHead:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._tools.readers, head_of, fetched.body, fetched.url)

    async def _submit(self, items: list[Item]) -> None:
        terms = Terms(None, reply=False, trace=f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01")
        for start in range(0, len(items), _ITEMS_AT_ONCE):
            part = Reading(items=list(enumerate(items[start : start + _ITEMS_AT_ONCE])))
            await self._tools.intake.take(part, terms, Taken())

    async def _note_move(self, fetched: Fetched, now: datetime) -> None:
        if fetched.moved_to is None or fetched.moved_to == self._feed.url:
            return
        finding = FeedFinding(feed_url=self._feed.configured_url, moved_to=fetched.moved_to, at=now)
        await self._tools.sources.save_finding(self._feed.source, finding)
        log.info("a feed has moved for good", source=self._feed.source, from_=self._feed.url, to=fetched.moved_to)

    async def _gone(self, now: datetime) -> Polled:
        reason = f"{self._feed.url} answered 410 Gone; to try again: POST /v1/sources/{self._feed.source}/poll"
        finding = FeedFinding(feed_url=self._feed.configured_url, gone=reason, at=now)
        await self._tools.sources.save_finding(self._feed.source, finding)
        log.warning("a feed is gone and polled no more", source=self._feed.source, url=self._feed.url)
        failed = self._failed(PollError(at=now, problem="http-status", detail=reason))
        return Polled(failed.state, None, self._tools.bounds.longest, timedelta(0), "gone")

    def _refused(self, fetched: Fetched, now: datetime) -> Polled:
        asked = retry_after(fetched.headers.get("retry-after"), now)
        pause = min(asked or self._tools.bounds.shortest, self._tools.bounds.longest)
        return self._failed(
            PollError(at=now, problem="http-status", detail=f"{fetched.url} answered {fetched.status}"),
            retry_after=asked,
            host_pause=pause if fetched.status in _BUSY else timedelta(0),
        )

    def _answered(
        self, fetched: Fetched, head: FeedHead, outcome: PollOutcome, now: datetime, seen: Seen | None = None
    ) -> Polled:
        changed = outcome == "new-items"
        decided = after_answer(
            self._state.rhythm,
            changed=changed,
            wishes=_wishes(fetched, head, now),
            bounds=self._tools.bounds,
            now=now,
            chance=self._tools.chance(),
        )
        update: dict[str, object] = {
            "etag": _short(fetched.headers.get("etag", self._state.etag if outcome == "not-modified" else None)),
            "last_modified": _short(
                fetched.headers.get("last-modified", self._state.last_modified if outcome == "not-modified" else None)
            ),
            "last_success": now,
            "failures": 0,
            "failing_since": None,
            "outcome": outcome,
        }
        if changed:
            update["last_change"] = now
        if outcome != "not-modified":
            update |= {"hub": head.hub or _linked(fetched, "hub"), "topic": head.topic or _linked(fetched, "self")}
        return Polled(self._next(update, decided, now), seen, decided.wait, timedelta(0), outcome)

    def _failed(
        self, error: PollError, *, retry_after: timedelta | None = None, host_pause: timedelta = timedelta(0)
    ) -> Polled:
        failures = self._state.failures + 1
        decided = after_failure(
            self._state.rhythm,
            failures=failures,
            retry_after=retry_after,
            bounds=self._tools.bounds,
            chance=self._tools.chance(),
        )
        since = self._state.failing_since or error.at
        update = {"failures": failures, "failing_since": since, "outcome": "failed"}
        self._state = self._state.with_errors([error])
        return Polled(self._next(update, decided, error.at), None, decided.wait, host_pause, "failed")

    def _next(self, update: dict[str, object], decided: NextPoll, now: datetime) -> PollState:
        return self._state.model_copy(
            update={
                **update,
                "rhythm": decided.rhythm,
                "interval": decided.wait,
                "why": decided.why,
                "last_poll": now,
                "next_poll": now + decided.wait,
                "polls": self._state.polls + 1,
            }
        )


def _short(validator: str | None) -> str | None:
    """None for one that is too long to be remembered: then the whole feed comes again."""
    return validator if validator is not None and len(validator) <= _LONGEST_VALIDATOR else None


def _linked(fetched: Fetched, relation: str) -> str | None:
    """The target of a Link header (WebSub)."""
    target = httpx.Response(fetched.status, headers={"link": fetched.headers.get("link", "")}).links.get(relation, {})
    return linked(fetched.url, target["url"]) if target.get("url") else None


def _begun_anew(state: PollState, feed: Feed) -> PollState:
    """What is known of a feed whose settings have changed: validators, rhythm and failures were another one's."""
    nothing = {"etag": None, "last_modified": None, "digest": None, "rhythm": None, "failures": 0}
    return state.model_copy(update={**nothing, "failing_since": None, "fingerprint": feed.fingerprint})


def _wishes(fetched: Fetched, head: FeedHead, now: datetime) -> Wishes:
    said = {
        "Cache-Control": fresh_for(fetched.headers, now),
        "the feed's ttl": head.ttl,
        "the feed's sy:updatePeriod": head.update_period,
    }
    by = max(said, key=lambda name: said[name])
    return Wishes(said[by], by, head.skip_hours, head.skip_days)


def _rejections(reading: Reading, now: datetime) -> list[PollError]:
    return [
        PollError(
            at=now,
            problem="rejected-item",
            detail=error["error"][:500],
            item=rejected.index,
            guid=rejected.guid[:200] if rejected.guid else None,
            field=error["field"] or None,
        )
        for rejected in reading.rejected[:5]
        for error in rejected.errors[:1]
    ]
