"""Query APIs read whole partitions of the live generation, or nothing."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio

from news_shared.clock import from_epoch_ms
from news_shared.errors import RebuildingError
from news_shared.projection.slots import Command, SlotAnswer, Slots, read_script
from news_shared.redis_client import RedisClient, open_redis
from tests.testbed.backends import PARTITIONS, Backend


@pytest_asyncio.fixture
async def redis(fresh_backend: Backend) -> AsyncIterator[RedisClient]:
    async with open_redis(fresh_backend.redis_settings) as redis:
        yield redis


async def fill(redis: RedisClient, partition: int, *, generation: int = 1, value: str = "") -> None:
    """A complete generation of one partition, and make it the live one."""
    prefix = f"{{words-{partition}}}:{generation}:"
    pipe: Any = redis.pipeline(transaction=False)
    pipe.hset(f"{prefix}numbers", mapping={"own": value or str(partition), "none": ""})
    pipe.zadd(f"{prefix}list", {"first": 1, "second": 2.5})
    pipe.hset(f"{prefix}as-of", "state", 1000 + partition)
    pipe.hset(f"{{words-{partition}}}:live", "generation", generation)
    await pipe.execute()


def commands(prefix: str) -> Sequence[Command]:
    return (
        ("HMGET", f"{prefix}numbers", "own", "missing"),
        ("ZRANGE", f"{prefix}list", 0, -1, "WITHSCORES"),
        ("HGET", f"{prefix}numbers", "missing"),
        ("HGET", f"{prefix}numbers", "own"),
    )


def results(own: int | str) -> list[Any]:
    value = str(own).encode()
    return [[value, None], [b"first", b"1", b"second", b"2.5"], None, value]


async def test_all_partitions_answer_with_their_own_in_the_order_of_the_commands(redis: RedisClient) -> None:
    for partition in range(PARTITIONS):
        await fill(redis, partition)
    answers = await Slots(redis, "words").ask(dict.fromkeys(range(PARTITIONS), commands))
    assert answers == {p: SlotAnswer(results(p), from_epoch_ms(1000 + p), None) for p in range(PARTITIONS)}
    assert await Slots(redis, "words").ask({}) == {}


async def test_a_server_that_forgot_the_script_gets_it_again(redis: RedisClient) -> None:
    await fill(redis, 3)
    slots = Slots(redis, "words")
    await slots.ask({3: commands})
    await redis.script_flush()
    assert (await slots.ask({3: commands}))[3].results == results(3)


async def test_a_switch_of_generations_is_followed_partition_by_partition(redis: RedisClient) -> None:
    slots = Slots(redis, "words")
    for partition in (1, 2):
        await fill(redis, partition)
    await slots.ask({1: commands, 2: commands})
    await fill(redis, 2, generation=2, value="new")
    answers = await slots.ask({1: commands, 2: commands})
    assert (answers[1].results, answers[2].results) == (results(1), results("new"))


FOLLOWING = read_script(
    "local name = redis.call('HGET', PREFIX .. 'numbers', ARGV[1]); return {name, false, redis.call('HGETALL', name)}"
)


async def test_a_script_goes_on_with_what_it_found_in_one_partition(redis: RedisClient) -> None:
    slots = Slots(redis, "words")
    for generation, value in ((1, "old"), (2, "new")):
        await fill(redis, 2, generation=generation, value=f"{{words-2}}:{value}")
        await redis.hset(f"{{words-2}}:{value}", "is", value)
        for _ in range(2):  # the second one finds the generation known
            answer = await slots.find(2, FOLLOWING, "own")
            found = [f"{{words-2}}:{value}".encode(), None, [b"is", value.encode()]]
            assert answer == SlotAnswer(found, from_epoch_ms(1002), None)
        await redis.script_flush()
    await redis.hset("{words-2}:live", "changed", "c1")
    assert (await slots.find(2, FOLLOWING, "own")).version == b"2:c1"
    await redis.delete("{words-2}:2:as-of")
    with pytest.raises(RebuildingError, match="partition 2"):
        await slots.find(2, FOLLOWING, "own")


@pytest.mark.parametrize("missing", ["{words-2}:live", "{words-2}:1:as-of"])
async def test_one_partition_that_is_restored_is_no_answer_at_all(redis: RedisClient, missing: str) -> None:
    for partition in (1, 2):
        await fill(redis, partition)
    await redis.delete(missing)
    slots = Slots(redis, "words")
    with pytest.raises(RebuildingError, match="partition 2"):
        await slots.ask({1: commands, 2: commands})
    with pytest.raises(RebuildingError, match="partition 2"):
        await slots.read(2, ("HGET", "numbers", "own"))
    assert (await slots.ask({1: commands}))[1].results == results(1)
