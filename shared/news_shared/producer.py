"""A producer whose answer means «on disk»: acks from all replicas, a deadline, and a new one when the old is stuck."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import TypeAlias

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from news_shared.errors import FencedError, NewsError, PoisonError, TransientError
from news_shared.kafka import connection, kafka_errors
from news_shared.settings import KafkaSettings
from news_shared.topics import MAX_RECORD_BYTES

log = structlog.get_logger()

_STUCK_AFTER = timedelta(seconds=30)
"""aiokafka#1017: nothing is acknowledged any more. On a quiet process no send waits so long, but one after another."""


@dataclass(frozen=True)
class Outgoing:
    """A record on its way to a topic; a value of None is a tombstone."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, order=True)
class Position:
    """Where Kafka put a record."""

    partition: int
    offset: int
    timestamp_ms: int


Settled: TypeAlias = Callable[[int, NewsError | None], None]


class Producer:
    """Sends records and waits until Kafka has them on every in-sync replica. Make it with `open_producer`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._client: AIOKafkaProducer | None = None
        self._failing_since: float | None = None  # when the first send began since nothing is acknowledged any more
        self._replacing = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def send(
        self,
        topic: str,
        *,
        partition: int,
        value: bytes | None,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Position:
        """Write one record; returns when it is durable.

        Raises:
            TransientError: Kafka did not acknowledge in time: the outcome is unknown, sending again must be safe.
            PoisonError: the record is larger than the topic takes.
        """
        [position] = await self.send_many([Outgoing(topic, partition, key, value, headers)])
        return position

    async def send_many(self, records: Sequence[Outgoing]) -> list[Position]:
        """Write records; returns when all are durable. Order is kept within a partition. Errors as in `send`."""
        async with self._writing() as client:
            sent = [await enqueue(client, record) for record in records]
            results = await asyncio.gather(*sent)
        return [Position(r.partition, r.offset, r.timestamp) for r in results]

    async def send_each(self, records: Sequence[Outgoing], settled: Settled) -> None:
        """Write records that stand or fall each for itself; returns when every outcome is known.

        Args:
            records: what to write. Order is kept within a partition.
            settled: called once for each, as soon as it is known, with its place in ``records`` and None when it is
                durable, or the error that `send` would raise.
        """
        left = set(range(len(records)))

        def acknowledged(index: int, future: "asyncio.Future[RecordMetadata]") -> None:
            if not future.cancelled() and future.exception() is None:
                left.discard(index)
                settled(index, None)

        error: NewsError = TransientError("the record was not written")  # when this call is cut off
        try:
            async with self._writing() as client:
                sent = [await enqueue(client, record) for record in records]
                for index, future in enumerate(sent):
                    future.add_done_callback(partial(acknowledged, index))
                for outcome in await asyncio.gather(*sent, return_exceptions=True):
                    if isinstance(outcome, BaseException):
                        raise outcome
        except (TransientError, PoisonError) as said:
            error = said
        finally:
            for index in left:
                settled(index, error)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AIOKafkaProducer]:
        began = monotonic()
        try:
            with kafka_errors("writing to Kafka"):
                async with asyncio.timeout(self._settings.delivery_timeout.total_seconds()):
                    yield self._client or await self._connect()
        except FencedError as error:  # an idempotent producer that lost its place cannot go on
            await self._replace()
            raise TransientError(str(error)) from error
        except TransientError:
            if self._failing_since is None:  # until then it was idle, not stuck
                self._failing_since = began
            if monotonic() - self._failing_since > _STUCK_AFTER.total_seconds():
                await self._replace()
            raise
        self._failing_since = None

    async def close(self) -> None:
        """Stop; what was not acknowledged has raised at its sender."""
        await self._replace()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _connect(self) -> AIOKafkaProducer:
        async with self._replacing:
            if self._client is None:
                client = AIOKafkaProducer(
                    **connection(self._settings),
                    acks="all",
                    enable_idempotence=self._settings.transactions,
                    max_request_size=MAX_RECORD_BYTES,
                    max_batch_size=512 * 1024,
                )
                try:
                    await client.start()
                except BaseException:
                    self._stop_in_background(client)
                    raise
                self._client = client
            return self._client

    async def _replace(self) -> None:
        async with self._replacing:
            if self._client is not None:
                self._stop_in_background(self._client)
                self._client = None
                self._failing_since = None

    def _stop_in_background(self, client: AIOKafkaProducer) -> None:
        task = asyncio.create_task(stop_client(client), name="stop a producer")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def enqueue(client: AIOKafkaProducer, record: Outgoing) -> "asyncio.Future[RecordMetadata]":
    """Hand a record to a client; the future that comes back holds its place in the log."""
    headers = [*record.headers]
    return await client.send(  # type: ignore[no-any-return]  # aiokafka is untyped
        record.topic, value=record.value, key=record.key, partition=record.partition, headers=headers
    )


async def stop_client(client: AIOKafkaProducer) -> None:
    """Stop a client, whatever state it is in, within five seconds."""
    try:
        async with asyncio.timeout(5):
            await client.stop()
    except Exception as error:  # noqa: BLE001  # whatever a broken client says at its end, nobody waits for it
        log.info("producer did not stop cleanly", error=repr(error))
        await client.client.close()  # its connections: it gave up before it came to them


@asynccontextmanager
async def open_producer(settings: KafkaSettings) -> AsyncIterator[Producer]:
    """A producer that connects at its first record, so that a process can start while Kafka is away."""
    producer = Producer(settings)
    try:
        yield producer
    finally:
        await producer.close()
