"""The projection of ``news.views``: its records in, counts in Redis, the changelog behind them."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import islice
from time import monotonic
from typing import Any

import structlog
from aiokafka import ConsumerRecord

from news_shared import topics
from news_shared.article_ids import ArticleId
from news_shared.cancelling import cancel
from news_shared.errors import LogMismatchError, PoisonError
from news_shared.fenced_writer import open_fenced_writer
from news_shared.projection.contract import Checkpoint, Effects, Ownership, ProjectionSpec, Restoring
from news_shared.projection.log import PartitionLog
from news_shared.redis_client import redis_errors
from news_shared.settings import KafkaSettings
from news_views.changelog import (
    ArticleCounts,
    Counts,
    DayCounts,
    Key,
    PartitionKey,
    PartitionProgress,
    decode_counts,
    decode_key,
    encode_key,
)
from news_views.counting.counts import Day, Deltas
from news_views.counting.events import Counted, ViewEvent, articles_of, counted_before, event_of, told_apart, weight
from news_views.counting.partition import PartitionCounting, Rules
from news_views.counting.standing import Standing
from news_views.projection.apply import APPLY
from news_views.projection.changelog_writer import ChangelogWriter
from news_views.projection.imports import imported_totals
from news_views.projection.names import GROUP, SERVICE
from news_views.projection.retention_watch import RetentionWatch, process_metrics
from news_views.projection.standings import Standings
from news_views.projection.steps import Steps
from news_views.settings import ViewsSettings
from news_views.view_counts import Clocks, read_as_of, read_clocks, read_standings, read_unsettled

log = structlog.get_logger()

_RESTORED_AT_ONCE = 200  # keys of the changelog in one Redis call: sketches are up to 12 kB
_SETTLED_WITH_THE_CALL = 100  # articles and days that are ranked and counted with each call; more wait for the second
_SETTLED_AT_ONCE = 400


def rules_of(settings: ViewsSettings) -> Rules:
    """The counting rules that the settings ask for."""
    millisecond = timedelta(milliseconds=1)
    return Rules(settings.session // millisecond, settings.grace // millisecond, settings.kept_beacons)


def views_projection(
    settings: ViewsSettings, kafka: KafkaSettings, *, recount: bool = False
) -> ProjectionSpec[ViewEvent]:
    """What the runtime needs to know to project ``news.views``.

    Args:
        recount: where there is no state, take from the changelog only what the markers said, and count what
            ``news.views`` still holds.
    """

    def open_projection(ownership: Ownership) -> ViewsProjection:
        return ViewsProjection(ownership, settings, kafka, recount=recount)

    return ProjectionSpec(
        group=GROUP,
        topic=topics.VIEWS,
        service=SERVICE,
        lua=APPLY,
        open=open_projection,
        max_records=settings.call_beacons,
        weight=weight,
    )


class ViewsProjection:
    """One ownership of one partition of ``news.views``."""

    def __init__(
        self, ownership: Ownership, settings: ViewsSettings, kafka: KafkaSettings, *, recount: bool = False
    ) -> None:
        self._ownership = ownership
        self._settings = settings
        self._kafka = kafka
        self._recount = recount
        self._rules = rules_of(settings)
        self._counting = PartitionCounting(self._rules)
        self._standings = Standings(ownership.read, ownership.prefix)
        self._ahead_until = 0
        self._next_offset = 0
        self._unsettled: set[ArticleId | Day] = set()
        self._resources = AsyncExitStack()
        self._changelog: ChangelogWriter | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._flush_due = 0.0
        self._retention: RetentionWatch | None = None

    async def restore(self, restoring: Restoring) -> int | None:
        """Take everything from the changelog; the log goes on from its W.

        Raises:
            LogMismatchError: the log begins after what the changelog holds.
            TransientError: Kafka or Redis is away.
        """
        begin = (await self._ownership.log.bounds()).begin
        changelog = PartitionLog(self._kafka, topics.VIEW_COUNTS, self._ownership.partition)
        bounds = await changelog.bounds()
        progress: PartitionProgress | None = None
        ahead_until = 0
        pending: list[tuple[bytes, Key, Counts | None]] = []
        async for records in changelog.read_to_end(bounds.begin):
            for record in records:
                key, counts = _restored(record)
                if isinstance(counts, PartitionProgress):
                    progress = counts
                    continue
                if isinstance(counts, ArticleCounts | DayCounts):
                    ahead_until = max(ahead_until, counts.as_of)
                pending.append((record.key, key, counts))
                if len(pending) >= _RESTORED_AT_ONCE:
                    await restoring.put(await self._restore_steps(pending))
                    pending = []
        if pending:
            await restoring.put(await self._restore_steps(pending))
        if self._recount:
            progress = PartitionProgress(partition=self._ownership.partition, next_offset=begin, clock_ms=0, log_ms=0)
            ahead_until = 0
        elif progress is None:
            if begin > 0:
                raise LogMismatchError(
                    f"{topics.VIEWS}/{self._ownership.partition} begins at offset {begin}, and {topics.VIEW_COUNTS} "
                    "does not say what was counted before. This partition stands still. To count what is still "
                    "there, run: news-views rebuild --recount"
                )
            progress = PartitionProgress(partition=self._ownership.partition, next_offset=0, clock_ms=0, log_ms=0)
        steps = Steps(self._ownership.prefix)
        steps.set_partition(Clocks(progress.clock_ms, progress.log_ms, ahead_until))
        steps.set_written(progress)
        steps.set_settled(progress.next_offset)
        await restoring.put(steps.effects())
        log.info("restored", partition=self._ownership.partition, next_offset=progress.next_offset)
        return progress.next_offset

    async def _restore_steps(self, pending: Sequence[tuple[bytes, Key, Counts | None]]) -> Effects:
        steps = Steps(self._ownership.prefix)
        articles = {ArticleId(key) for _, key, _ in pending if isinstance(key, str)}
        standings = await read_standings(self._read_restored, self._ownership.prefix, articles)
        if self._recount:
            # Every key has to be written again, be it as a tombstone: its counts are not what was counted before.
            steps.mark_dirty([raw for raw, key, _ in pending if not isinstance(key, PartitionKey)], 0)
        for _, key, counts in pending:
            match key, counts:
                case Day(), DayCounts():
                    steps.restore_day(key, counts, counted=not self._recount)
                case Day(), None:
                    steps.remove_day(key)
                case str(), ArticleCounts():
                    article = ArticleId(key)
                    standings[article] = steps.restore_article(
                        article, counts, standings[article], counted=not self._recount
                    )
                case str(), None:
                    article = ArticleId(key)
                    steps.remove_article(article, standings[article])
                    standings[article] = Standing()
        return steps.effects()

    async def _read_restored(self, commands: Sequence[Sequence[str]]) -> list[Any]:
        """Read while nobody but this process can write here, because there is no checkpoint yet."""
        with redis_errors("reading what is restored"):
            pipe: Any = self._ownership.redis.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)
            return list(await pipe.execute())

    async def load(self, checkpoint: Checkpoint) -> None:
        """Open the sessions and collect the waiting beacons that a process would have that had run all the time.

        What is remembered is read as of the checkpoint, all of it: another owner may go on meanwhile, and a fail-over
        take back what he did, so that the compare-call finds its checkpoint and clocks of a lost future pass.

        Raises:
            FencedError: Redis is not at the checkpoint any more.
            TransientError: Kafka or Redis is away.
        """
        read, prefix, partition_log = self._ownership.read, self._ownership.prefix, self._ownership.log
        if self._ownership.live:
            writer = await self._resources.enter_async_context(
                open_fenced_writer(self._kafka, f"{GROUP}-{self._ownership.partition}")
            )
            self._changelog = ChangelogWriter(self._ownership, writer)
            self._retention = RetentionWatch(self._ownership, process_metrics())
            self._resources.push_async_callback(self._retention.close)
        clocks = await read_clocks(read, prefix)
        self._ahead_until = clocks.ahead_until
        self._next_offset = checkpoint.next_offset
        self._unsettled = await read_unsettled(read, prefix, clocks.settled)
        looks_back_to = min(clocks.clock_ms - self._rules.session_ms, clocks.log_ms - self._rules.grace_ms)
        start = await partition_log.offset_at(max(0, looks_back_to))
        self._counting = PartitionCounting(self._rules)
        async for records in partition_log.read(start, checkpoint.next_offset):
            counted = counted_before(records)
            standings = await self._standings.of(articles_of(counted))
            self._counting.count(counted, standings)  # counted already: only what it remembers is wanted
        self._counting.clock_ms = clocks.clock_ms
        self._counting.log_ms = clocks.log_ms

    decode = staticmethod(event_of)

    async def decide(self, events: Sequence[ViewEvent]) -> Effects:
        """Count these records, and take over what was imported.

        Raises:
            PoisonError: a record cannot be read.
            TransientError: Redis is away.
        """
        steps = Steps(self._ownership.prefix)
        is_ahead = events[0].offset < self._ahead_until
        is_replay = events[0].offset < self._next_offset
        counted, imports = told_apart(events, together=not is_ahead)
        before = await self._standings.of(articles_of(counted))
        standings = dict(before)
        if is_ahead:
            counts = await self._count_once(counted, standings, is_replay=is_replay)
        else:
            counts = [self._counting.count(counted, standings, is_replay=is_replay)] if counted else []
        moved = {article: now for article, now in standings.items() if now is not before[article]}
        self._standings.keep(moved)
        for article, standing in moved.items():
            steps.set_standing(article, standing)
        changed: set[ArticleId | Day] = set(moved)
        for deltas in counts:
            steps.add(deltas)
            changed |= deltas.changed()
        for (day, origin), total in imported_totals(imports).items():
            steps.set_imported(day, origin, total)
            changed.add(day)
        for article, standing in moved.items():  # at once, because a withdrawn article must be seen nowhere
            steps.rank(article, before[article], standing)
        self._next_offset = max(self._next_offset, events[-1].offset + 1)  # a replayed record lies further back
        steps.mark_dirty(map(encode_key, changed), self._next_offset - 1)
        self._unsettled |= changed
        if len(self._unsettled) <= _SETTLED_WITH_THE_CALL:
            await self._settle(steps, self._unsettled)
            self._unsettled = set()
            steps.set_settled(self._next_offset)
        steps.set_partition(Clocks(self._counting.clock_ms, self._counting.log_ms, self._ahead_until))
        return steps.effects()

    async def _count_once(
        self, events: Sequence[Counted], standings: dict[ArticleId, Standing], *, is_replay: bool
    ) -> Sequence[Deltas]:
        """Count records of which the restored values hold a part already, each key up to its own offset."""
        counted = [(event.offset, self._counting.count([event], standings, is_replay=is_replay)) for event in events]
        keys = list({key for _, deltas in counted for key in deltas.speaks_of()})
        as_of = dict(zip(keys, await read_as_of(self._ownership.read, self._ownership.prefix, keys), strict=True))
        return [deltas.lacking(offset, as_of) for offset, deltas in counted]

    async def settle(self) -> Sequence[Effects]:
        """Count readers and rank articles where that was put off, because there was much to count.

        Raises:
            TransientError: Redis is away.
        """
        effects = []
        while self._unsettled:
            steps = Steps(self._ownership.prefix)
            some = set(islice(self._unsettled, _SETTLED_AT_ONCE))
            await self._settle(steps, some)
            self._unsettled -= some
            if not self._unsettled:
                steps.set_settled(self._next_offset)
            effects.append(steps.effects())
        return effects

    async def _settle(self, steps: Steps, keys: Collection[ArticleId | Day]) -> None:
        standings = await self._standings.of([ArticleId(key) for key in keys if isinstance(key, str)])
        for article, standing in standings.items():
            steps.rank(article, standing, standing)
        steps.recount([key for key in keys if isinstance(key, Day)])

    async def tick(self) -> None:
        """Flush the changelog when it is due, and watch that the log holds what is not in it, beside the counting.

        Raises:
            FencedError: another process writes it now.
            TransientError: Kafka or Redis is away.
        """
        if self._flushing is not None and self._flushing.done():
            flushed, self._flushing = self._flushing, None
            flushed.result()
        if self._flushing is None and self._changelog is not None and monotonic() >= self._flush_due:
            self._flush_due = monotonic() + self._settings.flush.total_seconds()
            self._flushing = asyncio.create_task(
                self._changelog.flush(), name=f"flush the changelog of partition {self._ownership.partition}"
            )
        if self._retention is not None:
            self._retention.tick(self._counting.log_ms)

    async def close(self) -> None:
        """Stop flushing and give the writer back."""
        if self._flushing is not None:
            await cancel([self._flushing])
            if not self._flushing.cancelled() and (error := self._flushing.exception()) is not None:
                log.info("changelog not flushed", partition=self._ownership.partition, reason=str(error))
            self._flushing = None
        await self._resources.aclose()


def _restored(record: ConsumerRecord) -> tuple[Key, Counts | None]:
    try:
        key = decode_key(record.key or b"")
        return key, None if record.value is None else decode_counts(key, record.value)
    except PoisonError as error:  # our own record: restoring without it would be a wrong number
        raise LogMismatchError(f"{record.topic}/{record.partition} at offset {record.offset}: {error}") from error
