"""``news.views`` as it would be if it had been written some time ago: records with the broker's time of then."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from time import monotonic
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import RecordMetadata

from news_shared.kafka import connection
from news_shared.producer import Outgoing
from news_shared.projection.log import PartitionLog
from news_shared.topics import MAX_RECORD_BYTES, TOPICS, VIEWS
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.waiting import until

_AT_ONCE = 200
_PATIENCE_MS = 120_000  # longer than any fault of the broker


class Dated(NamedTuple):
    """A record, and when the broker would have appended it."""

    record: Outgoing
    appended_ms: int


async def keep_the_times_given(backend: Backend) -> None:
    """Let ``news.views`` keep the producer's times, where the product's topic takes the broker's own."""
    [spec] = [spec for spec in TOPICS if spec.name == VIEWS]
    config = {
        **spec.config,
        "message.timestamp.type": "CreateTime",
        "max.message.bytes": str(MAX_RECORD_BYTES),  # altering replaces all that was set
    }
    admin = AIOKafkaAdminClient(**connection(backend.kafka_settings))
    await admin.start()
    try:
        answers: list[Any] = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, VIEWS, config)])
    finally:
        await admin.close()
    assert all(code == 0 for answer in answers for code, *_ in answer.resources), answers


class DatedWriter:
    """Writes records in order, each once, whatever happens to the broker: as many as are allowed, at a pace.

    Make it with `open_writer`.
    """

    def __init__(self, client: AIOKafkaProducer, records: Iterator[Dated], *, per_second: float) -> None:
        self._client = client
        self._records = records
        self._per_second = per_second
        self._allowed = 0
        self._is_paused = False
        self._may_write = asyncio.Event()
        self._writing = asyncio.Lock()
        self._acknowledged_at = monotonic()
        self._at_ms = 0
        self.acknowledged = 0

    @property
    def is_writing(self) -> bool:
        """Whether there is something to write, and nobody forbids it."""
        return self._may_write.is_set()

    def allow(self, more: int) -> None:
        """Let it write so many more records."""
        self._allowed += more
        self._look()

    def hurry(self) -> None:
        """Write the rest as fast as Kafka takes it."""
        self._per_second = float("inf")

    async def pause(self) -> None:
        """Write nothing until `resume`; returns when nothing is on its way any more."""
        self._is_paused = True
        self._look()
        async with self._writing:
            pass

    def resume(self) -> None:
        """End a pause."""
        self._is_paused = False
        self._look()

    async def run(self) -> None:
        """Write until there are no records any more."""
        while True:
            await self._may_write.wait()
            async with self._writing:
                if not self._may_write.is_set():
                    continue
                begun = monotonic()
                portion = list(islice(self._records, min(_AT_ONCE, self._allowed - self.acknowledged)))
                if not portion:
                    self._may_write.clear()
                    return
                self._at_ms = portion[-1].appended_ms
                sent = [await self._enqueue(dated) for dated in portion]
                for written in await asyncio.gather(*sent):
                    assert written.timestamp_type == 0, "the topic takes the broker's time"
                self.acknowledged += len(portion)
                self._acknowledged_at = monotonic()
                self._look()
            await asyncio.sleep(max(0.0, begun + len(portion) / self._per_second - monotonic()))

    async def silence(self, seconds: float) -> None:
        """Wait until nothing was acknowledged for this long."""
        await until(
            lambda: monotonic() - self._acknowledged_at > seconds, "the broker to say nothing", seconds=seconds + 30
        )

    def _look(self) -> None:
        if self._is_paused or self.acknowledged >= self._allowed:
            self._may_write.clear()
        else:
            self._may_write.set()

    async def interject(self, value: bytes) -> None:
        """Write something that is neither batch nor marker to every partition, at the time of the last record."""
        async with self._writing:
            alien = [Dated(Outgoing(VIEWS, partition, None, value), self._at_ms) for partition in range(PARTITIONS)]
            await asyncio.gather(*[await self._enqueue(dated) for dated in alien])

    async def _enqueue(self, dated: Dated) -> "asyncio.Future[RecordMetadata]":
        record, appended_ms = dated
        return await self._client.send(  # type: ignore[no-any-return]  # aiokafka is untyped
            record.topic,
            value=record.value,
            partition=record.partition,
            headers=[*record.headers],
            timestamp_ms=appended_ms,
        )


@asynccontextmanager
async def open_writer(
    backend: Backend, records: Iterator[Dated], *, per_second: float = float("inf")
) -> AsyncIterator[DatedWriter]:
    """A writer of ``records``."""
    client = AIOKafkaProducer(
        **{**connection(backend.kafka_settings), "request_timeout_ms": _PATIENCE_MS},
        acks="all",
        enable_idempotence=True,
        max_batch_size=512 * 1024,
    )
    await client.start()
    try:
        yield DatedWriter(client, records, per_second=per_second)
    finally:
        await client.stop()


class SeenLog:
    """Every record that ``news.views`` has had, also those that were trimmed after they were read here."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.records: dict[int, list[ConsumerRecord]] = defaultdict(list)

    async def read(self) -> dict[int, list[ConsumerRecord]]:
        """Read on to the end."""
        await asyncio.gather(*(self._read(partition) for partition in range(PARTITIONS)))
        return self.records

    async def _read(self, partition: int) -> None:
        seen = self.records[partition]
        log = PartitionLog(self._backend.kafka_settings, VIEWS, partition)
        bounds = await log.bounds()
        start = seen[-1].offset + 1 if seen else bounds.begin
        assert start >= bounds.begin, "trimmed before it was read"
        async for records in log.read(start, bounds.end):
            seen += records
