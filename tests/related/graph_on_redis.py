"""The graph's Lua body on the backend's Redis, without Kafka and without the runtime."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from news_related.graph.changes import LINK_ARTICLES_LUA, TAG, linking
from news_related.graph.curation import CURATE_LUA, Choice, Kind, choices_key
from news_related.graph.facts import Facts
from news_related.link_graph import LinkGraph
from news_related.neighbours.changes import LINK_NEIGHBOURS_LUA, NEIGHBOURS
from news_related.neighbours.linker import Neighbours
from news_related.neighbours.meanings import PACKED, decode_neighbours
from news_related.neighbours.similarity import SHOWN_NEIGHBOURS, WINDOW_SIZE
from news_related.neighbours.vector_projection import KEEP_VECTORS_LUA, Arrival, decode_vector, keeping
from news_related.vectors import Vector
from news_shared.article_ids import ArticleId
from news_shared.articles import ArticleEvent
from news_shared.clock import system_clock
from news_shared.projection.contract import Effects
from news_shared.projection.slots import Slots
from news_shared.projection.state import PartitionState, StateKeys
from news_shared.redis_client import RedisClient, open_redis
from tests.related.builders import NOON, id_of
from tests.testbed.backends import Backend

PREFIX = f"{{{TAG}}}:1:"
_PROTOCOL = "local NKEYS, NARGS = #KEYS, #ARGV\n"


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
            await self._call(LINK_ARTICLES_LUA, linking(self._prefix, facts[start : start + at_once]))

    async def choose(self, article: str, kind: Kind, *others: str) -> None:
        """Pin or block others on an article's page, all by guid."""
        one = id_of(article)
        choices = [Choice(article=one, other=id_of(other), kind=kind, by="admin", at=NOON) for other in others]
        args: list[str | bytes | int | float] = [part for c in choices for part in (c.other, c.encode())]
        await self._call(CURATE_LUA, Effects([choices_key(self._prefix, one) for _ in choices], args))

    async def keep(self, vectors: Iterable[Vector | Arrival], *, at_once: int = 50) -> None:
        arrivals = [v if isinstance(v, Arrival) else decode_vector(v.article.encode(), v.encode()) for v in vectors]
        for start in range(0, len(arrivals), at_once):
            await self._call(KEEP_VECTORS_LUA, keeping(self._prefix, arrivals[start : start + at_once]))

    async def _call(self, script: str, effects: Effects) -> None:
        await self.redis.eval(_PROTOCOL + script, len(effects.keys), *effects.keys, *effects.args)

    async def neighbours(self, *, size: int = WINDOW_SIZE, generation: int = 1, others: int = 0) -> Neighbours:
        """As a linker takes them over from what is stored."""
        state = PartitionState(self.redis, StateKeys(f"{{{TAG}}}", "neighbours", 0), LINK_NEIGHBOURS_LUA)
        neighbours = Neighbours(self.redis, state, size=size, live=False, others=others, clock=system_clock)
        await neighbours.open(generation)
        return neighbours

    async def empty(self) -> None:
        await self.redis.flushall()
        await self.redis.hset(f"{{{TAG}}}:live", "generation", "1")
        await self.redis.hset(f"{PREFIX}as-of", "test", "0")

    async def neighbour_lists(self, generation: int = 1) -> dict[ArticleId, list[tuple[ArticleId, int]]]:
        """The neighbours of each article, with those that its list has to spare."""
        found = await self.redis.hgetall(f"{{{TAG}}}:{generation}:{NEIGHBOURS}")
        return {ArticleId(key.decode()): decode_neighbours(packed, most=len(packed)) for key, packed in found.items()}

    async def dump(self, generation: int = 1) -> dict[str, object]:
        """What follows from the events of all that is stored of the graph, byte by byte: of lists of neighbours what is
        shown; not what the runtime keeps beside it.
        """
        prefix = f"{{{TAG}}}:{generation}:"
        dump: dict[str, object] = {}
        for key in sorted([key async for key in self.redis.scan_iter(match=f"{prefix}*")]):
            name = key.decode().removeprefix(prefix)
            if not name.startswith(("state:", "as-of")):
                is_hash = await self.redis.type(key) == b"hash"
                dump[name] = await (self.redis.hgetall(key) if is_hash else self.redis.zrange(key, 0, -1))
        if isinstance(lists := dump.get(NEIGHBOURS), dict):
            dump[NEIGHBOURS] = {key: packed[: SHOWN_NEIGHBOURS * PACKED.itemsize] for key, packed in lists.items()}
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


async def link_all(neighbours: Neighbours) -> None:
    """Answer marks until none is left."""
    while await neighbours.turn():
        pass


async def graph_of(
    redis: RedisClient, events: Iterable[ArticleEvent], vectors: Iterable[Vector] = ()
) -> dict[str, object]:
    """The dump of an undisturbed run, made under a generation that nobody reads."""
    aside = GraphOnRedis(redis, f"{{{TAG}}}:999:")
    await aside.apply(events, at_once=50)
    await aside.keep(vectors)
    await link_all(await aside.neighbours(generation=999))
    return await aside.dump(999)
