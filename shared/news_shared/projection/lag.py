"""How far a projection is behind its log: told in metrics, and to the tools that look at Kafka's consumer groups."""

import asyncio
from collections.abc import Mapping
from time import monotonic, time

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from news_shared.cancelling import cancel
from news_shared.projection.metrics import ProjectionMetrics

log = structlog.get_logger()

_COMMIT_EVERY = 5.0


class Lag:
    """Tells how far the partitions of one projection are behind.

    Args:
        group: of the projection.
        metrics: where it is told.
        transactions: whether a log ends for its readers where the last finished transaction does.
    """

    def __init__(self, group: str, metrics: ProjectionMetrics, *, transactions: bool) -> None:
        self._group = group
        self._metrics = metrics
        self._transactions = transactions
        self._committed_at = 0.0
        self._committing: asyncio.Task[None] | None = None

    def tell(self, consumer: AIOKafkaConsumer, tp: TopicPartition, next_offset: int) -> int | None:
        """Measure how far the log goes on from here; returns its end, as far as the consumer knows it."""
        if tp not in consumer.assignment():
            return None
        end: int | None = consumer.last_stable_offset(tp) if self._transactions else consumer.highwater(tp)
        if end is not None:
            self._metrics.lag(self._group, tp.partition, max(0, end - next_offset))
        return end

    def age(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> float:
        """Seconds since Kafka told how far the log goes: while Kafka is away nobody knows what it holds by now."""
        told_ms: int = consumer.last_poll_timestamp(tp) or 0
        return max(0.0, time() - told_ms / 1000)

    def commit(self, consumer: AIOKafkaConsumer, next_offsets: Mapping[TopicPartition, int]) -> None:
        """Every five seconds, for lag tools, since what counts is in Redis.

        Beside the loop: the client tries again for as long as the group's coordinator is away.
        """
        if monotonic() - self._committed_at < _COMMIT_EVERY:
            return
        if self._committing is not None and not self._committing.done():
            return
        self._committed_at = monotonic()
        assigned = consumer.assignment()
        offsets = {tp: OffsetAndMetadata(offset, "") for tp, offset in next_offsets.items() if tp in assigned}
        if offsets:
            self._committing = asyncio.create_task(_commit(consumer, offsets), name=f"commit for {self._group}")

    async def stop(self) -> None:
        """Commit no more."""
        if self._committing is not None:
            await cancel([self._committing])
            self._committing = None


async def _commit(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
    try:
        await consumer.commit(offsets)
    except KafkaError as error:
        log.debug("offsets not committed", error=repr(error))
