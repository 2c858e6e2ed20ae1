"""Two million beacons of three days against the oracle: undisturbed, under faults, restored after trimming."""

import asyncio

import pytest

from news_shared.clock import epoch_ms, system_clock
from news_shared.producer import open_producer
from news_shared.redis_client import open_redis
from tests.testbed.backends import Backend
from tests.testbed.role import Roles
from tests.views.partitions import stored_fields
from tests.views.test_views_faults import trim
from tests.views.test_views_projector import Partitions, assert_same
from tests.views.three_days import ThreeDays
from tests.views.workload import write

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.timeout(1800)]


async def test_two_million_beacons_of_three_days_equal_the_oracle_whatever_happens(
    roles: Roles, fresh_backend: Backend
) -> None:
    days = ThreeDays(now_ms=epoch_ms(system_clock()), beacons=2_000_000)
    async with open_redis(fresh_backend.redis_settings) as redis, open_producer(fresh_backend.kafka_settings) as kafka:
        views = Partitions(fresh_backend, redis)
        projector = await roles.start("views-projector", NEWS_VIEWS_FLUSH="PT1S")
        writing = asyncio.create_task(write(kafka, days.records()))
        kills = 0
        while not writing.done():
            await asyncio.wait({writing}, timeout=10)
            projector.kill()
            kills += 1
            await projector.start()
        await writing
        assert kills > 2
        assert days.repeats > 500_000
        await views.caught_up(seconds=300)
        await views.assert_exact()
        await views.flushed()
        before = await stored_fields(redis)
        projector.kill()
        await trim(fresh_backend, await views.changelog_progress())
        await redis.flushall()
        await projector.start(seconds=300)
        await views.caught_up(seconds=300)
        assert_same(await stored_fields(redis), before)
