"""The articles that stand beside one in its themes, read in one call."""

from collections.abc import Sequence
from typing import Any

from news_related.graph.facts import Card, Index
from news_related.graph.named_cards import NAMED_CARDS_LUA, cards_in
from news_related.graph.positions import Position
from news_shared.article_ids import ArticleId
from news_shared.projection.slots import ReadScript, read_script

BESIDE_IN_THEMES: ReadScript = read_script(
    NAMED_CARDS_LUA
    + r"""
local place, each_side, newest = ARGV[1], ARGV[2], ARGV[3]
local function note_all(members)
  for _, member in ipairs(members) do note(uuid(string.sub(member, -16))) end
end
for at = 4, #ARGV do
  local theme = PREFIX .. ARGV[at]
  note_all(redis.call('ZRANGEBYLEX', theme, '(' .. place, '+', 'LIMIT', 0, each_side))
  note_all(redis.call('ZREVRANGEBYLEX', theme, '(' .. place, '-', 'LIMIT', 0, each_side))
  note_all(redis.call('ZREVRANGEBYLEX', theme, '+', '-', 'LIMIT', 0, newest))
end
return {named_cards()}
"""
)
"""Arguments: `arguments`; results: for `beside_in`."""


def arguments(names: Sequence[str], place: Position, *, each_side: int, newest: int) -> tuple[str | int | bytes, ...]:
    """What the script is told: names of themes' lists, a place in these, and how many articles of each."""
    return place.encode(), each_side, newest, *(f"{Index.THEMES}:{name}" for name in names)


def beside_in(results: Sequence[Any]) -> dict[ArticleId, Card]:
    """The articles that the script found."""
    ids, cards = results
    return cards_in(ids, cards)
