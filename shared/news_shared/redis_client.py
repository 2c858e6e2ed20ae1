"""Connections to Redis, Valkey or a Redis Cluster, with every wait bounded."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import hiredis
import structlog
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import Connection
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
    ResponseError,
    SlotNotCoveredError,
    TimeoutError,
    TryAgainError,
)

from news_shared.errors import LogMismatchError, TransientError
from news_shared.settings import RedisSettings

log = structlog.get_logger()

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

# Redis is there and refuses for a while: its disk is full, too few replicas hear it, somebody's script takes long.
# redis-py has no classes for these.
_REFUSED = ("MISCONF", "NOREPLICAS", "BUSY ")

_KEEPS_ALL = "noeviction"

_CLOSED_UNDER_WAY = ("'writelines'", "'readexactly'", "'read'", "'drain'", "handler is closed", "transport is closing")


class _Connection(Connection):
    """redis-py packs commands in Python; hiredis, which reads the answers already, does it in a sixth of the time."""

    def pack_command(self, *args: Any) -> list[bytes]:  # a command's name may be two words
        return [hiredis.pack_command((*args[0].split(), *args[1:]))]


@asynccontextmanager
async def open_redis(settings: RedisSettings) -> AsyncIterator[RedisClient]:
    """A client whose answers are bytes; connects at the first command, so that a process can start without Redis."""
    seconds = settings.timeout.total_seconds()
    client: RedisClient
    if settings.cluster:
        client = RedisCluster.from_url(
            settings.url,
            connection_class=_Connection,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 3),
        )
    else:
        client = Redis.from_url(
            settings.url,
            connection_class=_Connection,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 1),
            health_check_interval=10,
        )
    try:
        if isinstance(client, RedisCluster):
            await _learn_the_nodes(client)
        yield client
    finally:
        await client.aclose()


async def _learn_the_nodes(client: RedisCluster) -> None:
    """Before many tasks ask at once: redis-py closes connections in use when several find the cluster unknown."""
    try:
        with redis_errors("asking the cluster for its nodes"):
            await client.initialize()
    except TransientError as error:
        log.info("Redis is away, going on without", reason=str(error))


async def check_eviction(redis: RedisClient) -> None:
    """Refuse a Redis that drops keys when it is full: counts would be gone while their offset stays.

    One that does not tell, as some that are rented, is let through with a line in the log.

    Raises:
        LogMismatchError: its policy, and what to set.
        TransientError: Redis may answer later.
    """
    try:
        with redis_errors("asking what Redis does when it is full"):
            policies = {str(info.get("maxmemory_policy", "")) for info in await _memory_of_each(redis)}
    except ResponseError as error:
        log.info("Redis does not tell whether it evicts keys; it must not", reason=str(error))
        return
    if "" in policies:
        log.info("Redis does not tell whether it evicts keys; it must not")
    if evicting := ", ".join(sorted(policies - {"", _KEEPS_ALL})):
        raise LogMismatchError(
            f"Redis drops keys when it is full (maxmemory-policy {evicting}), and counts with them, so this stands "
            f"still. Set maxmemory-policy to {_KEEPS_ALL} in its configuration, and at once with: "
            f"redis-cli CONFIG SET maxmemory-policy {_KEEPS_ALL}"
        )


async def _memory_of_each(redis: RedisClient) -> list[dict[str, Any]]:
    if isinstance(redis, RedisCluster):
        of_nodes = await awaited(redis.execute_command("INFO", "memory", target_nodes=RedisCluster.PRIMARIES))
        return list(of_nodes.values())
    return [await redis.info("memory")]


async def awaited(answer: Any) -> Any:
    """An answer of the client, which redis-py types as «awaitable or not»."""
    return await answer


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
    except ResponseError as error:
        if not str(error).startswith(_REFUSED):
            raise
        raise TransientError(f"{what}: Redis refuses: {error}") from error
    except (AttributeError, RuntimeError) as error:
        # When redis-py learns a cluster's nodes anew it closes connections that other tasks are writing to.
        if not any(trace in str(error) for trace in _CLOSED_UNDER_WAY):
            raise
        raise TransientError(f"{what}: the connection was closed under way") from error
