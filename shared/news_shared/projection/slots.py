"""How query APIs read a projection: the live generation, and never a number from a partition being restored."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from news_shared.clock import from_epoch_ms
from news_shared.errors import RebuildingError
from news_shared.projection.contract import hash_tag
from news_shared.redis_client import RedisClient, redis_errors

Commands = Callable[[Any, str], object]
"""Queues commands on a redis-py pipeline; the second argument is the prefix of the live generation's keys."""


@dataclass(frozen=True)
class SlotAnswer:
    """Results in the order in which the commands were queued, and up to when they are right."""

    results: list[Any]
    as_of: datetime


class Slots:
    """Reads the partitions of one projection, one round trip each.

    Args:
        sources: how many topic partitions feed one slot; 1 unless a `tag` is shared.
        tag: the one hash tag of a projection with a single owner; then `partition` is always 0.
    """

    def __init__(self, redis: RedisClient, service: str, *, sources: int = 1, tag: str | None = None) -> None:
        self._redis = redis
        self._service = service
        self._sources = sources
        self._tag = tag
        self._generations: dict[int, int] = {}

    async def read(self, partition: int, commands: Commands) -> SlotAnswer:
        """Run read commands on a partition's live generation.

        Raises:
            RebuildingError: the partition has no complete state now.
            TransientError: Redis is away.
        """
        tag = hash_tag(self._service, partition, self._tag)
        generation = self._generations.get(partition, 1)
        for _ in range(3):  # a switch of generations between two tries is rare, two are not a thing
            prefix = f"{tag}:{generation}:"
            with redis_errors("reading a projection"):
                pipe = self._redis.pipeline(transaction=False)
                pipe.hget(f"{tag}:live", "generation")
                pipe.hvals(f"{prefix}as-of")
                commands(pipe, prefix)
                live, as_of, *results = await pipe.execute()
            if live is None:
                break
            if int(live) == generation:
                if len(as_of) < self._sources:
                    break
                return SlotAnswer(results, from_epoch_ms(min(map(int, as_of))))
            generation = self._generations[partition] = int(live)
        raise RebuildingError(f"{self._service}: partition {partition} is being restored")
