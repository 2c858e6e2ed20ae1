"""What lies around one article, for its list of related ones: read in one call.

It depends on what is found what must be read next: the article's links, the articles that these lead to, who else links
to those, and the cards of all. Asked from outside that is three round trips, five where there are translations, which
cost the API more than the list.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from news_related.graph.changes import HELD, KEY_NUMBERS, PART_LUA, WITHDRAWN
from news_related.graph.curation import Choice, stored_choices
from news_related.graph.facts import (
    Backlink,
    Card,
    Index,
    Link,
    Withdrawn,
    decode_links,
    id_in,
    url_hash,
)
from news_related.graph.named_cards import NAMED_CARDS_LUA, cards_in
from news_related.graph.positions import ID_BYTES, id_bytes, id_from
from news_related.neighbours.changes import NEIGHBOURS
from news_related.neighbours.meanings import PACKED
from news_related.neighbours.similarity import SHOWN_NEIGHBOURS
from news_related.neighbours.support import NEAREST
from news_shared.article_ids import ArticleId
from news_shared.projection.slots import ReadScript, read_script

_BACKLINKS = 50
_LINKS = 30  # of the body, for what else links to the same
_CITING_THE_SAME = 10
MAX_TRANSLATIONS = 50
_STEPS = 3  # from a translation to its original, to another translation of that, and to what translates this
_BACKLINKS_OF_A_TRANSLATION = 20

_NEIGHBOUR = struct.Struct(f">{ID_BYTES}si")  # as `PACKED`


class Surroundings(NamedTuple):
    """An article and what lies around it.

    Attributes:
        state: of the article. Unless it is a card, all else is empty.
        links: of its body, in the order of the text.
        choices: of editors for its page, oldest first.
        neighbours: those nearest in meaning with their scores, best first; ids as `positions.id_bytes`.
        nearest: the nearest of the first of them, as many as were asked for, with one to spare: it may be the article.
        owners: the articles that its links lead to, by URL.
        backlinks: what links to it, newest first; nothing where another article has its URL.
        citing: what links to the same articles, by these: of its first links, the newest of each.
        tellings: what tells the same in other words, as sources declare it, and what links to each: what it translates,
            what translates it, and so on from there; siblings of one original also where that has not arrived.
        sizes: how many articles have each of its themes.
        cards: of all of these that are live, and of it.
    """

    state: Card | Withdrawn | None
    links: Sequence[Link] = ()
    choices: Sequence[Choice] = ()
    neighbours: Sequence[tuple[bytes, int]] = ()
    nearest: Sequence[Sequence[bytes]] = ()
    owners: Mapping[str, ArticleId] = {}
    backlinks: Sequence[Backlink] = ()
    citing: Mapping[ArticleId, Sequence[Backlink]] = {}
    tellings: Mapping[ArticleId, Sequence[Backlink]] = {}
    sizes: Mapping[str, int] = {}
    cards: Mapping[ArticleId, Card] = {}

    @property
    def pinned(self) -> list[Choice]:
        """What editors put first on the article's page."""
        return [choice for choice in self.choices if choice.kind == "pin"]

    @property
    def blocked(self) -> set[ArticleId]:
        """What editors keep off it."""
        return {choice.other for choice in self.choices if choice.kind == "block"}


SURROUNDINGS: ReadScript = read_script(
    f"""
local URLS, CITES, TRANSLATIONS = '{Index.URLS}', '{Index.CITES}', '{Index.TRANSLATIONS}'
local URLS_NUMBER, CITES_NUMBER = '{KEY_NUMBERS[Index.URLS]}', '{KEY_NUMBERS[Index.CITES]}'
local TRANSLATIONS_NUMBER, THEMES_NUMBER = '{KEY_NUMBERS[Index.TRANSLATIONS]}', '{KEY_NUMBERS[Index.THEMES]}'
local HELD, WITHDRAWN = PREFIX .. '{HELD}', PREFIX .. '{WITHDRAWN}'
local NEIGHBOURS, THEMES = PREFIX .. '{NEIGHBOURS}', PREFIX .. '{Index.THEMES}:'
local NEIGHBOUR_BYTES, SHOWN, NEAREST = {PACKED.itemsize}, {SHOWN_NEIGHBOURS}, {NEAREST + 1}
local MOST_BACKLINKS, MOST_LINKS, MOST_CITING = {_BACKLINKS}, {_LINKS}, {_CITING_THE_SAME}
local MOST_TRANSLATIONS, MOST_BACKLINKS_OF_A_TRANSLATION = {MAX_TRANSLATIONS}, {_BACKLINKS_OF_A_TRANSLATION}
local STEPS = {_STEPS}
"""
    + NAMED_CARDS_LUA
    + PART_LUA
    + r"""
local id, id_bytes, most_neighbours, least_score = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local card = redis.call('HGET', CARDS, id)
if not card then return {false, redis.call('HGET', WITHDRAWN, id)} end
local held = cmsgpack.unpack(redis.call('HGET', HELD, id))

local function id_at(member, behind) return member and string.sub(member, -16 - behind, -1 - behind) end
local LAST = string.rep('\255', 26)
local function members(command, index, name, from, to, most, behind)
  local found = redis.call(command, PREFIX .. index .. part_of(name), from, to, 'LIMIT', 0, most)
  for _, member in ipairs(found) do note(uuid(id_at(member, behind))) end
  return found
end
local function earliest(index, name, most)
  return members('ZRANGEBYLEX', index, name, '[' .. name, '[' .. name .. LAST, most, 0)
end
local function citing(name, most)
  return members('ZREVRANGEBYLEX', CITES, name, '[' .. name .. LAST, '[' .. name, most, 2)
end
local function owner(name) return earliest(URLS, name, 1)[1] or false end

local packed = string.sub(redis.call('HGET', NEIGHBOURS, id) or '', 1, SHOWN * NEIGHBOUR_BYTES)
local asked, nearest = {}, {}
for at = 1, math.min(#packed, most_neighbours * NEIGHBOUR_BYTES), NEIGHBOUR_BYTES do
  local other = uuid(string.sub(packed, at, at + 15))
  asked[#asked + 1] = other
  if struct.unpack('>i4', packed, at + 16) >= least_score then note(other) end
end
if #asked > 0 then
  for place, theirs in ipairs(redis.call('HMGET', NEIGHBOURS, unpack(asked))) do
    nearest[place] = string.sub(theirs or '', 1, NEAREST * NEIGHBOUR_BYTES)
  end
end

local choices = redis.call('HGETALL', PREFIX .. 'curation:' .. id)
for place = 1, #choices, 2 do note(choices[place]) end

local links, sizes = {}, {}
for place = 1, #held[4], 3 do
  local index, name, rest = held[4][place], held[4][place + 1], held[4][place + 2]
  if index == CITES_NUMBER then
    local high, low = string.byte(rest, 1, 2)
    links[#links + 1] = {name, (high * 256 + low) * 1000 + #links}  -- by paragraph; strings compare by locale
  end
  if index == THEMES_NUMBER and not string.find(name, '@', 1, true) then
    sizes[#sizes + 1] = {name, redis.call('ZCARD', THEMES .. name)}
  end
end
table.sort(links, function(one, other) return one[2] < other[2] end)
for place, link in ipairs(links) do
  link[2] = owner(link[1])
  link[3] = place <= MOST_LINKS and link[2] and citing(link[1], MOST_CITING) or {}
end

-- Its own URL's name, unless another article has that URL, and the names of its original.
local function names_in(key, held)
  local url, originals = false, {}
  for place = 1, #held[4], 3 do
    local index, name = held[4][place], held[4][place + 1]
    if index == URLS_NUMBER and id_at(owner(name), 0) == key then url = name end
    if index == TRANSLATIONS_NUMBER then originals[#originals + 1] = name end
  end
  return url, originals
end

-- What says that it translates an article or its original, the original itself, and so on from there.
local url, originals = names_in(id_bytes, held)
local backlinks = url and citing(url, MOST_BACKLINKS) or {}
local is_told, is_asked, tellings, frontier = {[id_bytes] = true}, {}, {}, {{id_bytes, url, originals}}
local function tell(found, key)
  if is_told[key] or #tellings == MOST_TRANSLATIONS then return end
  local held = redis.call('HGET', HELD, uuid(key))
  held = held and cmsgpack.unpack(held)
  if not held or held[2] == '' then return end  -- unknown, or withdrawn
  is_told[key] = true
  note(uuid(key))
  local url, originals = names_in(key, held)
  tellings[#tellings + 1] = {key, url and citing(url, MOST_BACKLINKS_OF_A_TRANSLATION) or {}}
  found[#found + 1] = {key, url, originals}
end
for _ = 1, STEPS do
  local found = {}
  local function ask(name)
    if not name or is_asked[name] then return end
    is_asked[name] = true
    for _, member in ipairs(earliest(TRANSLATIONS, name, MOST_TRANSLATIONS)) do tell(found, id_at(member, 0)) end
  end
  for _, one in ipairs(frontier) do
    ask(one[1])
    ask(one[2])
    for _, name in ipairs(one[3]) do
      ask(name)
      tell(found, name)  -- nothing, where it is the hash of a URL
      local at_that_url = owner(name)
      if at_that_url then tell(found, id_at(at_that_url, 0)) end
    end
  end
  frontier = found
end

return {
  card, false, held[3], choices, packed, nearest, backlinks, links, tellings, sizes, named_cards(),
}
"""
)
"""Arguments: `arguments`; results: for `surroundings_in`."""


def arguments(key: ArticleId, *, neighbours: int, least_score: int) -> tuple[str | int | bytes, ...]:
    """What the script is told; see `LinkGraph.surroundings`."""
    return key, id_bytes(key), neighbours, least_score


def surroundings_in(key: ArticleId, results: Sequence[Any]) -> Surroundings:
    """What the script found around an article."""
    stored, gone, *others = results
    if stored is None:
        return Surroundings(Withdrawn.decode(gone) if gone is not None else None)
    links, choices, packed, nearest, backlinks, cited, tellings, sizes, ids, cards = others
    card = Card.decode(key, stored)
    body = decode_links(links)
    by_name = {name: (id_in(at), some) for name, at, some in cited if at is not None}
    owners = {link.url: by_name[name][0] for link in body if (name := url_hash(link.url)) in by_name}
    return Surroundings(
        state=card,
        links=body,
        choices=stored_choices(choices[1::2]),
        neighbours=[*_NEIGHBOUR.iter_unpack(packed)],
        nearest=[[other for other, _ in _NEIGHBOUR.iter_unpack(some)] for some in nearest],
        owners=owners,
        backlinks=_backlinks(backlinks, key),
        citing={target: [*map(Backlink.decode, some)] for target, some in by_name.values()},
        tellings={(other := id_from(packed_id)): _backlinks(some, other) for packed_id, some in tellings},
        sizes={slug.decode(): articles for slug, articles in sizes},
        cards={**cards_in(ids, cards), key: card},
    )


def _backlinks(members: Iterable[bytes], key: ArticleId) -> list[Backlink]:
    return [one for one in map(Backlink.decode, members) if one.id != key]
