"""Reading whole topics, as a plain consumer would."""

from aiokafka import ConsumerRecord

from news_shared.projection.log import PartitionLog
from tests.testbed.backends import PARTITIONS, Backend


async def records_of(backend: Backend, topic: str) -> list[ConsumerRecord]:
    """Every committed record, partition by partition, in order of offset."""
    found: list[ConsumerRecord] = []
    for partition in range(PARTITIONS):
        log = PartitionLog(backend.kafka_settings, topic, partition)
        bounds = await log.bounds()
        async for records in log.read(bounds.begin, bounds.end):
            found += records
    return found
