"""What the state of a partition tells: whether an answer may be another now, and whether Redis has lost effects."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from news_shared.projection.contract import Checkpoint, Effects
from news_shared.projection.slots import Slots
from news_shared.projection.state import MismatchError, PartitionState, StateKeys
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
    await successor.read()
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


class Replica:
    """What a replica had at some moment; a fail-over brings it back."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis: Any = redis
        self._had: dict[bytes, bytes] = {}

    async def hear(self) -> None:
        self._had = {key: await self._redis.dump(key) for key in await self._keys()}

    async def take_over(self) -> None:
        await self._redis.unlink(*await self._keys())
        for key, value in self._had.items():
            await self._redis.restore(key, 0, value)

    async def _keys(self) -> list[bytes]:
        return [key async for key in self._redis.scan_iter(match=f"{KEYS.tag}*")]


async def restored(redis: RedisClient) -> PartitionState:
    state = PartitionState(redis, KEYS, TALLY_LUA)
    await state.begin_restore(1)
    await state.finish_restore(1, 5)
    return state


async def test_a_fail_over_that_lost_effects_at_the_same_offset_is_noticed_by_the_next_call(redis: RedisClient) -> None:
    """What was settled, or applied again, does not move the offset: the offset alone says nothing of it."""
    state, replica = await restored(redis), Replica(redis)
    await state.apply(AT_5, counted("before"), AT_6, live=True, as_of_ms=1)
    await replica.hear()
    await state.apply(AT_6, counted("settled"), AT_6, live=True, as_of_ms=None)
    await state.apply(AT_6, Effects(), AT_6, live=True, as_of_ms=2)
    await replica.take_over()
    with pytest.raises(MismatchError):
        await state.read_as_of(AT_6, [["HGETALL", f"{KEYS.prefix(1)}tally"]], live=True)
    with pytest.raises(MismatchError):
        await state.apply(AT_6, Effects(), AT_6, live=True, as_of_ms=3)
    successor = PartitionState(redis, KEYS, TALLY_LUA)
    await successor.read()
    await successor.apply(AT_6, counted("settled"), AT_6, live=True, as_of_ms=4)


async def test_a_fail_over_that_lost_a_part_of_what_is_restored_is_noticed(redis: RedisClient) -> None:
    state, replica = PartitionState(redis, KEYS, TALLY_LUA), Replica(redis)
    await state.begin_restore(1)
    await state.put_restored(1, counted("a"))
    await replica.hear()
    await state.put_restored(1, counted("b"))
    await replica.take_over()
    with pytest.raises(MismatchError):
        await state.put_restored(1, counted("c"))
    with pytest.raises(MismatchError):
        await state.finish_restore(1, 5)
    await state.begin_restore(1)
    await state.put_restored(1, counted("b"))
    await state.finish_restore(1, 5)


async def test_a_call_that_is_sent_again_after_its_answer_was_lost_takes_effect_once(
    redis: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await restored(redis)
    client: Any = redis
    evalsha = client.evalsha

    async def twice(*args: Any) -> Any:
        await evalsha(*args)
        return await evalsha(*args)

    await state.apply(AT_5, counted("loads the script"), AT_5, live=True, as_of_ms=1)
    monkeypatch.setattr(redis, "evalsha", twice)
    await state.apply(AT_5, counted("moved"), AT_6, live=True, as_of_ms=1)
    await state.apply(AT_6, counted("settled"), AT_6, live=True, as_of_ms=1)
    await state.apply(AT_6, Effects(), replace(AT_6, next_offset=7), live=True, as_of_ms=1)
    tally = await client.hgetall(f"{KEYS.prefix(1)}tally")
    assert tally == {b"loads the script": b"1", b"moved": b"1", b"settled": b"1"}
