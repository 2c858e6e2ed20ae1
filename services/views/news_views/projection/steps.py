"""What one atomic call does to the read model: steps that are collected here and carried out in Lua."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

import msgpack
import numpy as np

from news_shared.article_ids import ArticleId
from news_shared.projection.contract import Effects
from news_views.changelog import ArticleCounts, DayCounts, Imported, PartitionProgress, day_text
from news_views.counting.counts import DAY_FIELDS, HOURS_OF_A_DAY, KINDS, REASONS, VIEWS, Day, Deltas, Reason
from news_views.counting.standing import Standing
from news_views.counting.trending import INDEXED, WINDOWS, scopes_of
from news_views.view_counts import (
    ARTICLE,
    DAY,
    LOG_FIELDS,
    SKETCH,
    STANDING_FIELDS,
    STATE_FIELD,
    TOTALS,
    TOTALS_FIELDS,
    Clocks,
    article_name,
    day_name,
    import_field,
    index_name,
    readers_name,
    sketch_name,
    written_fields,
)

_READERS_KEPT_SECONDS: Final = 3 * HOURS_OF_A_DAY * 3600  # of a day: queries ask for today's, and clocks differ


def _quoted(fields: Iterable[str]) -> str:
    return ", ".join(f"'{field}'" for field in fields)


APPLY: Final = (
    """
-- One argument, in msgpack because an argument costs the sender more than its bytes: a list of steps, each its name,
-- mostly the index of its key in KEYS, and what it needs.
local FIELDS = {LOG_FIELDS}
-- Fields of a day that its article has the sums of.
local SUMMED = {'readers', 'imported', 'imported_readers'}
local TOTALS = {TOTALS_FIELDS}
local floors = {}
local readers_of_days = {}
local function article_of(key) return string.match(key, ':a:(.*)$') end
local function rank(list, article, score)
  -- Of a full list only what beats its last member; scores are negated, and a list is cut once, at the end.
  if floors[list] == nil then
    local is_full = redis.call('ZCARD', list) >= LIMIT
    floors[list] = is_full and tonumber(redis.call('ZRANGE', list, LIMIT - 1, LIMIT - 1, 'WITHSCORES')[2]) or math.huge
  end
  if score <= floors[list] then redis.call('ZADD', list, string.format('%.17g', score), article) end
end
for _, step in ipairs(cmsgpack.unpack(ARGV[1])) do
  local name, key, last = step[1], KEYS[step[2]], #step
  if name == 'count' then
    -- The names of fields, then triples: a key's index, a field's, how many.
    local fields, counts = step[2], step[3]
    for i = 1, #counts, 3 do redis.call('HINCRBY', KEYS[counts[i]], fields[counts[i + 1] + 1], counts[i + 2]) end
  elseif name == 'readers' then
    -- Pairs: a sketch's key and readers of 8 bytes each.
    for n = 2, last, 2 do
      local bytes = step[n + 1]
      for i = 1, #bytes, 8000 do
        local hashes = {}
        for j = i, math.min(i + 7999, #bytes), 8 do hashes[#hashes + 1] = string.sub(bytes, j, j + 7) end
        redis.call('PFADD', KEYS[step[n]], unpack(hashes))
      end
    end
  elseif name == 'recount' then
    -- Four keys each: a day, its sketch, its article, the readers of that day. The article's readers are the sum of its
    -- days', kept up to date here so that reading them costs the same however many days there are.
    for i = 2, last, 4 do
      local day, now = KEYS[step[i]], redis.call('PFCOUNT', KEYS[step[i + 1]])
      local before = tonumber(redis.call('HGET', day, 'readers') or '0')
      if now ~= before then
        redis.call('HSET', day, 'readers', now)
        redis.call('HINCRBY', KEYS[step[i + 2]], 'readers', now - before)
        redis.call('HINCRBY', KEYS[step[i + 3]], article_of(KEYS[step[i + 2]]), now - before)
        readers_of_days[KEYS[step[i + 3]]] = true
      end
    end
  elseif name == 'score' then
    -- Four each: an article's key and what views add to its scores, by window.
    for n = 2, last, 4 do
      local key, sums = KEYS[step[n]], {}
      local scores = redis.call('HMGET', key, unpack(FIELDS))
      for i, field in ipairs(FIELDS) do
        local sum, score = step[n + i], tonumber(scores[i] or nil)
        if score then
          local high, low = math.max(score, sum), math.min(score, sum)
          sum = high + math.log(1 + 2 ^ (low - high)) / math.log(2)
        end
        sums[#sums + 1], sums[#sums + 2] = field, string.format('%.17g', sum)
      end
      redis.call('HSET', key, unpack(sums))
    end
  elseif name == 'set' then
    for i = 3, last, 1000 do redis.call('HSET', key, unpack(step, i, math.min(i + 999, last))) end
  elseif name == 'dirty' then
    -- Arguments: the offset, then members.
    for i = 4, last, 500 do
      local scored = {}
      for j = i, math.min(i + 499, last) do
        scored[#scored + 1] = step[3]
        scored[#scored + 1] = step[j]
      end
      redis.call('ZADD', key, unpack(scored))
    end
  elseif name == 'unset' then
    for i = 3, last do redis.call('HDEL', key, step[i]) end
  elseif name == 'rank' then
    -- Arguments: the article; the lists that it leaves and those that it stands in, each by its first window's key,
    -- behind which those of the others come.
    local article, leaves, enters = step[3], step[4], step[5]
    for _, list in ipairs(leaves) do
      for i = 0, #FIELDS - 1 do redis.call('ZREM', KEYS[list + i], article) end
    end
    if #enters > 0 then
      local scores = redis.call('HMGET', key, unpack(FIELDS))
      for i = 1, #FIELDS do
        local score = tonumber(scores[i] or nil)
        if score then
          for _, list in ipairs(enters) do rank(KEYS[list + i - 1], article, -score) end
        end
      end
    end
  elseif name == 'clear' then
    -- Arguments: keys of the sketch, of the article, of the readers of that day.
    local before = redis.call('HMGET', key, unpack(SUMMED))
    redis.call('DEL', key, KEYS[step[3]])
    redis.call('HDEL', KEYS[step[5]], article_of(KEYS[step[4]]))
    for i, field in ipairs(SUMMED) do
      local number = tonumber(before[i] or '0')
      if number > 0 then redis.call('HINCRBY', KEYS[step[4]], field, -number) end
    end
  elseif name == 'import' then
    -- Arguments: key of the article, field of the origin, views, readers, key of the readers of that day. It replaces
    -- what the origin said before.
    local field, views, readers = step[4], step[5], step[6]
    local views_before, readers_before = string.match(redis.call('HGET', key, field) or '0 0', '(%d+) (%d+)')
    redis.call('HSET', key, field, string.format('%d %d', views, readers))
    for _, hash in ipairs({key, KEYS[step[3]]}) do
      redis.call('HINCRBY', hash, 'imported', views - views_before)
      redis.call('HINCRBY', hash, 'imported_readers', readers - readers_before)
    end
    redis.call('HINCRBY', KEYS[step[7]], article_of(KEYS[step[3]]), readers - readers_before)
    readers_of_days[KEYS[step[7]]] = true
  elseif name == 'sketch' then
    redis.call('SET', key, step[3])
  elseif name == 'total' then
    -- Keys of articles whose hash was changed: what queries read of each, anew.
    for i = 3, last do
      local values = redis.call('HMGET', KEYS[step[i]], unpack(TOTALS))
      if values[1] then
        for j = 2, #values do values[j] = tonumber(values[j] or 0) end
        redis.call('HSET', key, article_of(KEYS[step[i]]), cmsgpack.pack(values))
      else
        redis.call('HDEL', key, article_of(KEYS[step[i]]))
      end
    end
  end
end
for list in pairs(floors) do redis.call('ZREMRANGEBYRANK', list, LIMIT, -1) end
for hash in pairs(readers_of_days) do redis.call('EXPIRE', hash, KEPT_SECONDS) end
""".replace("LOG_FIELDS", _quoted(LOG_FIELDS))
    .replace("TOTALS_FIELDS", _quoted(TOTALS_FIELDS))
    .replace("LIMIT", str(INDEXED))
    .replace("KEPT_SECONDS", str(_READERS_KEPT_SECONDS))
)


class Steps:
    """Collects steps for `APPLY`; see `effects`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._places: dict[str, int] = {}
        self._placed_lists: dict[tuple[str, ...], Sequence[int]] = {}
        self._steps: list[list[object]] = []
        self._changed: set[int] = set()  # keys of articles of which queries read something else now

    def effects(self) -> Effects:
        """Everything collected so far."""
        if self._changed:
            self._step("total", TOTALS, sorted(self._changed))
            self._changed.clear()
        return Effects(list(self._places), [msgpack.packb(self._steps, use_bin_type=False)])  # Lua's knows no bin

    def add(self, deltas: Deltas) -> None:
        """Add counts, readers and scores. It takes `recount` and `rank` to see them."""
        articles = deltas.articles
        days = [f"{articles[place]}|{day_text(day)}" for place, day in deltas.days]
        for fields, rows, kind, of in (
            (KINDS, deltas.totals, ARTICLE, articles),
            (DAY_FIELDS, deltas.by_day, DAY, days),
        ):
            counted = np.unique(rows[:, 0])
            keys = np.zeros(len(of), np.int64)
            names = self._places_of([kind + of[place] for place in counted.tolist()])
            if kind is ARTICLE:
                self._changed.update(names)
            keys[counted] = names
            counts = rows.copy()
            counts[:, 0] = keys[rows[:, 0]]
            self._steps.append(["count", fields, counts.ravel().tolist()])
        sketches = self._places_of([SKETCH + days[place] for place, _ in deltas.readers])
        hashes = [hashes for _, hashes in deltas.readers]
        self._steps.append(["readers", *chain.from_iterable(zip(sketches, hashes, strict=True))])
        scored = self._places_of([ARTICLE + articles[place] for place, _ in deltas.scores])
        sums = [sums for _, sums in deltas.scores]
        self._steps.append(["score", *chain.from_iterable((key, *of) for key, of in zip(scored, sums, strict=True))])

    def recount(self, days: Iterable[Day]) -> None:
        """Count the readers of these days anew, and of their articles."""
        step: list[object] = ["recount"]
        for day in days:
            of_day, sketch = self._places_of((day_name(day), sketch_name(day)))
            step += (of_day, sketch, self._changed_article(day.article), self._place(readers_name(day.day)))
        self._steps.append(step)

    def set_settled(self, offset: int) -> None:
        """Store that readers are counted and articles ranked for all records before this offset."""
        self._step("set", "partition", ["settled", offset])

    def set_standing(self, article: ArticleId, standing: Standing) -> None:
        """Store what the markers said of an announced article."""
        self._changed_article(article)
        self._step("set", article_name(article), _standing_fields(standing))

    def set_imported(self, day: Day, origin: str, imported: Imported) -> None:
        """Store what an origin says of a day, instead of what it said before."""
        article, readers = self._changed_article(day.article), self._place(readers_name(day.day))
        said = [article, import_field(origin), imported.views, imported.readers, readers]
        self._step("import", day_name(day), said)

    def rank(self, article: ArticleId, before: Standing, now: Standing) -> None:
        """Put an article into the lists where it belongs: into none unless it is known.

        Args:
            before: its standing when its place in the lists was last set.
        """
        scopes = _scopes(now)
        left = () if before is now else tuple(scope for scope in _scopes(before) if scope not in scopes)
        self._step("rank", article_name(article), [article, self._lists(left), self._lists(scopes)])

    def set_partition(self, clocks: Clocks) -> None:
        """Store the partition's clocks."""
        fields: list[str | bytes | int] = [
            "clock",
            clocks.clock_ms,
            "log_time",
            clocks.log_ms,
            "ahead_until",
            clocks.ahead_until,
        ]
        self._step("set", "partition", fields)

    def set_written(self, progress: PartitionProgress) -> None:
        """Store how complete the changelog is."""
        self._step("set", "partition", written_fields(progress))

    def mark_dirty(self, keys: Iterable[bytes], offset: int) -> None:
        """Note keys of the changelog that changed up to this offset."""
        members = list(keys)
        if members:
            self._step("dirty", "dirty", [offset, *members])

    def restore_article(
        self, article: ArticleId, counts: ArticleCounts, before: Standing, *, counted: bool = True
    ) -> Standing:
        """Store an article as the changelog has it, its readers excepted, which come with its days.

        Args:
            before: what was restored of it so far; the changelog may have several values of a key.
            counted: False leaves the counts out.

        Returns:
            Its standing now.
        """
        self._forget_scores(article, before)  # a recount may have left it without any
        standing = Standing(counts.revision, counts.language, counts.themes, counts.transitions)
        self.set_standing(article, standing)
        if counted:
            logs: list[object] = []
            for window, field in zip(WINDOWS, LOG_FIELDS, strict=True):
                if window in counts.log_scores:
                    logs += (field, repr(counts.log_scores[window]))
            counts_now = [VIEWS, counts.views, "as_of", counts.as_of, *_flat(counts.filtered), *logs]
            self._step("set", article_name(article), counts_now)
        self.rank(article, Standing(), standing)
        return standing

    def restore_day(self, day: Day, counts: DayCounts, *, counted: bool = True) -> None:
        """Store a day as the changelog has it.

        Args:
            counted: False leaves out all but what was imported.
        """
        self.remove_day(day)
        for origin, imported in counts.imports.items():
            self.set_imported(day, origin, imported)
        if not counted:
            return
        hours = _flat({str(hour): views for hour, views in enumerate(counts.hours) if views})
        self._step("set", day_name(day), ["as_of", counts.as_of, *hours, *_flat(counts.filtered)])
        if counts.sketch:
            self._step("sketch", sketch_name(day), [counts.sketch])
            self.recount([day])

    def remove_article(self, article: ArticleId, before: Standing) -> None:
        """Forget an article, as a tombstone says; its days have tombstones of their own."""
        self._forget_scores(article, before)
        self._changed_article(article)
        self._step("unset", article_name(article), [*STANDING_FIELDS, STATE_FIELD, VIEWS, *REASONS, "as_of"])

    def _forget_scores(self, article: ArticleId, before: Standing) -> None:
        self.rank(article, before, Standing())
        self._step("unset", article_name(article), list(LOG_FIELDS))

    def remove_day(self, day: Day) -> None:
        """Forget a day, its readers included."""
        article, readers = self._changed_article(day.article), self._place(readers_name(day.day))
        self._step("clear", day_name(day), [self._place(sketch_name(day)), article, readers])

    def _changed_article(self, article: ArticleId) -> int:
        """The index in KEYS of an article's hash, whose totals are packed anew at the end."""
        place = self._place(article_name(article))
        self._changed.add(place)
        return place

    def _places_of(self, names: Iterable[str]) -> list[int]:
        """The index in KEYS of each of these."""
        places, prefix = self._places, self._prefix
        return [places.setdefault(prefix + name, len(places) + 1) for name in names]

    def _lists(self, scopes: tuple[str, ...]) -> Sequence[int]:
        """Where the keys of these lists begin, one for each window."""
        places = self._placed_lists.get(scopes)
        if places is None:
            places = self._placed_lists[scopes] = [self._list(scope) for scope in scopes]
        return places

    def _list(self, scope: str) -> int:
        first, *_ = (self._place(index_name(window, scope)) for window in WINDOWS)
        return first

    def _step(self, name: str, key: str, args: Sequence[object]) -> None:
        self._steps.append([name, self._place(key), *args])

    def _place(self, key: str) -> int:
        return self._places.setdefault(self._prefix + key, len(self._places) + 1)


def _flat(fields: Mapping[str, int] | Mapping[Reason, int]) -> list[str | bytes | int]:
    flat: list[str | bytes | int] = []
    for item in fields.items():
        flat += item
    return flat


def _standing_fields(standing: Standing) -> list[str | bytes | int]:
    return [
        "revision",
        standing.revision,
        "language",
        standing.language,
        "themes",
        json.dumps(standing.themes, ensure_ascii=False),
        "transitions",
        json.dumps(standing.transitions),
        *((STATE_FIELD, standing.state) if standing.state else ()),
    ]


def _scopes(standing: Standing) -> tuple[str, ...]:
    return scopes_of(standing.language, standing.themes) if standing.state == "known" else ()
