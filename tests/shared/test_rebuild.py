"""Rebuilds beside the live projection: what they switch to, what they delete, and what is left when one dies."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from news_shared.projection import generations
from news_shared.projection import rebuild as rebuilding
from news_shared.projection.contract import Effects
from news_shared.projection.rebuild import rebuild
from news_shared.projection.state import StateKeys
from news_shared.redis_client import RedisClient
from news_shared.settings import ProcessSettings
from news_shared.topics import VIEWS
from tests.shared.tally import Tally, tally_spec
from tests.shared.words import Words, projecting, rebuild_tally
from tests.testbed.backends import PARTITIONS
from tests.testbed.waiting import until


async def test_a_rebuild_fills_the_next_generation_and_switches(words: Words) -> None:
    seen: list[tuple[int, int]] = []
    async with projecting(words) as one:
        await words.write([f"w{i}" for i in range(500)])
        await until(words.is_exact, "the tally")
        generation = await rebuild(
            tally_spec(VIEWS),
            kafka=words.backend.kafka_settings,
            redis=words.redis,
            process=ProcessSettings(partitions=PARTITIONS, instance="0"),
            progress=lambda done, total: seen.append((done, total)),
        )
        assert generation == 2
        assert seen[-1][0] == seen[-1][1] > 0
        assert await words.is_exact()
        await words.write([f"w{i}" for i in range(500)])
        await until(words.is_exact, "the live projection to go on in the new generation")
        await until(lambda: not one.unready(), "readiness")
    assert [key async for key in words.redis.scan_iter(match="{tally-*}:1:*")] == [], "the old generation is deleted"


async def test_what_comes_while_the_former_generation_is_deleted_is_in_the_next(
    words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = generations.delete_generation

    async def write_then_delete(redis: RedisClient, keys: StateKeys, generation: int) -> bool:
        """Deleting takes long where there is much, and the log does not wait for it."""
        if not words.expected["late0"]:
            await words.write([f"late{i}" for i in range(100)])
            await until(words.is_exact, "the live projection to have them")
        return await delete(redis, keys, generation)

    monkeypatch.setattr(generations, "delete_generation", write_then_delete)
    async with projecting(words):
        await words.write([f"w{i}" for i in range(500)])
        await until(words.is_exact, "the tally")
        await rebuild_tally(words, tally_spec(VIEWS))
        assert words.expected["late0"]
        assert await words.is_exact(), "queries have it no longer"


async def test_a_generation_that_is_behind_the_live_one_does_not_take_its_place(words: Words) -> None:
    goes_on = asyncio.Event()
    goes_on.set()
    is_seen = asyncio.Event()  # rather than a cancellation, which the client's wait_for may swallow before Python 3.12
    fewest = 600

    class Halting(Tally):
        async def decide(self, events: Sequence[str]) -> Effects:
            await goes_on.wait()
            return await super().decide(events)

    async def watch() -> None:
        nonlocal fewest
        while not is_seen.is_set():
            if (tally := await words.tally()) is not None:
                fewest = min(fewest, tally.total())
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as tasks, projecting(words):
        await words.write([f"w{i}" for i in range(500)])
        await until(words.is_exact, "the tally")

        async def fall_behind(generation: int) -> None:
            goes_on.clear()
            await words.write([f"late{i}" for i in range(100)])
            await until(words.is_exact, "the live projection to have them")
            tasks.create_task(watch())
            asyncio.get_running_loop().call_later(0.5, goes_on.set)

        await rebuild_tally(words, replace(tally_spec(VIEWS), open=Halting), complete=fall_behind)
        is_exact = await words.is_exact()
        is_seen.set()
        assert is_exact
    assert fewest == 600, "queries took something back"


async def test_a_live_generation_beyond_the_end_of_its_log_is_waited_for_by_nobody(words: Words) -> None:
    async with projecting(words):
        await words.write([f"w{i}" for i in range(100)])
        await until(words.is_exact, "the tally")
    await words.redis.hset("{tally-0}:1:state:" + VIEWS + ":0", "next", "1000000")
    with capture_logs() as said:
        await rebuild_tally(words, tally_spec(VIEWS))
    assert "generation switched" in str(said)
    assert "never quite caught up" not in str(said)
    assert await words.is_exact()


async def test_what_a_rebuild_did_not_live_to_delete_is_deleted_by_the_projectors(
    words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "_LOOK_EVERY", 0.2)
    async with projecting(words):
        await words.write([f"w{i}" for i in range(500)])
        await until(words.is_exact, "the tally")
        await die_after_the_switch(words)
        await until(lambda: holds_only(words, 2), "the former generation to go")
        await words.write([f"w{i}" for i in range(100)])
        await until(words.is_exact, "the live generation to go on")


async def test_what_a_rebuild_did_not_live_to_delete_is_deleted_by_the_next_one(words: Words) -> None:
    async with projecting(words):
        await words.write([f"w{i}" for i in range(500)])
        await until(words.is_exact, "the tally")
    await die_after_the_switch(words)
    assert not await holds_only(words, 2)
    # Another one died while it switched: some slots have the third generation already.
    for partition in range(PARTITIONS):
        await words.redis.hset(f"{{tally-{partition}}}:3:tally", "left", "1")
    await words.redis.hset("{tally-0}:live", "generation", "3")
    await words.redis.sadd("{tally-0}:former", "2")
    assert await rebuild_tally(words, tally_spec(VIEWS)) == 4
    assert await holds_only(words, 4)
    assert await words.is_exact()


async def test_a_generation_that_answers_again_is_not_deleted(words: Words) -> None:
    async with projecting(words):
        await words.write([f"w{i}" for i in range(500)])
        await until(words.is_exact, "the tally")
        keys = StateKeys("{tally-0}", VIEWS, 0)
        assert not await generations.delete_generation(words.redis, keys, 1)
        await words.redis.sadd(keys.former, "1")  # a fail-over undid the switch while somebody was at it
        await generations.delete_former(words.redis, keys)
        assert await words.is_exact()


async def die_after_the_switch(words: Words) -> None:
    """A rebuild that has switched every slot and deleted nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebuilding, "delete_former", _die)
        with pytest.raises(Died):
            await rebuild_tally(words, tally_spec(VIEWS))


class Died(Exception): ...


async def _die(redis: RedisClient, keys: StateKeys) -> None:
    if await generations.live_generation(redis, keys) > 1:
        raise Died


async def holds_only(words: Words, generation: int) -> bool:
    """Whether there are keys of this generation alone, and no note of another."""
    found = [key.decode() async for key in words.redis.scan_iter(match="{tally-*}:*")]
    runtime = ("live", "lease", "replay")
    return {key.partition("}:")[2].split(":")[0] for key in found} - {*runtime} == {str(generation)}
