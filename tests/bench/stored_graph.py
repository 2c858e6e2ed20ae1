"""Many articles brought into Redis by the linker's own calls, without Kafka and without searching.

Short cuts, against the running service: the facts of an article are not read from a record, and its text is not signed
(`Newsroom.facts`). Neighbours are left to the linker.
"""

import asyncio
from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from news_related.embedding.model import quantised
from news_related.graph.changes import LINK_ARTICLES_LUA, TAG, linking
from news_related.graph.positions import Position
from news_related.neighbours.changes import LINK_NEIGHBOURS_LUA, Relinking, place_of
from news_related.neighbours.meanings import Meaning
from news_related.neighbours.vector_projection import KEEP_VECTORS_LUA, Arrival, KeptVector, keeping, model_hash
from news_shared.clock import epoch_ms
from news_shared.languages import primary_language
from news_shared.projection.contract import Effects
from news_shared.redis_client import RedisClient
from tests.bench.million_articles import MODEL, Newsroom

PREFIX = f"{{{TAG}}}:1:"
_PROTOCOL = "local NKEYS, NARGS = #KEYS, #ARGV\n"
_AT_ONCE = 200  # articles of one call
_IN_FLIGHT = 3
_NO_MARK = -1
_MODEL = model_hash(MODEL)


class StoredGraph:
    """The first generation of the graph on one Redis."""

    def __init__(self, redis: RedisClient, newsroom: Newsroom) -> None:
        self._redis: Any = redis  # redis-py types its answers as «awaitable or not»
        self._newsroom = newsroom
        self._loaded: set[str] = set()

    async def store(self, numbers: range) -> None:
        """Articles with their vectors and their places among those that can be compared."""
        under_way: set[asyncio.Task[None]] = set()
        for start in range(numbers.start, numbers.stop, _AT_ONCE):
            some = range(start, min(start + _AT_ONCE, numbers.stop))
            facts = [self._newsroom.facts(n) for n in some]
            meanings = self._meanings(some)
            kept = [Arrival(m.id, KeptVector(m.model, m.scale, m.vector)) for m in meanings]
            places = Relinking(dict.fromkeys((m.id for m in meanings), _NO_MARK), {m.id: place_of(m) for m in meanings})
            calls = (
                (LINK_ARTICLES_LUA, linking(PREFIX, facts)),
                (KEEP_VECTORS_LUA, keeping(PREFIX, kept)),
                (LINK_NEIGHBOURS_LUA, places.effects(PREFIX)),
            )
            if len(under_way) == _IN_FLIGHT:
                await under_way.pop()
            under_way.add(asyncio.create_task(self._run(calls)))
            await asyncio.sleep(0)  # lets the calls go out while the next ones are made
        await asyncio.gather(*under_way)
        await self._redis.delete(f"{PREFIX}unlinked")

    def _meanings(self, numbers: Sequence[int]) -> list[Meaning]:
        made = []
        for n, vector in zip(numbers, self._newsroom.vectors(numbers), strict=True):
            packed = quantised(vector)
            position = Position(epoch_ms(self._newsroom.date(n)), self._newsroom.id_of(n))
            language = primary_language(self._newsroom.language(n))
            made.append(Meaning(position, language, _MODEL, packed.scale, packed.int8.tobytes()))
        return made

    async def _run(self, calls: Sequence[tuple[str, Effects]]) -> None:
        for script, effects in calls:
            text = _PROTOCOL + script
            sha = sha1(text.encode(), usedforsecurity=False).hexdigest()
            if sha not in self._loaded:
                await self._redis.script_load(text)
                self._loaded.add(sha)
            await self._redis.evalsha(sha, len(effects.keys), *effects.keys, *effects.args)
