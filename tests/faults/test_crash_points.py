"""Named moments of death that are not tied to one service: after a dead letter, in a rebalance, in a rebuild."""

import asyncio
import signal
import sys

import pytest

from news_shared.producer import Outgoing, open_producer
from news_shared.projection.dead_letters import DeadLetter
from news_shared.redis_client import RedisClient, open_redis
from news_shared.topics import DEAD_LETTERS, VIEWS
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.role import Roles
from tests.testbed.topics import records_of
from tests.testbed.waiting import until
from tests.views.partitions import is_caught_up
from tests.views.test_views_projector import Partitions

pytestmark = pytest.mark.fault


async def test_a_death_after_a_dead_letter_parks_again_and_loses_nothing(roles: Roles, fresh_backend: Backend) -> None:
    dying = await roles.start("views-projector", NEWS_CRASH_AT="after-dead-letter")
    async with open_producer(fresh_backend.kafka_settings) as producer:
        await producer.send_many([Outgoing(VIEWS, partition, None, b"poison") for partition in range(PARTITIONS)])
    assert await dying.ended() == -signal.SIGKILL
    dying.environment.pop("NEWS_CRASH_AT")
    await dying.start()
    async with open_redis(fresh_backend.redis_settings) as redis:
        views = Partitions(fresh_backend, redis)
        await views.write(3_000)
        await until(lambda: is_caught_up(fresh_backend, redis), "the projector to go on", seconds=60)
        await views.assert_exact()
    letters = [DeadLetter.of(record) for record in await records_of(fresh_backend, DEAD_LETTERS)]
    assert {(letter.partition, letter.value) for letter in letters} == {(p, b"poison") for p in range(PARTITIONS)}
    assert len(letters) > PARTITIONS, "the death came before the dead letter, so this shows nothing"


async def test_a_death_while_partitions_are_given_up_loses_nothing_and_counts_nothing_twice(
    roles: Roles, fresh_backend: Backend
) -> None:
    dying = await roles.start("views-projector", instance="0", NEWS_CRASH_AT="during-revoke")
    async with open_redis(fresh_backend.redis_settings) as redis:
        views = Partitions(fresh_backend, redis)
        writing = asyncio.create_task(views.write(20_000, batch=4))
        second = roles.make("views-projector", instance="1")
        second.launch()
        assert await dying.ended(seconds=60) == -signal.SIGKILL
        await second.ready()
        await writing
        await until(lambda: is_caught_up(fresh_backend, redis), "the second to count everything", seconds=60)
        await views.assert_exact()


async def test_a_rebuild_that_dies_between_its_switch_and_the_deletion_leaves_nothing_behind(
    roles: Roles, fresh_backend: Backend
) -> None:
    projector = await roles.start("views-projector")
    async with open_redis(fresh_backend.redis_settings) as redis:
        views = Partitions(fresh_backend, redis)
        await views.write(3_000)
        await until(lambda: is_caught_up(fresh_backend, redis), "the projector to catch up", seconds=60)
        dying = {**projector.environment, "NEWS_CRASH_AT": "after-switch-before-deletion"}
        command = [sys.executable, "-m", "news_views", "rebuild"]
        rebuild = await asyncio.create_subprocess_exec(*command, env=dying, stdout=asyncio.subprocess.DEVNULL)
        assert await rebuild.wait() == -signal.SIGKILL
        assert await generations(redis) == {"1", "2"}, "the death came elsewhere, so this shows nothing"
        await until(lambda: is_caught_up(fresh_backend, redis), "the projector to go on in the second", seconds=60)
        await views.assert_exact()
        projector.kill()
        await projector.start()  # it looks at its start, and once a minute
        await until(lambda: second_alone(redis), "the first generation to be deleted")
        await views.write(3_000, seed=2)
        await until(lambda: is_caught_up(fresh_backend, redis), "the projector to count on", seconds=60)
        await views.assert_exact()


async def generations(redis: RedisClient) -> set[str]:
    """Of which there are keys of the views."""
    keys = [key.decode() async for key in redis.scan_iter(match="{views-[0-9]*}:[0-9]*:*")]
    return {key.split(":")[1] for key in keys}


async def second_alone(redis: RedisClient) -> bool:
    return await generations(redis) == {"2"}
