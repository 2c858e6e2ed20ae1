"""How the graph changes: the key layout, and the one Redis call that brings an article from one state to the next.

Keys, all in the one slot of the graph, under ``{related}:<generation>:``:

| key | type | what |
|---|---|---|
| ``cards`` | hash id → msgpack | a live article as others show it |
| ``withdrawn`` | hash id → msgpack | what is left of a withdrawn article |
| ``held`` | hash id → msgpack | revision, position, links of the body, places: so that new rules can undo old ones |
| ``themes:<name>`` | sorted sets, scores 0 | see `facts.Index` |
| ``urls:<part>`` ``cites:…`` ``translations:…`` ``bands:…`` | sorted sets, scores 0 | likewise, in 131,072 parts |
| ``theme-order`` | sorted set, scores 0 | language or nothing, NUL, inverted number of articles (10 digits), slug |
| ``theme-languages`` | sorted set, scores 0 | slug, NUL, language, for each that the theme has articles in |
| ``curation:<id>`` | hash other → JSON | pins and blocks of an article's page, see `curation` |
| ``vectors`` | hash id → msgpack | the vector of an article, which may not be here, see `vector_projection` |
| ``unlinked`` | sorted set of ids | whose vector, date or language changed since its neighbours were sought, in turn |
| ``places`` and more | | what has been linked by meaning, see `neighbours.changes` |

An event changes only the places of its own article, so its cost does not grow with what is stored (each place is
one step down a sorted set), and any interleaving of articles gives the same bytes. Indexes are not cut off: what a
list answers must not depend on what was in it before (a restored graph never saw what was withdrawn since). Readers
take at most a stated number of members.

An index that is asked by whole names is kept in parts: Redis packs sorted sets of up to 128 members without pointers,
in which a place takes 45 bytes, not 110. At a million articles a part has some 30; where there are far more, parts
become ordinary sorted sets.
"""

from collections.abc import Sequence

import msgpack

from news_related.graph.facts import Facts, Index, Link, Withdrawn, decode_links, encode_links
from news_shared.projection.contract import Effects

SERVICE = "related"
TAG = "related"

HELD = "held"
CARDS = "cards"
WITHDRAWN = "withdrawn"
THEME_ORDER = "theme-order"
THEME_LANGUAGES = "theme-languages"
VECTORS_KEPT = "vectors"
UNLINKED = "unlinked"
PLACES = "places"

_PLACES = (Index.URLS, Index.CITES, Index.TRANSLATIONS, Index.THEMES)
_MEANING = (VECTORS_KEPT, UNLINKED, PLACES)
# ``held`` names indexes by their number here: a new one comes behind them, and before what Lua counts from the end.
_KEYS = (HELD, CARDS, WITHDRAWN, *_PLACES, THEME_ORDER, THEME_LANGUAGES, Index.BANDS, *_MEANING)
KEY_NUMBERS = {name: str(number) for number, name in enumerate(_KEYS, start=1)}

_MOST_ARTICLES = 9_999_999_999

MARK_LUA = """
local function mark_if_it_matters(id)
  local is_whole = redis.call('HEXISTS', CARDS, id) == 1 and redis.call('HEXISTS', VECTORS, id) == 1
  if is_whole or redis.call('HEXISTS', PLACES, id) == 1 or redis.call('ZSCORE', UNLINKED, id) then
    local last = redis.call('ZREVRANGE', UNLINKED, 0, 0, 'WITHSCORES')
    redis.call('ZADD', UNLINKED, (last[2] or 0) + 1, id)
  end
end
"""
"""Notes that an article must be linked (anew) by meaning. A mark that is renewed gets another number, so that who
linked the article as it was before does not take it away; so it is renewed also where nothing is left to link, because
somebody may be about to put the article into its place."""

PART_LUA = r"""
local function part_of(name)
  local first, second, third = string.byte(name, 2, 4)
  return string.format(':%05x', first * 512 + second * 2 + math.floor(third / 128))
end
"""
"""In which part of an index a name stands; as `set_of`."""

LINK_ARTICLES_LUA = (
    r"""
local HELD, CARDS, WITHDRAWN, ORDER, LANGUAGES = KEYS[1], KEYS[2], KEYS[3], KEYS[8], KEYS[9]
local VECTORS, UNLINKED, PLACES = KEYS[NKEYS - 2], KEYS[NKEYS - 1], KEYS[NKEYS]
"""
    + f"local THEMES = '{KEY_NUMBERS[Index.THEMES]}'\n"
    + MARK_LUA
    + PART_LUA
    + r"""
local function set_of(index, name)
  if index == THEMES then return KEYS[tonumber(index)] .. ':' .. name end
  return KEYS[tonumber(index)] .. part_of(name)
end

local function member_of(index, name, position, rest)
  return index == THEMES and position or name .. position .. rest
end

local function place_in_order(theme, articles)
  local slug, language = string.match(theme, '^(.-)@(.*)$')
  return (language or '') .. '\0' .. string.format('%010d', 9999999999 - articles) .. (slug or theme)
end

local i = 1
while i < NARGS do
  local id, revision, withdrawn = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2] == '1'
  local card, links, position, places = ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], tonumber(ARGV[i + 6])
  local first = i + 7
  i = first + 3 * places
  local stored = redis.call('HGET', HELD, id)
  local held = stored and cmsgpack.unpack(stored) or {0, '', '', {}}
  if held[1] < revision then
    local was, will, now, themes = {}, {}, {}, {}
    local function noted(index, name, step)
      if index == THEMES then themes[name] = (themes[name] or 0) + step end
    end
    for j = first, i - 1, 3 do
      local index, name, rest = ARGV[j], ARGV[j + 1], ARGV[j + 2]
      will[index .. name .. '\0' .. position .. rest] = true
      now[#now + 1], now[#now + 2], now[#now + 3] = index, name, rest
    end
    for j = 1, #held[4], 3 do
      local index, name, rest = held[4][j], held[4][j + 1], held[4][j + 2]
      local place = index .. name .. '\0' .. held[2] .. rest
      was[place] = true
      if not will[place] then
        redis.call('ZREM', set_of(index, name), member_of(index, name, held[2], rest))
        noted(index, name, -1)
      end
    end
    for j = 1, #now, 3 do
      local index, name, rest = now[j], now[j + 1], now[j + 2]
      if not was[index .. name .. '\0' .. position .. rest] then
        redis.call('ZADD', set_of(index, name), 0, member_of(index, name, position, rest))
        noted(index, name, 1)
      end
    end
    for theme, step in pairs(themes) do
      if step ~= 0 then
        local after = redis.call('ZCARD', set_of(THEMES, theme))
        local before = after - step
        if before > 0 then redis.call('ZREM', ORDER, place_in_order(theme, before)) end
        if after > 0 then redis.call('ZADD', ORDER, 0, place_in_order(theme, after)) end
        local slug, language = string.match(theme, '^(.-)@(.*)$')
        if language and after == 0 then redis.call('ZREM', LANGUAGES, slug .. '\0' .. language) end
        if language and before == 0 then redis.call('ZADD', LANGUAGES, 0, slug .. '\0' .. language) end
      end
    end
    if withdrawn then
      redis.call('HDEL', CARDS, id)
      redis.call('HSET', WITHDRAWN, id, card)
    else
      redis.call('HSET', CARDS, id, card)
      redis.call('HDEL', WITHDRAWN, id)
    end
    redis.call('HSET', HELD, id, cmsgpack.pack({revision, position, links, now}))
    mark_if_it_matters(id)
  end
end
"""
)
"""Applies what `linking` says, in order; an event that is not newer than what is held changes nothing."""


def linking(prefix: str, articles: Sequence[Facts]) -> Effects:
    """The arguments of `LINK_ARTICLES_LUA` for the facts of some events, in their order."""
    args: list[str | bytes | int | float] = []
    for facts in articles:
        places = facts.places()
        gone = isinstance(facts.state, Withdrawn)
        links = encode_links(facts.links) if facts.links and not gone else b""
        position = b"" if isinstance(facts.state, Withdrawn) else facts.state.position.encode()
        args += (facts.id, facts.revision, "1" if gone else "0", facts.state.encode(), links, position, len(places))
        for index, name, rest in places:
            args += (KEY_NUMBERS[index], name, rest)
    return Effects([prefix + name for name in _KEYS], args)


def links_in(held: bytes | None) -> list[Link]:
    """The links of a body, from what is held of its article."""
    return decode_links(msgpack.unpackb(held, raw=True)[2]) if held else []


def set_of(index: Index, name: bytes) -> str:
    """The key, without its prefix, of the sorted set in which a name of an index stands; as Lua's ``set_of``."""
    if index is Index.THEMES:
        return f"{index}:{name.decode()}"
    return f"{index}:{name[1] * 512 + name[2] * 2 + name[3] // 128:05x}"


def order_range(language: str | None, after: bytes | None) -> tuple[bytes, bytes]:
    """Where in ``theme-order`` the themes of a language stand, from after a member on."""
    name = (language or "").encode()
    return (b"(" + after if after is not None else b"[" + name + b"\0"), b"(" + name + b"\1"


def theme_in_order(member: bytes) -> tuple[str, int]:
    """The slug and the number of articles that a member of ``theme-order`` tells."""
    inverted_and_slug = member.partition(b"\0")[2]
    return inverted_and_slug[10:].decode(), _MOST_ARTICLES - int(inverted_and_slug[:10])
