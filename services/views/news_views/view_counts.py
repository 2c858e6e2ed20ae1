"""The read model in Redis: counts and sketches of one partition's articles, their keys and their atomic steps.

Keys behind the partition's prefix:

- ``a:<article>`` hash: ``views``, ``readers``, one field a reason, ``state revision language themes transitions``,
  and ``as_of`` where it came from the changelog;
- ``d:<article>|<day>`` hash: views by hour ``0`` to ``23``, one field a reason, ``readers``, ``as_of`` likewise;
- ``u:<article>|<day>`` HyperLogLog of the day's readers;
- ``dirty`` sorted set: keys of the changelog, by the offset of their last change; what is before W is written;
- ``partition`` hash: ``clock``, ``log_time``, ``ahead_until``, and what the changelog holds: ``w``, ``w_clock``,
  ``w_log_time``.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from news_shared.article_ids import ArticleId
from news_shared.projection.contract import Effects
from news_shared.redis_client import RedisClient, redis_errors
from news_views.changelog import ArticleCounts, DayCounts, PartitionProgress, day_text, encode_key
from news_views.counts import HOURS_OF_A_DAY, REASONS, VIEWS, Day, Deltas, Reason
from news_views.standing import Standing, Transition

APPLY: Final = """
-- One argument, in msgpack because an argument costs the sender more than its bytes: a list of steps, each its name,
-- the index of its key in KEYS and what it needs.
for _, step in ipairs(cmsgpack.unpack(ARGV[1])) do
  local name, key, last = step[1], KEYS[step[2]], #step
  if name == 'add' then
    for i = 3, last, 2 do redis.call('HINCRBY', key, step[i], step[i + 1]) end
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
  elseif name == 'clear' then
    -- Arguments: keys of the sketch and of the article.
    local before = redis.call('HGET', key, 'readers')
    redis.call('DEL', key, KEYS[step[3]])
    if before then redis.call('HINCRBY', KEYS[step[4]], 'readers', '-' .. before) end
  elseif name == 'readers' or name == 'sketch' then
    -- Arguments: keys of the sketch and of the article, then readers of 8 bytes each, or the whole sketch. The
    -- article's readers are the sum of its days', kept up to date here so that reading them costs the same however
    -- many days there are.
    local sketch, article, bytes = KEYS[step[3]], KEYS[step[4]], step[5]
    local changed = 0
    if name == 'sketch' then
      redis.call('SET', sketch, bytes)
      changed = 1
    else
      for i = 1, #bytes, 8000 do
        local hashes = {}
        for j = i, math.min(i + 7999, #bytes), 8 do hashes[#hashes + 1] = string.sub(bytes, j, j + 7) end
        changed = changed + redis.call('PFADD', sketch, unpack(hashes))
      end
    end
    if changed > 0 then
      local before, now = tonumber(redis.call('HGET', key, 'readers') or '0'), redis.call('PFCOUNT', sketch)
      if now ~= before then
        redis.call('HSET', key, 'readers', now)
        redis.call('HINCRBY', article, 'readers', now - before)
      end
    end
  end
end
"""

_STANDING_FIELDS = ("revision", "language", "themes", "transitions")
_COUNT_FIELDS = (VIEWS, "readers", *REASONS)


@dataclass(frozen=True)
class Clocks:
    """The partition's own fields."""

    clock_ms: int = 0
    log_ms: int = 0
    ahead_until: int = 0  # restored values hold records before this offset that a replay must not add again


WRITTEN_FIELDS: Final = ("w", "w_clock", "w_log_time")


def written_fields(progress: PartitionProgress) -> list[str | bytes | int]:
    """How complete the changelog is, as fields and values of the partition's hash."""
    return ["w", progress.next_offset, "w_clock", progress.clock_ms, "w_log_time", progress.log_ms]


class Steps:
    """Collects steps for `APPLY`; see `effects`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._places: dict[str, int] = {}
        self._steps: list[list[str | bytes | int]] = []

    def effects(self) -> Effects:
        """Everything collected so far."""
        return Effects(list(self._places), [msgpack.packb(self._steps, use_bin_type=False)])  # Lua's knows no bin

    def add(self, deltas: Deltas) -> None:
        """Add counts and readers."""
        for article, fields in deltas.articles.items():
            self._step("add", _article(article), _flat(fields))
        for day, fields in deltas.days.items():
            self._step("add", _day(day), _flat(fields))
        for day, readers in deltas.readers.items():
            self._readers("readers", day, [b"".join(readers)])

    def set_standing(self, article: ArticleId, standing: Standing) -> None:
        """Store what the markers said of an announced article."""
        self._step("set", _article(article), _standing_fields(standing))

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

    def restore_article(self, article: ArticleId, counts: ArticleCounts, *, counted: bool = True) -> None:
        """Store an article as the changelog has it, its readers excepted, which come with its days.

        Args:
            counted: False leaves the counts out.
        """
        standing = Standing(counts.revision, counts.language, counts.themes, counts.transitions)
        self._step("set", _article(article), _standing_fields(standing))
        if counted:
            self._step("set", _article(article), [VIEWS, counts.views, "as_of", counts.as_of, *_flat(counts.filtered)])

    def restore_day(self, day: Day, counts: DayCounts) -> None:
        """Store a day as the changelog has it."""
        self.remove_day(day)
        hours = _flat({str(hour): views for hour, views in enumerate(counts.hours) if views})
        self._step("set", _day(day), ["as_of", counts.as_of, *hours, *_flat(counts.filtered)])
        if counts.sketch:
            self._readers("sketch", day, [counts.sketch])

    def remove_article(self, article: ArticleId) -> None:
        """Forget an article, as a tombstone says; its days have tombstones of their own."""
        self._step("unset", _article(article), [*_STANDING_FIELDS, VIEWS, *REASONS, "as_of"])

    def remove_day(self, day: Day) -> None:
        """Forget a day, its readers included."""
        self._readers("clear", day, [])

    def _readers(self, step: str, day: Day, parts: Sequence[bytes]) -> None:
        places = [self._place(_sketch(day)), self._place(_article(day.article))]
        self._step(step, _day(day), [*places, *parts])

    def _step(self, name: str, key: str, args: Sequence[str | bytes | int]) -> None:
        self._steps.append([name, self._place(key), *args])

    def _place(self, key: str) -> int:
        return self._places.setdefault(self._prefix + key, len(self._places) + 1)


async def read_clocks(redis: RedisClient, prefix: str) -> Clocks:
    """The partition's own fields; zeros where there are none.

    Raises:
        TransientError: Redis is away.
    """
    with redis_errors("reading the partition's clocks"):
        stored = await redis.hmget(f"{prefix}partition", ["clock", "log_time", "ahead_until"])
    return Clocks(*(int(value or 0) for value in stored))


async def read_standings(redis: RedisClient, prefix: str, articles: Collection[ArticleId]) -> dict[ArticleId, Standing]:
    """What the markers said of these articles; an empty `Standing` for one that was never announced.

    Raises:
        TransientError: Redis is away.
    """
    if not articles:
        return {}
    with redis_errors("reading standings"):
        pipe = redis.pipeline(transaction=False)
        for article in articles:
            pipe.hmget(prefix + _article(article), _STANDING_FIELDS)
        rows: list[list[bytes | None]] = await pipe.execute()
    return {article: _standing(row) for article, row in zip(articles, rows, strict=True)}


async def read_as_of(redis: RedisClient, prefix: str, keys: Sequence[ArticleId | Day]) -> list[int]:
    """For each key the offset before which its restored value holds everything; 0 where it was not restored.

    Raises:
        TransientError: Redis is away.
    """
    if not keys:
        return []
    with redis_errors("reading the age of restored counts"):
        pipe = redis.pipeline(transaction=False)
        for key in keys:
            pipe.hget(prefix + (_day(key) if isinstance(key, Day) else _article(key)), "as_of")
        return [int(value or 0) for value in await pipe.execute()]


@dataclass(frozen=True)
class Totals:
    """What a query answers for one article."""

    views: int
    readers: int
    readers_today: int
    filtered: Mapping[Reason, int]


def queue_totals(pipe: Any, prefix: str, article: ArticleId, today: int) -> None:
    """Queue the reading of one article's totals: two results for `totals`."""
    pipe.hmget(prefix + _article(article), ["transitions", *_COUNT_FIELDS])
    pipe.hget(prefix + _day(Day(article, today)), "readers")


def totals(fields: Sequence[bytes | None], readers_today: bytes | None) -> tuple[Standing, Totals]:
    """What `queue_totals` found; the standing has only its transitions."""
    transitions, *numbers = fields
    counted = {name: int(value or 0) for name, value in zip(_COUNT_FIELDS, numbers, strict=True)}
    standing = Standing(transitions=_transitions(transitions))
    filtered = {reason: counted[reason] for reason in REASONS}
    return standing, Totals(counted[VIEWS], counted["readers"], int(readers_today or 0), filtered)


def stored_under(key: ArticleId | Day) -> Sequence[str]:
    """The keys behind the prefix that hold what the changelog says of a key: a hash, of a day also its sketch."""
    return (_day(key), _sketch(key)) if isinstance(key, Day) else (_article(key),)


def article_counts(fields: Mapping[bytes, bytes], as_of: int) -> ArticleCounts | None:
    """An article for the changelog; None when Redis has nothing of it."""
    standing = _standing([fields.get(name.encode()) for name in _STANDING_FIELDS])
    if standing.state is None:
        return None
    return ArticleCounts(
        views=_number(fields, VIEWS),
        readers=_number(fields, "readers"),
        filtered={reason: _number(fields, reason) for reason in REASONS},
        state=standing.state,
        revision=standing.revision,
        language=standing.language,
        themes=standing.themes,
        transitions=standing.transitions,
        as_of=as_of,
    )


def day_counts(fields: Mapping[bytes, bytes], sketch: bytes | None, as_of: int) -> DayCounts | None:
    """A day for the changelog; None when Redis has nothing of it."""
    if not fields:
        return None
    return DayCounts(
        hours=tuple(_number(fields, str(hour)) for hour in range(HOURS_OF_A_DAY)),
        readers=_number(fields, "readers"),
        filtered={reason: _number(fields, reason) for reason in REASONS},
        sketch=sketch or b"",  # missing comes as an empty list
        as_of=as_of,
    )


def changed_keys(deltas: Deltas) -> set[bytes]:
    """Keys of the changelog that these counts touch."""
    days = deltas.days.keys() | deltas.readers.keys()
    articles = deltas.articles.keys() | {day.article for day in deltas.readers}
    return {encode_key(article) for article in articles} | {encode_key(day) for day in days}


def _flat(fields: Mapping[str, int] | Mapping[Reason, int]) -> list[str | bytes | int]:
    flat: list[str | bytes | int] = []
    for item in fields.items():
        flat += item
    return flat


def _article(article: ArticleId) -> str:
    return f"a:{article}"


def _day(day: Day) -> str:
    return f"d:{day.article}|{day_text(day.day)}"


def _sketch(day: Day) -> str:
    return f"u:{day.article}|{day_text(day.day)}"


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
    ]


def _standing(row: Sequence[bytes | None]) -> Standing:
    revision, language, themes, transitions = row
    if revision is None or language is None or themes is None:
        return Standing()
    return Standing(int(revision), language.decode(), tuple(json.loads(themes)), _transitions(transitions))


def _transitions(stored: bytes | None) -> tuple[Transition, ...]:
    return tuple(Transition(*entry) for entry in json.loads(stored or b"[]"))


def _number(fields: Mapping[bytes, bytes], name: str) -> int:
    return int(fields.get(name.encode(), 0))
