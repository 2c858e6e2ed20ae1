"""Reading one partition outside the consumer group: to restore, to verify, to look back."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from news_shared.errors import TransientError
from news_shared.kafka import end_offset, kafka_errors, reading
from news_shared.settings import KafkaSettings
from news_shared.topics import MAX_RECORD_BYTES

_POLL_MS = 500
_SILENT_POLLS = 20  # 10 s without a record before the end of the range: the broker is away


@dataclass(frozen=True)
class Bounds:
    """What a partition holds: offsets from ``begin`` up to, not including, ``end``."""

    begin: int
    end: int


class PartitionLog:
    """One partition of one topic, read from wherever asked; committed records only."""

    def __init__(self, settings: KafkaSettings, topic: str, partition: int) -> None:
        self._settings = settings
        self.topic = topic
        self.partition = partition
        self._tp = TopicPartition(topic, partition)

    async def bounds(self) -> Bounds:
        """The offsets that the partition holds now; the end is that of committed transactions.

        Raises:
            TransientError: Kafka does not answer.
        """
        async with self._consumer() as consumer:
            begin = await consumer.beginning_offsets([self._tp])
            return Bounds(begin[self._tp], await end_offset(consumer, self._tp, self._settings))

    async def read(self, start: int, end: int) -> AsyncGenerator[Sequence[ConsumerRecord], None]:
        """Batches of the records from ``start`` up to, not including, ``end``; offsets may have gaps.

        Raises:
            TransientError: Kafka went away before the end.
        """
        if start >= end:
            return
        async with self._consumer() as consumer:
            consumer.seek(self._tp, start)
            silent = 0
            while (position := await consumer.position(self._tp)) < end:
                batches = await consumer.getmany(self._tp, timeout_ms=_POLL_MS, max_records=2000)
                records = [r for r in batches.get(self._tp, []) if r.offset < end]
                if records:
                    yield records
                moved = await consumer.position(self._tp) > position
                silent = 0 if moved else silent + 1
                if silent >= _SILENT_POLLS:
                    raise TransientError(f"{self.topic}/{self.partition} gives nothing after offset {position}")

    async def read_to_end(self, start: int) -> AsyncGenerator[Sequence[ConsumerRecord], None]:
        """Batches of the records from ``start`` on, also of those that are written meanwhile.

        So must a compacted topic be read that somebody writes: compaction removes a value that is still to be read
        when its successor lies behind the end that the topic had at first.

        Raises:
            TransientError: Kafka went away before the end.
        """
        while (end := (await self.bounds()).end) > start:
            async for records in self.read(start, end):
                yield records
            start = end

    async def offset_at(self, timestamp_ms: int) -> int:
        """The first offset whose record is not older than this moment; the end when there is none.

        Raises:
            TransientError: Kafka does not answer.
        """
        async with self._consumer() as consumer:
            found = (await consumer.offsets_for_times({self._tp: max(0, timestamp_ms)})).get(self._tp)
            if found is not None and found.offset >= 0:
                return int(found.offset)
            return await end_offset(consumer, self._tp, self._settings)

    async def record_at(self, offset: int) -> ConsumerRecord | None:
        """The record with exactly this offset; None where a marker, compaction or retention left a gap.

        Raises:
            TransientError: Kafka does not answer, or the offset lies behind the end: Kafka says that a transaction
                is committed before it writes its marker, and until then nobody can read what was written.
        """
        bounds = await self.bounds()
        if offset >= bounds.end:
            raise TransientError(f"{self.topic}/{self.partition} ends at {bounds.end}: {offset} cannot be read yet")
        if offset < bounds.begin:
            return None
        async with self._consumer() as consumer:
            consumer.seek(self._tp, offset)
            for _ in range(_SILENT_POLLS):
                batches = await consumer.getmany(self._tp, timeout_ms=_POLL_MS, max_records=1)
                for record in batches.get(self._tp, []):
                    return record if record.offset == offset else None
                if await consumer.position(self._tp) > offset:
                    return None
            raise TransientError(f"{self.topic}/{self.partition} gives nothing at offset {offset}")

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        with kafka_errors(f"reading {self.topic}/{self.partition}"):
            consumer = AIOKafkaConsumer(
                **reading(self._settings),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                max_partition_fetch_bytes=MAX_RECORD_BYTES,
                fetch_max_wait_ms=100,
            )
            try:
                await consumer.start()
                consumer.assign([self._tp])
                yield consumer
            finally:
                await consumer.stop()
