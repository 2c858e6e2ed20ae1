"""How the neighbours change: their keys, and the one Redis call that brings them from one state to the next.

Keys under ``{related}:<generation>:``, all written by this call alone:

| key | type | what |
|---|---|---|
| ``places`` | hash id → member | where an article stands in ``linkable`` |
| ``linkable`` | sorted set, scores 0 | hash of a space (model and length of vectors), position: who could be compared |
| ``window`` | hash id → msgpack | the newest of each space: what they mean as they were compared |
| ``neighbours`` | hash id → packed list | of those in ``window``, best first: 20 bytes each, see `meanings.PACKED` |
| ``state:neighbours:crashes`` | hash id → number | how often linking crashed at an article alone, for a day |

Once no mark is left in ``unlinked`` and no window has room for an article outside, they are a function of cards and
vectors alone; of the lists, what is shown is (`similarity.SHOWN_NEIGHBOURS`), and how many more of the ranking follow
depends on what came and went.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

import msgpack

from news_related.graph.changes import PLACES, UNLINKED
from news_related.graph.facts import Card
from news_related.graph.positions import LENGTH, Position
from news_related.neighbours.meanings import Meaning
from news_related.neighbours.vector_projection import KeptVector
from news_shared.article_ids import ArticleId
from news_shared.languages import primary_language
from news_shared.projection.contract import Effects

LINKABLE = "linkable"
WINDOW = "window"
NEIGHBOURS = "neighbours"

_SPACE_BYTES = 8

LINK_NEIGHBOURS_LUA = """
local UNLINKED, PLACES, LINKABLE, WINDOW, NEIGHBOURS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local marks, places, meanings, lists = unpack(cmsgpack.unpack(ARGV[1]))

local function put(key, id, value)
  if value == '' then redis.call('HDEL', key, id) else redis.call('HSET', key, id, value) end
end

for i = 1, #places, 2 do
  local id, place = places[i], places[i + 1]
  local before = redis.call('HGET', PLACES, id)
  if before then redis.call('ZREM', LINKABLE, before) end
  if place ~= '' then redis.call('ZADD', LINKABLE, 0, place) end
  put(PLACES, id, place)
end
for i = 1, #meanings, 2 do put(WINDOW, meanings[i], meanings[i + 1]) end
for i = 1, #lists, 2 do put(NEIGHBOURS, lists[i], lists[i + 1]) end
for i = 1, #marks, 2 do
  if tonumber(redis.call('ZSCORE', UNLINKED, marks[i])) == marks[i + 1] then redis.call('ZREM', UNLINKED, marks[i]) end
end
"""


@dataclass
class Relinking:
    """What one call changes; an empty value deletes.

    Attributes:
        marks: the marks that it answers, with their numbers.
    """

    marks: Mapping[ArticleId, int] = field(default_factory=dict)
    places: dict[ArticleId, bytes] = field(default_factory=dict)
    meanings: dict[ArticleId, bytes] = field(default_factory=dict)
    lists: dict[ArticleId, bytes] = field(default_factory=dict)

    def effects(self, prefix: str) -> Effects:
        """The arguments of `LINK_NEIGHBOURS_LUA`."""
        parts: Sequence[Mapping[ArticleId, bytes | int]] = (self.marks, self.places, self.meanings, self.lists)
        packed: bytes = msgpack.packb(
            [[x for pair in part.items() for x in pair] for part in parts], use_bin_type=False
        )
        return Effects([prefix + name for name in (UNLINKED, PLACES, LINKABLE, WINDOW, NEIGHBOURS)], [packed])


def meaning_of(key: ArticleId, card: bytes | None, vector: bytes | None) -> Meaning | None:
    """What an article means by its stored card and vector; None while one of them is missing."""
    if card is None or vector is None:
        return None
    shown, kept = Card.decode(key, card), KeptVector.decode(vector)
    return Meaning(shown.position, primary_language(shown.language), kept.model, kept.scale, kept.components)


def encode_meaning(meaning: Meaning) -> bytes:
    """As stored in ``window``."""
    parts = (meaning.position.date_ms, meaning.language, meaning.model, meaning.scale, meaning.vector)
    packed: bytes = msgpack.packb(parts)
    return packed


def decode_meaning(key: ArticleId, stored: bytes) -> Meaning:
    """The inverse of `encode_meaning`."""
    date_ms, *rest = msgpack.unpackb(stored)
    return Meaning(Position(date_ms, key), *rest)


def place_of(meaning: Meaning) -> bytes:
    """Its member of ``linkable``."""
    return space_hash(meaning.space) + meaning.position.encode()


@lru_cache(maxsize=100)  # each article of a window is asked for its own
def space_hash(space: str) -> bytes:
    """How members of a space begin."""
    return blake2b(space.encode(errors="surrogatepass"), digest_size=_SPACE_BYTES).digest()


def space_in(place: bytes) -> bytes:
    """The hash of the space at the beginning of a member."""
    return place[:_SPACE_BYTES]


def position_at(place: bytes) -> Position:
    """The position at the end of a member."""
    return Position.decode(place[-LENGTH:])
