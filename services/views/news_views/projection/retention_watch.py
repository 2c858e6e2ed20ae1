"""Alarm before the log forgets what the changelog does not hold: told in metrics, judged by ``newsfeed doctor``."""

import asyncio
from contextlib import aclosing
from functools import cache
from time import monotonic
from typing import Final

import structlog
from aiokafka import ConsumerRecord
from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from news_shared.cancelling import cancel
from news_shared.clock import Clock, epoch_ms, system_clock
from news_shared.errors import TransientError
from news_shared.projection.contract import Ownership
from news_shared.redis_client import redis_errors
from news_shared.topics import VIEWS_KEPT

log = structlog.get_logger()

_LOOK_EVERY: Final = 60.0


class RetentionMetrics:
    """Of each partition that this process owns: what a restore would need, what there is, and the partition's clock."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def of_partition(name: str, what: str) -> Gauge:
            return Gauge(f"news_views_{name}_seconds", what, ["partition"], registry=registry)

        self.unwritten = of_partition("unwritten", "Age of the oldest record whose counts are not in the changelog.")
        self.log_reach = of_partition("log_reach", "How far back news.views reaches; its retention while all is there.")
        self.clock_ahead = of_partition("clock_ahead", "By how much the newest append time is ahead of now.")

    def forget(self, partition: int) -> None:
        """Another process owns it."""
        for gauge in (self.unwritten, self.log_reach, self.clock_ahead):
            gauge.remove(str(partition))


@cache
def process_metrics() -> RetentionMetrics:
    """The series of this process."""
    return RetentionMetrics(REGISTRY)


class RetentionWatch:
    """Watches one partition while it is owned."""

    def __init__(self, ownership: Ownership, metrics: RetentionMetrics, clock: Clock = system_clock) -> None:
        self._ownership = ownership
        self._metrics = metrics
        self._clock = clock
        self._looking: asyncio.Task[None] | None = None
        self._due = 0.0

    def tick(self, log_ms: int) -> None:
        """Tell how the partition's clock goes, and look at the log once a minute, beside the counting.

        Args:
            log_ms: the newest append time that was counted.
        """
        self._told(self._metrics.clock_ahead, max(0, log_ms - epoch_ms(self._clock())))
        if monotonic() >= self._due and (self._looking is None or self._looking.done()):
            self._due = monotonic() + _LOOK_EVERY
            name = f"look how far back partition {self._ownership.partition} reaches"
            self._looking = asyncio.create_task(self._look_if_possible(), name=name)

    async def close(self) -> None:
        """Stop looking, and take the partition's series away."""
        if self._looking is not None:
            await cancel([self._looking])
        self._metrics.forget(self._ownership.partition)

    async def _look_if_possible(self) -> None:
        try:
            await self.look()
        except TransientError as error:
            log.info("not known how far back the log reaches", reason=str(error))

    async def look(self) -> None:
        """Compare the log with what the changelog holds.

        Raises:
            TransientError: Kafka or Redis is away.
        """
        with redis_errors("reading how complete the changelog is"):
            written = int(await self._ownership.redis.hget(f"{self._ownership.prefix}partition", "w") or 0)
        bounds = await self._ownership.log.bounds()
        now_ms = epoch_ms(self._clock())
        unwritten = await self._first(max(written, bounds.begin), bounds.end)
        oldest = await self._first(bounds.begin, bounds.end) if bounds.begin > 0 else None
        kept_ms = 1000 * round(VIEWS_KEPT.total_seconds())
        self._told(self._metrics.unwritten, 0 if unwritten is None else max(0, now_ms - unwritten.timestamp))
        self._told(self._metrics.log_reach, kept_ms if oldest is None else max(0, now_ms - oldest.timestamp))

    async def _first(self, start: int, end: int) -> ConsumerRecord | None:
        async with aclosing(self._ownership.log.read(start, end)) as portions:
            async for records in portions:
                return records[0]
        return None

    def _told(self, gauge: Gauge, milliseconds: int) -> None:
        gauge.labels(str(self._ownership.partition)).set(milliseconds / 1000)
