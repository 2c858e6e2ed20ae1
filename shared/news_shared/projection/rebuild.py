"""Filling the next generation of a projection beside the live one, then switching queries over to it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import structlog

from news_shared import crash_points
from news_shared.clock import Clock, system_clock
from news_shared.errors import LogMismatchError
from news_shared.process import running
from news_shared.projection.contract import ProjectionSpec
from news_shared.projection.generations import delete_former, delete_generation, live_generation
from news_shared.projection.log import PartitionLog
from news_shared.projection.projector import Projector
from news_shared.projection.state import StateKeys
from news_shared.redis_client import RedisClient, awaited, redis_errors
from news_shared.settings import KafkaSettings, ProcessSettings

log = structlog.get_logger()
E = TypeVar("E")

Progress = Callable[[int, int], None]
"""Told records done and records in all."""

_SWITCH_WITHIN = 30.0
_LOOK_AGAIN = 0.02

# What the live generation has applied, the next one has too, or something withdrawn would be back for a moment.
_SWITCH = """
for i = 3, #KEYS, 2 do
  local former, next = redis.call('HGET', KEYS[i], 'next'), redis.call('HGET', KEYS[i + 1], 'next')
  if tonumber(former or 0) > tonumber(next or 0) then return 0 end
end
local before = redis.call('HGET', KEYS[1], 'generation')
if before and before ~= ARGV[1] then redis.call('SADD', KEYS[2], before) end
redis.call('HSET', KEYS[1], 'generation', ARGV[1])
return 1
"""


async def rebuild(
    spec: ProjectionSpec[E],
    *,
    kafka: KafkaSettings,
    redis: RedisClient,
    process: ProcessSettings,
    progress: Progress,
    clock: Clock = system_clock,
    beside: Sequence[ProjectionSpec[Any]] = (),
    complete: Callable[[int], Awaitable[None]] | None = None,
) -> int:
    """Build a new generation of all partitions, switch to it and delete the former; returns its number.

    The live projection goes on meanwhile. It may run while the projector runs, and be repeated after a crash. A former
    generation that it did not live to delete is deleted by the projectors, or by the next rebuild.

    Args:
        beside: other projections into the same slots (one `tag`), which are filled at the same time.
        complete: called with the generation once all have caught up, while they go on: what follows from them.

    Raises:
        LogMismatchError: the log no longer holds what the projection needs.
        TransientError: Kafka or Redis is away.
        ExceptionGroup: a bug in a decision. The live generation stays; no record is passed over in the new one.
    """
    crash_points.arm(process.crash_at)
    places = [StateKeys(spec.hash_tag(partition), spec.topic, partition) for partition in range(process.partitions)]
    slots = list({keys.tag: keys for keys in places}.values())
    before = [await live_generation(redis, keys) for keys in slots]
    generation = 1 + max(before)
    for keys, live in zip(slots, before, strict=True):  # what interrupted rebuilds left
        for begun in range(live + 1, generation + 1):
            await delete_generation(redis, keys, begun)
    async with AsyncExitStack() as stack:
        projectors: list[tuple[Projector[Any], str]] = []
        works: list[asyncio.Task[None]] = []
        for one in (spec, *beside):
            projector: Projector[Any] = Projector(
                one,
                kafka=kafka,
                redis=redis,
                partitions=process.partitions,
                instance=f"{process.instance}-rebuild",
                clock=clock,
                rebuilding=generation,
            )
            name = f"rebuild {one.group}"
            work = running(projector.run(), stop=projector.request_stop, name=name, drain=process.drain_timeout)
            works.append(await stack.enter_async_context(work))
            projectors.append((projector, one.topic))
        await _caught_up(projectors, works, kafka, process.partitions, progress)
        if complete is not None:
            await complete(generation)
        former = [await live_generation(redis, keys) for keys in places]
        await _switch(redis, (spec, *beside), kafka, former, generation)  # while it goes on to be filled
    crash_points.reached("after-switch-before-deletion")
    for keys in slots:
        await delete_former(redis, keys)
    log.info("generation switched", group=spec.group, generation=generation)
    return generation


async def _caught_up(
    projectors: Sequence[tuple[Projector[Any], str]],
    works: Sequence[asyncio.Task[None]],
    kafka: KafkaSettings,
    partitions: int,
    progress: Progress,
) -> None:
    bounds = [[await PartitionLog(kafka, topic, p).bounds() for p in range(partitions)] for _, topic in projectors]
    total = sum(b.end - b.begin for some in bounds for b in some)

    def done() -> int:
        read = 0
        for (projector, _), some in zip(projectors, bounds, strict=True):
            offsets: Mapping[int, int] = projector.offsets
            read += sum(min(offsets.get(p, b.begin), b.end) - b.begin for p, b in enumerate(some))
        return read

    while (reasons := [reason for one, _ in projectors for reason in one.unready()]) or done() < total:
        stopped = [reason for reason in reasons if "stands still" in reason]
        if stopped:
            raise LogMismatchError("; ".join(stopped))
        for work in works:
            if work.done():
                work.result()
        progress(done(), total)
        await asyncio.sleep(0.1)
    progress(total, total)


async def _switch(
    redis: RedisClient,
    specs: Sequence[ProjectionSpec[Any]],
    kafka: KafkaSettings,
    former: Sequence[int],
    generation: int,
) -> None:
    """Make the generation the live one in each slot, at a moment when it is not behind the one that was."""
    slots: dict[tuple[str, str], list[str]] = {}
    for spec in specs:
        for partition, before in enumerate(former):
            keys = StateKeys(spec.hash_tag(partition), spec.topic, partition)
            states = slots.setdefault((keys.live, keys.former), [])
            with redis_errors("reading how far the live generation is"):
                stored = await redis.hget(keys.state(before), "next")
            # One beyond the end of the log, which was made anew, is why this is rebuilt; nothing comes after it.
            if int(stored or 0) <= (await PartitionLog(kafka, spec.topic, partition).bounds()).end:
                states += [keys.state(before), keys.state(generation)]
    for slot, states in slots.items():
        await _switch_slot(redis, [*slot, *states], generation)


async def _switch_slot(redis: RedisClient, keys: Sequence[str], generation: int) -> None:
    now = asyncio.get_running_loop().time
    end = now() + _SWITCH_WITHIN
    while True:
        is_late = now() >= end
        with redis_errors("switching generations"):
            asked = keys[:2] if is_late else keys
            if await awaited(redis.eval(_SWITCH, len(asked), *asked, str(generation))):
                break
        await asyncio.sleep(_LOOK_AGAIN)
    if is_late:
        log.warning("switched to a generation that never quite caught up", slot=keys[0], seconds=_SWITCH_WITHIN)
