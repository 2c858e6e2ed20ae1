"""Connections to Redis, Valkey or a Redis Cluster, with every wait bounded."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeAlias

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    ConnectionError,
    MasterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    SlotNotCoveredError,
    TimeoutError,
    TryAgainError,
)

from news_shared.errors import TransientError
from news_shared.settings import RedisSettings

RedisClient: TypeAlias = Redis | RedisCluster

_AWAY = (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    ConnectionError,
    MasterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    SlotNotCoveredError,
    TimeoutError,
    TryAgainError,
    OSError,
)


@asynccontextmanager
async def open_redis(settings: RedisSettings) -> AsyncIterator[RedisClient]:
    """A client whose answers are bytes; connects at the first command, so that a process can start without Redis."""
    seconds = settings.timeout.total_seconds()
    client: RedisClient
    if settings.cluster:
        client = RedisCluster.from_url(
            settings.url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 3),
        )
    else:
        client = Redis.from_url(
            settings.url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 1),
            health_check_interval=10,
        )
    try:
        yield client
    finally:
        await client.aclose()


@contextmanager
def redis_errors(what: str) -> Iterator[None]:
    """Translate «Redis is away, changing its owner or full» into ours; any other error is a bug and passes.

    Raises:
        TransientError: Redis may answer later.
    """
    try:
        yield
    except _AWAY as error:
        raise TransientError(f"{what}: {error!r}") from error
