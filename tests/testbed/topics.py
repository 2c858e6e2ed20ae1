"""Reading whole topics, as a plain consumer would."""

from aiokafka import ConsumerRecord

from news_shared.projection.log import PartitionLog
from news_shared.settings import KafkaSettings
from tests.testbed.backends import PARTITIONS, Backend


async def records_of(backend: Backend, topic: str) -> list[ConsumerRecord]:
    """Every committed record, partition by partition, in order of offset."""
    return await records_in(backend.kafka_settings, topic)


async def records_in(kafka: KafkaSettings, topic: str) -> list[ConsumerRecord]:
    """The same, of whatever Kafka."""
    found: list[ConsumerRecord] = []
    for partition in range(PARTITIONS):
        log = PartitionLog(kafka, topic, partition)
        bounds = await log.bounds()
        async for records in log.read(bounds.begin, bounds.end):
            found += records
    return found
