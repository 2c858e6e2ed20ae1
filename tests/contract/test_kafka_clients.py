"""What our Kafka clients promise, on the embedded broker and on Apache Kafka."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaProducer

from news_shared.errors import FencedError, LogMismatchError, PoisonError, TransientError
from news_shared.fenced_writer import open_fenced_writer
from news_shared.kafka import connection
from news_shared.producer import Outgoing, enqueue, open_producer
from news_shared.projection.log import PartitionLog
from news_shared.settings import KafkaSettings
from news_shared.topic_table import TopicTable
from news_shared.topics import HOLDS, MAX_RECORD_BYTES, SOURCES, TOPICS, VECTORS, check_topics, create_topics
from tests.testbed.apache_kafka import ApacheKafka
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.waiting import until


def outgoing(topic: str, partition: int, key: str, value: str | None) -> Outgoing:
    return Outgoing(topic, partition, key.encode(), None if value is None else value.encode(), [("h", b"1")])


async def values(settings: KafkaSettings, topic: str, partition: int) -> list[bytes | None]:
    log = PartitionLog(settings, topic, partition)
    bounds = await log.bounds()
    return [record.value async for records in log.read(bounds.begin, bounds.end) for record in records]


async def test_what_was_acknowledged_is_in_the_log_in_order(backend: Backend) -> None:
    settings = backend.kafka_settings
    async with open_producer(settings) as producer:
        positions = await producer.send_many([outgoing(HOLDS, 1, "k", str(n)) for n in range(1000)])
    assert [p.offset for p in positions] == sorted({p.offset for p in positions})
    assert await values(settings, HOLDS, 1) == [str(n).encode() for n in range(1000)]


async def test_a_record_over_the_limit_is_refused_and_not_retried(backend: Backend) -> None:
    async with open_producer(backend.kafka_settings) as producer:
        with pytest.raises(PoisonError):
            await producer.send(HOLDS, partition=0, key=b"k", value=b"x" * (MAX_RECORD_BYTES + 1))


async def test_a_transaction_is_read_whole_and_its_markers_are_passed_over(backend: Backend) -> None:
    settings = backend.kafka_settings
    async with open_fenced_writer(settings, "test-markers") as writer:
        for turn in range(3):
            written = await writer.write([outgoing(HOLDS, 2, f"{turn}-{n}", "v") for n in range(4)])
            assert len(written) == 4
    assert len(await values(settings, HOLDS, 2)) == 12
    log = PartitionLog(settings, HOLDS, 2)
    bounds = await log.bounds()
    last = await log.record_at(bounds.end - (2 if backend.transactions else 1))
    assert last is not None
    assert last.key == b"2-3"
    if backend.transactions:
        assert await log.record_at(bounds.end - 1) is None, "the commit marker is not a record"
    with pytest.raises(TransientError, match="cannot be read yet"):
        await log.record_at(bounds.end)


@pytest.mark.kafka
async def test_what_an_open_transaction_wrote_is_not_yet_there_rather_than_gone(backend: Backend) -> None:
    log = PartitionLog(backend.kafka_settings, HOLDS, 4)
    async with AIOKafkaProducer(**connection(backend.kafka_settings), transactional_id="test-open") as client:
        async with client.transaction():
            written = await (await enqueue(client, outgoing(HOLDS, 4, "k", "v")))
            with pytest.raises(TransientError, match="cannot be read yet"):
                await log.record_at(written.offset)

        async def is_there() -> bool:
            with suppress(TransientError):
                return await log.record_at(written.offset) is not None
            return False

        await until(is_there, "the record of a committed transaction")


async def test_a_newer_writer_shuts_out_a_paused_former_one(backend: Backend) -> None:
    settings = backend.kafka_settings
    async with open_fenced_writer(settings, "test-fence") as former:
        await former.write([outgoing(HOLDS, 3, "k", "former")])
        async with open_fenced_writer(settings, "test-fence") as newer:
            await newer.write([outgoing(HOLDS, 3, "k", "newer")])
            if backend.transactions:  # the embedded broker cannot fence: ADR 5
                with pytest.raises(FencedError):
                    await former.write([outgoing(HOLDS, 3, "k", "former, woken up")])
                assert (await values(settings, HOLDS, 3))[-1] == b"newer"


async def test_a_table_follows_its_topic_and_its_writer_reads_what_he_wrote(backend: Backend) -> None:
    table = TopicTable(backend.kafka_settings, SOURCES, PARTITIONS)
    async with open_producer(backend.kafka_settings) as producer, table.following():
        await producer.send(SOURCES, partition=5, key=b"early", value=b"1")
        await table.wait_until_caught_up(timedelta(seconds=20))
        position = await producer.send(SOURCES, partition=7, key=b"a", value=b"1")
        await table.wait_for(position, timedelta(seconds=20))
        assert table.items[b"a"] == b"1"
        position = await producer.send(SOURCES, partition=7, key=b"a", value=None)
        await table.wait_for(position, timedelta(seconds=20))
        assert dict(table.items) == {b"early": b"1"}


async def test_an_offset_is_found_by_time(backend: Backend) -> None:
    log = PartitionLog(backend.kafka_settings, VECTORS, 0)
    async with open_producer(backend.kafka_settings) as producer:
        first = await producer.send(VECTORS, partition=0, key=b"a", value=b"1")
        await asyncio.sleep(0.005)  # two records of one millisecond cannot be told apart by time
        second = await producer.send(VECTORS, partition=0, key=b"b", value=b"2")
    assert await log.offset_at(first.timestamp_ms) == first.offset
    assert await log.offset_at(second.timestamp_ms) <= second.offset, "never too late"


async def test_another_number_of_partitions_is_refused_with_what_to_do(backend: Backend) -> None:
    await check_topics(backend.kafka_settings, PARTITIONS)
    for call in (check_topics, create_topics):
        with pytest.raises(LogMismatchError, match=r"NEWS_PARTITIONS is 7, but .*news.views has 12"):
            await call(backend.kafka_settings, 7)


async def test_creating_the_topics_again_changes_nothing(backend: Backend) -> None:
    assert await create_topics(backend.kafka_settings, PARTITIONS) == []


@pytest.mark.kafka
async def test_a_topic_that_the_broker_refuses_to_create_is_named(fresh_backend: Backend) -> None:
    assert isinstance(fresh_backend.kafka, ApacheKafka)
    await asyncio.to_thread(fresh_backend.kafka.delete_topics)
    with pytest.raises(TransientError, match=r"InvalidReplicationFactorError.*news\.\w+"):
        await create_topics(fresh_backend.kafka_settings.model_copy(update={"replication": 3}), PARTITIONS)
    assert await create_topics(fresh_backend.kafka_settings, PARTITIONS) == [spec.name for spec in TOPICS]
