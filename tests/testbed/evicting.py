"""A Redis that drops keys when it is full."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio.cluster import RedisCluster

from news_shared.redis_client import RedisClient, awaited


@asynccontextmanager
async def evicting(redis: RedisClient) -> AsyncIterator[None]:
    """All of its servers would, within the block; there is room enough that none does."""
    await set_policy(redis, "allkeys-lru")
    try:
        yield
    finally:
        await set_policy(redis, "noeviction")


async def set_policy(redis: RedisClient, policy: str) -> None:
    """Of all of its servers."""
    everywhere: dict[str, Any] = {"target_nodes": RedisCluster.ALL_NODES} if isinstance(redis, RedisCluster) else {}
    await awaited(redis.execute_command("CONFIG SET", "maxmemory-policy", policy, **everywhere))
