"""The cards of articles that are named on the way through the graph, read at its end: part of scripts that read."""

from collections.abc import Sequence

from news_related.graph.changes import CARDS
from news_related.graph.facts import Card
from news_shared.article_ids import ArticleId

NAMED_CARDS_LUA = (
    f"local CARDS = PREFIX .. '{CARDS}'\n"
    + r"""
local ids, is_noted = {}, {}
local function note(id)
  if not is_noted[id] then
    is_noted[id] = true
    ids[#ids + 1] = id
  end
end
local UUID = string.rep('%02x', 4) .. string.rep('-%02x%02x', 4) .. string.rep('%02x', 4)
local function uuid(bytes) return string.format(UUID, string.byte(bytes, 1, 16)) end

local function named_cards()
  local cards = {}
  for first = 1, #ids, 1000 do
    for _, card in ipairs(redis.call('HMGET', CARDS, unpack(ids, first, math.min(first + 999, #ids)))) do
      cards[#cards + 1] = card
    end
  end
  return ids, cards
end
"""
)
"""``note`` takes an id, ``uuid`` makes one of its bytes; ``named_cards`` gives all ids that were noted, and cards."""


def cards_in(ids: Sequence[bytes], cards: Sequence[bytes | None]) -> dict[ArticleId, Card]:
    """The live ones of the articles that a script named."""
    found = zip((ArticleId(key.decode()) for key in ids), cards, strict=True)
    return {key: Card.decode(key, card) for key, card in found if card is not None}
