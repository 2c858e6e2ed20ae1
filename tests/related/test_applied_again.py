"""Parked records of topics whose last record of a key holds, when somebody asks to apply them again."""

from datetime import timedelta
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from prometheus_client import CollectorRegistry

from news_related.graph.curation import CHOICES, Choice, choices_key, curation_key
from news_related.neighbours.vector_projection import ARTICLE_VECTORS
from news_shared.article_ids import partition_of
from news_shared.clock import system_clock
from news_shared.process import running
from news_shared.producer import Outgoing, open_producer
from news_shared.projection.contract import ProjectionSpec
from news_shared.projection.dead_letters import DeadLetters
from news_shared.projection.metrics import ProjectionMetrics
from news_shared.projection.projector import Projector
from news_shared.projection.state import StateKeys
from news_shared.redis_client import open_redis
from tests.related.builders import NOON, a_vector, id_of
from tests.related.graph_on_redis import PREFIX
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.topics import records_of
from tests.testbed.waiting import until

_PIN = Choice(article=id_of("a"), other=id_of("b"), kind="pin", by="admin", at=NOON)
_VECTOR = a_vector("a", 1, 2)


@pytest.mark.parametrize(
    ("spec", "key", "value", "kept"),
    [
        (CHOICES, curation_key(_PIN.article, _PIN.other), _PIN.encode(), choices_key(PREFIX, _PIN.article)),
        (ARTICLE_VECTORS, _VECTOR.article.encode(), _VECTOR.encode(), f"{PREFIX}vectors"),
    ],
    ids=["a choice", "a vector"],
)
async def test_what_was_taken_back_since_does_not_come_back(
    fresh_backend: Backend, spec: ProjectionSpec[Any], key: bytes, value: bytes, kept: str
) -> None:
    backend = fresh_backend
    partition = partition_of(key, PARTITIONS)
    async with open_redis(backend.redis_settings) as redis, open_producer(backend.kafka_settings) as producer:
        dead_letters = DeadLetters(
            producer, backend.kafka_settings, group=spec.group, partitions=PARTITIONS, clock=system_clock
        )
        replay = StateKeys(spec.hash_tag(partition), spec.topic, partition).replay

        async def write(value: bytes | None) -> ConsumerRecord:
            await producer.send_many([Outgoing(spec.topic, partition, key, value)])
            return (await records_of(backend, spec.topic))[-1]

        async def is_kept() -> bool:
            return bool(await redis.exists(kept))

        async def is_gone() -> bool:
            return not await redis.exists(kept)

        async def apply_again(record: ConsumerRecord) -> None:
            position = await dead_letters.park(record, "as by a version that could not read it", tag=spec.hash_tag(0))
            await redis.rpush(replay, f"{position.partition}/{position.offset}")

            async def is_answered() -> bool:
                return not await redis.exists(replay)

            await until(is_answered, "the request to be struck off")

        projector: Projector[Any] = Projector(
            spec,
            kafka=backend.kafka_settings,
            redis=redis,
            partitions=PARTITIONS,
            instance="0",
            metrics=ProjectionMetrics(CollectorRegistry()),
        )
        async with running(projector.run(), stop=projector.request_stop, name="0", drain=timedelta(seconds=10)):
            written = await write(value)
            await until(is_kept, "what was written")
            await redis.delete(kept)
            await apply_again(written)
            assert await is_kept(), "the last word of its key"
            await write(None)
            await until(is_gone, "what was taken back")
            await apply_again(written)
            assert await is_gone()
