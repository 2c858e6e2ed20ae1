"""The version of a partition's state: who kept an answer sees by it whether the answer may be another now."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from news_shared.projection.contract import Checkpoint, Effects
from news_shared.projection.slots import Slots
from news_shared.projection.state import PartitionState, StateKeys
from news_shared.redis_client import RedisClient, open_redis
from news_shared.topics import VIEWS
from tests.shared.tally import TALLY_LUA
from tests.testbed.backends import Backend

KEYS = StateKeys("{tally-0}", VIEWS, 0)
AT_5, AT_6 = Checkpoint(1, 5), Checkpoint(1, 6)


def counted(word: str, generation: int = 1) -> Effects:
    return Effects([f"{KEYS.prefix(generation)}tally"], [word])


@pytest_asyncio.fixture
async def redis(fresh_backend: Backend) -> AsyncIterator[RedisClient]:
    async with open_redis(fresh_backend.redis_settings) as redis:
        yield redis


class Versions:
    """Notes the versions one after the other."""

    def __init__(self, redis: RedisClient) -> None:
        self._slots = Slots(redis, "tally")
        self.seen: list[bytes | None] = []

    async def look(self) -> bool:
        """Whether it is one that never was before."""
        version = (await self._slots.read(0)).version
        is_new = version not in self.seen
        self.seen.append(version)
        return is_new


async def test_every_effect_gives_the_state_a_version_that_it_never_had_and_a_watch_none(redis: RedisClient) -> None:
    state, versions = PartitionState(redis, KEYS, TALLY_LUA), Versions(redis)
    await state.begin_restore(1)
    await state.finish_restore(1, 5)
    await state.apply(AT_5, Effects(), AT_5, live=True, as_of_ms=1)
    await versions.look()
    assert versions.seen == [None], "nothing was applied yet, and older software says nothing of it"

    await state.apply(AT_5, counted("one"), AT_6, live=True, as_of_ms=2)
    assert await versions.look()
    await state.apply(AT_6, Effects(), AT_6, live=True, as_of_ms=3)
    assert not await versions.look(), "a watch over a partition that stands still changes nothing"
    await state.apply(AT_6, counted("settled at the same offset"), AT_6, live=True, as_of_ms=None)
    assert await versions.look()
    await redis.rpush(KEYS.replay, "3/7")
    await state.apply_replayed(AT_6, counted("parked before"), "3/7")
    assert await versions.look()

    successor = PartitionState(redis, KEYS, TALLY_LUA)
    await successor.apply(AT_6, counted("by another process"), replace(AT_6, next_offset=7), live=True, as_of_ms=None)
    assert await versions.look()


async def test_a_switch_of_generations_is_another_version(redis: RedisClient) -> None:
    state, versions = PartitionState(redis, KEYS, TALLY_LUA), Versions(redis)
    for generation in (1, 2):
        await state.begin_restore(generation)
        await state.put_restored(generation, counted("restored", generation))
        await state.finish_restore(generation, 5)
        await state.apply(
            Checkpoint(generation, 5), Effects(), Checkpoint(generation, 5), live=False, as_of_ms=generation
        )
    assert await versions.look()
    await redis.hset(KEYS.live, "generation", 2)
    assert await versions.look()
