"""Writing to compacted topics: one writer per partition, everything of one decision in one transaction."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from aiokafka import AIOKafkaProducer

from news_shared.kafka import connection, kafka_errors
from news_shared.producer import Outgoing, Position, enqueue, stop_client
from news_shared.settings import KafkaSettings
from news_shared.topics import MAX_RECORD_BYTES

_TRANSACTION_TIMEOUT = timedelta(seconds=10)


class FencedWriter:
    """The only process that can write under its transactional id. Make it with `open_fenced_writer`.

    After any error it is of no use: whether the last transaction was committed is unknown. Whoever opens the next
    one finds that settled, and reads the log to learn the outcome.
    """

    def __init__(self, client: AIOKafkaProducer, *, transactions: bool) -> None:
        self._client = client
        self._transactions = transactions

    async def write(self, records: Sequence[Outgoing]) -> list[Position]:
        """Write all records or none (on a broker without transactions: in order); returns when they are durable.

        Raises:
            FencedError: a newer owner of the id writes now.
            TransientError: Kafka is away; the outcome is unknown.
            PoisonError: a record is larger than its topic takes.
        """
        if not records:
            return []
        with kafka_errors("writing in a transaction"):
            async with asyncio.timeout(_TRANSACTION_TIMEOUT.total_seconds()):
                if self._transactions:
                    await self._client.begin_transaction()
                sent = [await enqueue(self._client, record) for record in records]
                results = await asyncio.gather(*sent)
                if self._transactions:
                    await self._client.commit_transaction()
        return [Position(r.partition, r.offset, r.timestamp) for r in results]


@asynccontextmanager
async def open_fenced_writer(settings: KafkaSettings, transactional_id: str) -> AsyncIterator[FencedWriter]:
    """A writer; opening it shuts out every former owner of the id and settles what that one left open.

    Raises:
        TransientError: Kafka does not answer.
    """
    with kafka_errors(f"opening the writer {transactional_id}"):
        exclusive = (
            {
                "transactional_id": transactional_id,
                "transaction_timeout_ms": _TRANSACTION_TIMEOUT // timedelta(milliseconds=1),
            }
            if settings.transactions
            else {}
        )
        client = AIOKafkaProducer(
            **connection(settings),
            acks="all",
            max_request_size=MAX_RECORD_BYTES,
            max_batch_size=512 * 1024,
            **exclusive,
        )
        try:
            async with asyncio.timeout(2 * _TRANSACTION_TIMEOUT.total_seconds()):
                await client.start()
        except BaseException:
            await stop_client(client)
            raise
    try:
        yield FencedWriter(client, transactions=settings.transactions)
    finally:
        await stop_client(client)
