"""Reading whole topics, as a plain consumer would."""

import asyncio

from aiokafka import ConsumerRecord

from news_shared.projection.log import PartitionLog
from news_shared.settings import KafkaSettings
from tests.testbed.backends import PARTITIONS, Backend


async def records_of(backend: Backend, topic: str) -> list[ConsumerRecord]:
    """Every committed record, partition by partition, in order of offset."""
    return await records_in(backend.kafka_settings, topic)


async def records_in(kafka: KafkaSettings, topic: str) -> list[ConsumerRecord]:
    """The same, of whatever Kafka."""
    logs = [PartitionLog(kafka, topic, partition) for partition in range(PARTITIONS)]
    found = await asyncio.gather(*map(_records, logs))
    return [record for records in found for record in records]


async def _records(log: PartitionLog) -> list[ConsumerRecord]:
    bounds = await log.bounds()
    return [record async for records in log.read(bounds.begin, bounds.end) for record in records]
