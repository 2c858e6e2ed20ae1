"""The graph's Lua body on the backend's Redis, without Kafka and without the runtime."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from news_related.facts import Facts
from news_related.graph_changes import LINK_ARTICLES_LUA, TAG, linking
from news_related.link_graph import LinkGraph
from news_shared.articles import ArticleEvent
from news_shared.projection.slots import Slots
from news_shared.redis_client import RedisClient, open_redis
from tests.testbed.backends import Backend

PREFIX = f"{{{TAG}}}:1:"
_SCRIPT = "local NKEYS, NARGS = #KEYS, #ARGV\n" + LINK_ARTICLES_LUA


class GraphOnRedis:
    """Applies events as the linker would and reads what is stored."""

    def __init__(self, redis: RedisClient, prefix: str = PREFIX) -> None:
        self.redis: Any = redis
        self._prefix = prefix

    @property
    def graph(self) -> LinkGraph:
        return LinkGraph(Slots(self.redis, "related", tag=TAG))

    async def apply(self, events: Iterable[ArticleEvent], *, at_once: int = 1) -> None:
        facts = [Facts.of(event) for event in events]
        for start in range(0, len(facts), at_once):
            await self._call(facts[start : start + at_once])

    async def _call(self, facts: Sequence[Facts]) -> None:
        effects = linking(self._prefix, facts)
        await self.redis.eval(_SCRIPT, len(effects.keys), *effects.keys, *effects.args)

    async def empty(self) -> None:
        await self.redis.flushall()
        await self.redis.hset(f"{{{TAG}}}:live", "generation", "1")
        await self.redis.hset(f"{PREFIX}as-of", "test", "0")

    async def dump(self, generation: int = 1) -> dict[str, object]:
        """Everything that is stored of the graph, byte by byte; not what the runtime keeps beside it."""
        prefix = f"{{{TAG}}}:{generation}:"
        dump: dict[str, object] = {}
        for key in sorted([key async for key in self.redis.scan_iter(match=f"{prefix}*")]):
            name = key.decode().removeprefix(prefix)
            if not name.startswith(("state:", "as-of")):
                is_hash = await self.redis.type(key) == b"hash"
                dump[name] = await (self.redis.hgetall(key) if is_hash else self.redis.zrange(key, 0, -1))
        return dump

    async def commands_so_far(self) -> int:
        """Calls of commands that change or read sorted sets and hashes, on all nodes together."""
        answer = await self.redis.info("commandstats")
        nodes = answer.values() if "cmdstat_eval" not in answer and "cmdstat_info" not in answer else [answer]
        counted = ("cmdstat_z", "cmdstat_h")
        return sum(stats["calls"] for node in nodes for name, stats in node.items() if name.startswith(counted))


@asynccontextmanager
async def graph_on_redis(backend: Backend) -> AsyncIterator[GraphOnRedis]:
    async with open_redis(backend.redis_settings) as redis:
        graph = GraphOnRedis(redis)
        await graph.empty()
        yield graph


async def graph_of(redis: RedisClient, events: Iterable[ArticleEvent]) -> dict[str, object]:
    """The dump of an undisturbed run, made under a generation that nobody reads."""
    aside = GraphOnRedis(redis, f"{{{TAG}}}:999:")
    await aside.apply(events, at_once=50)
    return await aside.dump(999)
