"""A Redis that is there and refuses writes, as with a full disk or too few replicas."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio.cluster import RedisCluster

from news_shared.redis_client import RedisClient, awaited

_MORE_THAN_THERE_ARE = 9


@asynccontextmanager
async def refusing_writes(redis: RedisClient) -> AsyncIterator[None]:
    """All of its servers refuse them within the block."""
    await _replicas_needed(redis, _MORE_THAN_THERE_ARE)
    try:
        yield
    finally:
        await _replicas_needed(redis, 0)


async def _replicas_needed(redis: RedisClient, number: int) -> None:
    everywhere: dict[str, Any] = {"target_nodes": RedisCluster.ALL_NODES} if isinstance(redis, RedisCluster) else {}
    await awaited(redis.execute_command("CONFIG SET", "min-replicas-to-write", number, **everywhere))
