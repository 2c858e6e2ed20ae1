"""What the projector tells of the log behind its counts."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from news_shared.clock import from_epoch_ms
from news_shared.producer import open_producer
from news_shared.projection.contract import Ownership
from news_shared.projection.log import PartitionLog
from news_shared.redis_client import open_redis
from news_shared.topics import VIEWS
from news_views.projection.retention_watch import RetentionMetrics, RetentionWatch
from tests.testbed.backends import Backend
from tests.testbed.waiting import until

PREFIX = "{views-0}:1:"
WEEK = timedelta(days=7).total_seconds()


async def nothing(commands: Sequence[Sequence[str]]) -> list[Any]:
    return []


async def test_the_age_of_what_is_not_written_is_told_while_a_partition_is_owned(fresh_backend: Backend) -> None:
    registry = CollectorRegistry()

    def told(what: str) -> float | None:
        return registry.get_sample_value(f"news_views_{what}_seconds", {"partition": "0"})

    async with open_redis(fresh_backend.redis_settings) as redis, open_producer(fresh_backend.kafka_settings) as kafka:
        await kafka.send(VIEWS, partition=0, value=b"written")
        last = await kafka.send(VIEWS, partition=0, value=b"not written")
        now_ms = last.timestamp_ms + 90_000
        ownership = Ownership(0, PREFIX, redis, PartitionLog(fresh_backend.kafka_settings, VIEWS, 0), "0", nothing)
        watch = RetentionWatch(ownership, RetentionMetrics(registry), lambda: from_epoch_ms(now_ms))
        await redis.hset(f"{PREFIX}partition", "w", "1")
        watch.tick(now_ms + 5_000)
        await until(lambda: told("unwritten") is not None, "a look at the log")
        assert (told("unwritten"), told("log_reach"), told("clock_ahead")) == (90, WEEK, 5)

        await redis.hset(f"{PREFIX}partition", "w", "2")
        await watch.look()
        watch.tick(now_ms - 5_000)
        assert (told("unwritten"), told("clock_ahead")) == (0, 0)
        await watch.close()
        assert told("unwritten") is told("log_reach") is told("clock_ahead") is None
