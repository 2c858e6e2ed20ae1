"""The projection of ``news.vectors``: each article's vector as it came, and a mark for who links it."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgpack
from aiokafka import ConsumerRecord

from news_related.graph.changes import CARDS, MARK_LUA, PLACES, SERVICE, TAG, UNLINKED, VECTORS_KEPT
from news_related.vectors import Vector
from news_shared.article_ids import ArticleId, parse_article_id
from news_shared.errors import PoisonError
from news_shared.projection.contract import Checkpoint, Effects, Ownership, ProjectionSpec, Restoring
from news_shared.topics import VECTORS


@dataclass(frozen=True)
class KeptVector:
    """A vector as it is compared.

    Attributes:
        model: hash of the model's name, which is long and the same in a million articles.
    """

    model: str
    scale: float
    components: bytes

    def encode(self) -> bytes:
        """As stored."""
        packed: bytes = msgpack.packb((self.model, self.scale, self.components))
        return packed

    @classmethod
    def decode(cls, stored: bytes) -> "KeptVector":
        """The inverse of `encode`."""
        return cls(*msgpack.unpackb(stored))


@dataclass(frozen=True)
class Arrival:
    """One record of ``news.vectors``: an article's vector, or that it has none any more."""

    article: ArticleId
    vector: KeptVector | None


def decode_vector(key: bytes | None, value: bytes | None) -> Arrival:
    """The vector of a record.

    Raises:
        PoisonError: what is wrong with it.
    """
    article = parse_article_id((key or b"").decode(errors="replace"))
    if value is None:
        return Arrival(article, None)
    vector = Vector.decode(value)
    if vector.article != article:
        raise PoisonError(f"key {key!r} is not the id of its article, {vector.article}")
    if vector.scale > 1:
        raise PoisonError(f"scale {vector.scale} makes components of more than 127: no embedding has them")
    return Arrival(article, KeptVector(model_hash(vector.model), vector.scale, vector.components()))


def model_hash(name: str) -> str:
    """What stands for a model in the graph."""
    return blake2b(name.encode(errors="surrogatepass"), digest_size=8).hexdigest()


KEEP_VECTORS_LUA = (
    """
local VECTORS, UNLINKED, PLACES, CARDS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
"""
    + MARK_LUA
    + """
for i = 1, NARGS, 2 do
  local id, vector = ARGV[i], ARGV[i + 1]
  if vector == '' then redis.call('HDEL', VECTORS, id) else redis.call('HSET', VECTORS, id, vector) end
  mark_if_it_matters(id)
end
"""
)


class VectorsOfArticles:
    """One partition of the vectors; the last one of an article holds, whether the article is here or not."""

    def __init__(self, ownership: Ownership) -> None:
        self._prefix = ownership.prefix

    async def restore(self, restoring: Restoring) -> int | None:
        """The compacted topic is its own changelog: begin at its beginning."""
        return None

    async def load(self, checkpoint: Checkpoint) -> None:
        """Nothing: all state is in Redis."""

    def decode(self, record: ConsumerRecord) -> Arrival | None:
        """The vector of a record; see `decode_vector`."""
        return decode_vector(record.key, record.value)

    async def decide(self, events: Sequence[Arrival]) -> Effects:
        """Each vector beside its article's id."""
        return keeping(self._prefix, events)

    async def settle(self) -> Sequence[Effects]:
        """Nothing is put off."""
        return ()

    async def tick(self) -> None:
        """No timers."""

    async def close(self) -> None:
        """Nothing was taken."""


def keeping(prefix: str, arrivals: Sequence[Arrival]) -> Effects:
    """The arguments of `KEEP_VECTORS_LUA` for some records, in their order."""
    args: list[Any] = []
    for arrival in arrivals:
        args += (arrival.article, arrival.vector.encode() if arrival.vector else b"")
    return Effects([prefix + name for name in (VECTORS_KEPT, UNLINKED, PLACES, CARDS)], args)


ARTICLE_VECTORS: ProjectionSpec[Arrival] = ProjectionSpec(
    group="news.related-vectors",
    topic=VECTORS,
    service=SERVICE,
    lua=KEEP_VECTORS_LUA,
    open=VectorsOfArticles,
    max_records=200,
    tag=TAG,
    last_record_holds=True,
)
