"""What a producer says of records that were written, and of those that were not."""

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from news_shared.errors import NewsError, PoisonError, TransientError
from news_shared.producer import Outgoing, open_producer
from news_shared.topics import MAX_RECORD_BYTES, VECTORS
from tests.testbed.backends import Backend


def a_record(partition: int, value: bytes = b"value") -> Outgoing:
    return Outgoing(VECTORS, partition, b"key", value)


class Outcomes:
    """Every outcome that was told, by the record's place."""

    def __init__(self) -> None:
        self.told: dict[int, list[NewsError | None]] = defaultdict(list)

    def __call__(self, index: int, error: NewsError | None) -> None:
        self.told[index].append(error)


async def test_each_record_is_told_once_that_it_is_durable(backend: Backend) -> None:
    outcomes = Outcomes()
    async with open_producer(backend.kafka_settings) as producer:
        await producer.send_each([a_record(n % 3) for n in range(7)], outcomes)
    assert outcomes.told == {n: [None] for n in range(7)}


async def test_a_record_that_kafka_never_takes_is_told_so_and_each_has_one_outcome(backend: Backend) -> None:
    outcomes = Outcomes()
    async with open_producer(backend.kafka_settings) as producer:
        await producer.send_each([a_record(0), a_record(1, b"x" * (MAX_RECORD_BYTES + 1))], outcomes)
        await producer.send(VECTORS, partition=0, key=b"key", value=b"and it goes on")
    assert isinstance(outcomes.told[1][0], PoisonError)
    assert [len(told) for told in outcomes.told.values()] == [1, 1]


async def test_a_stuck_client_is_replaced_also_where_sends_are_rare(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("news_shared.producer.monotonic", lambda: now[0])

    async def is_stuck(client: AIOKafkaProducer, record: Outgoing) -> "asyncio.Future[RecordMetadata]":
        return asyncio.get_running_loop().create_future()

    quick = backend.kafka_settings.model_copy(update={"delivery_timeout": timedelta(milliseconds=20)})
    async with open_producer(backend.kafka_settings) as producer:
        await producer.send(VECTORS, partition=0, key=b"key", value=b"connected")
        client, producer._settings = producer._client, quick
        now[0] = 3600  # idle for an hour, which is not being stuck
        with monkeypatch.context() as stuck:
            stuck.setattr("news_shared.producer.enqueue", is_stuck)
            for after, same in ((0, True), (20, True), (20, False)):
                now[0] += after
                with pytest.raises(TransientError):
                    await producer.send(VECTORS, partition=0, key=b"key", value=b"lost")
                assert (producer._client is client) is same
        producer._settings = backend.kafka_settings
        await producer.send(VECTORS, partition=0, key=b"key", value=b"and it goes on")


async def test_while_kafka_is_away_every_outcome_is_unknown(fresh_backend: Backend) -> None:
    outcomes = Outcomes()
    async with open_producer(fresh_backend.kafka_settings) as producer:
        await producer.send(VECTORS, partition=0, key=b"key", value=b"connected")
        fresh_backend.kafka.kill()
        try:
            await producer.send_each([a_record(n) for n in range(3)], outcomes)
        finally:
            fresh_backend.kafka.start()
    assert len(outcomes.told) == 3
    assert all(len(told) == 1 and isinstance(told[0], TransientError) for told in outcomes.told.values())
