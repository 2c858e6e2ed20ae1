"""The Lua that brings the read model from one state to the next, in one atomic call: carries out `steps.Steps`."""

from collections.abc import Iterable
from typing import Final

from news_views.counting.counts import HOURS_OF_A_DAY
from news_views.counting.trending import INDEXED
from news_views.view_counts import LOG_FIELDS, TOTALS_FIELDS

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
