"""The read model in Redis: counts and sketches of one partition's articles, their keys and their atomic steps.

Keys behind the partition's prefix:

- ``a:<article>`` hash: ``views``, ``readers``, one field a reason, ``revision language themes transitions state``,
  ``log:<window>``, ``imported`` and ``imported_readers``, and ``as_of`` where it came from the changelog;
- ``totals`` hash: of each announced article, packed, its state and what a query answers of it; and
  ``readers:<day>`` hash: its readers of that day, imported ones too, kept for some days. Both follow from the others,
  so that a query of many articles is two commands a partition;
- ``d:<article>|<day>`` hash: views by hour ``0`` to ``23``, one field a reason, ``readers``, ``import:<origin>`` (views
  and readers), their sums ``imported`` and ``imported_readers``, ``as_of`` likewise;
- ``u:<article>|<day>`` HyperLogLog of the day's readers;
- ``t:<window>|<scope>`` sorted set: articles known now by their score, negated, so that ties come by id;
- ``dirty`` sorted set: keys of the changelog, by the offset of their last change; what is before W is written;
- ``partition`` hash: ``clock``, ``log_time``, ``ahead_until``, ``settled``, and what the changelog holds: ``w``,
  ``w_clock``, ``w_log_time``.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgpack
import orjson

from news_shared.article_ids import ArticleId
from news_shared.projection.contract import ReadAsOfCheckpoint as Read
from news_shared.projection.slots import Command
from news_views.changelog import (
    ArticleCounts,
    DayCounts,
    Imported,
    PartitionKey,
    PartitionProgress,
    day_text,
    decode_key,
)
from news_views.counting.counts import HOURS_OF_A_DAY, REASONS, VIEWS, Day, Reason
from news_views.counting.standing import Standing, Transition
from news_views.counting.trending import WINDOWS, Window
from news_views.view_log import State

ARTICLE, DAY, SKETCH = "a:", "d:", "u:"
"""What names of keys begin with; the changelog's key goes on."""

STANDING_FIELDS: Final = ("revision", "language", "themes", "transitions")
STATE_FIELD: Final = "state"
LOG_FIELDS: Final = tuple(f"log:{window}" for window in WINDOWS)
IMPORTED_FIELDS: Final = ("imported", "imported_readers")
_IMPORT_PREFIX: Final = "import:"
TOTALS: Final = "totals"
TOTALS_FIELDS: Final = (STATE_FIELD, VIEWS, "readers", *IMPORTED_FIELDS, *REASONS)
"""Fields of an article's hash that its packed totals have, in this order."""


@dataclass(frozen=True)
class Clocks:
    """The partition's own fields."""

    clock_ms: int = 0
    log_ms: int = 0
    ahead_until: int = 0  # restored values hold records before this offset that a replay must not add again
    settled: int = 0  # readers are counted and articles ranked up to this offset, of later ones not all


WRITTEN_FIELDS: Final = ("w", "w_clock", "w_log_time")


def written_fields(progress: PartitionProgress) -> list[str | bytes | int]:
    """How complete the changelog is, as fields and values of the partition's hash."""
    return ["w", progress.next_offset, "w_clock", progress.clock_ms, "w_log_time", progress.log_ms]


async def read_clocks(read: Read, prefix: str) -> Clocks:
    """The partition's own fields; zeros where there are none. Errors are those of ``read``, here and below."""
    [stored] = await read([["HMGET", f"{prefix}partition", "clock", "log_time", "ahead_until", "settled"]])
    return Clocks(*(int(value or 0) for value in stored))


async def read_unsettled(read: Read, prefix: str, settled: int) -> set[ArticleId | Day]:
    """Articles and days that changed at this offset or later and may have been left to be settled."""
    [dirty] = await read([["ZRANGEBYSCORE", f"{prefix}dirty", str(settled), "+inf"]])
    return {key for key in map(decode_key, dirty) if not isinstance(key, PartitionKey)}


async def read_standings(read: Read, prefix: str, articles: Collection[ArticleId]) -> dict[ArticleId, Standing]:
    """What the markers said of these articles; an empty `Standing` for one that was never announced."""
    if not articles:
        return {}
    rows = await read([["HMGET", prefix + article_name(article), *STANDING_FIELDS] for article in articles])
    return {article: _standing(row) for article, row in zip(articles, rows, strict=True)}


async def read_as_of(read: Read, prefix: str, keys: Sequence[ArticleId | Day]) -> list[int]:
    """For each key the offset before which its restored value holds everything; 0 where it was not restored."""
    if not keys:
        return []
    names = [prefix + (day_name(key) if isinstance(key, Day) else article_name(key)) for key in keys]
    return [int(value or 0) for value in await read([["HGET", name, "as_of"] for name in names])]


class Totals(NamedTuple):
    """What a query answers for one article."""

    views: int
    readers: int
    readers_today: int
    filtered: Mapping[Reason, int]


_NO_TOTALS: Final = Totals(0, 0, 0, dict.fromkeys(REASONS, 0))


def ask_totals(prefix: str, articles: Sequence[ArticleId], today: int) -> tuple[Command, Command]:
    """The commands that read some articles' totals: two results, each a list with an item for each article; the items
    of one are for `totals`."""
    return ("HMGET", prefix + TOTALS, *articles), ("HMGET", prefix + readers_name(today), *articles)


def totals(packed: bytes | None, readers_today: bytes | None) -> tuple[State | None, Totals]:
    """What `ask_totals` found of one article, and its state; None when it was never announced."""
    if packed is None:
        return None, _NO_TOTALS
    state, views, readers, imported, imported_readers, *filtered = msgpack.unpackb(packed)
    today = int(readers_today or 0)
    return state, Totals(views + imported, readers + imported_readers, today, dict(zip(REASONS, filtered, strict=True)))


def ask_standing(prefix: str, article: ArticleId) -> Command:
    """The command that reads what the markers said of an article: one result for `standing_found`."""
    return ("HMGET", prefix + article_name(article), *STANDING_FIELDS)


def standing_found(row: Sequence[bytes | None]) -> Standing:
    """What `ask_standing` found; empty for an article that was never announced."""
    return _standing(row)


def ask_day(prefix: str, article: ArticleId, day: int) -> Command:
    """The command that reads all of an article's day, for `views_found`: of most days few hours are there."""
    return ("HGETALL", prefix + day_name(Day(article, day)))


def hour_fields(hours: Iterable[int]) -> Set[bytes]:
    """The fields in which a day has its views of these hours."""
    return frozenset(str(hour).encode() for hour in hours)


def views_found(day: Sequence[bytes], fields: Set[bytes]) -> int:
    """What `ask_day` found, in these of its fields."""
    return sum(int(count) for name, count in zip(day[::2], day[1::2], strict=True) if name in fields)


def stored_under(key: ArticleId | Day) -> Sequence[str]:
    """The keys behind the prefix that hold what the changelog says of a key: a hash, of a day also its sketch."""
    return (day_name(key), sketch_name(key)) if isinstance(key, Day) else (article_name(key),)


def article_counts(fields: Mapping[bytes, bytes], as_of: int) -> ArticleCounts | None:
    """An article for the changelog; None when Redis has nothing of it."""
    standing = _standing([fields.get(name.encode()) for name in STANDING_FIELDS])
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
        log_scores={
            window: float(fields[name.encode()])
            for window, name in zip(WINDOWS, LOG_FIELDS, strict=True)
            if name.encode() in fields
        },
        as_of=max(as_of, _number(fields, "as_of")),  # while a replay has not come to where it was restored from
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
        imports={
            name.decode().removeprefix(_IMPORT_PREFIX): _imported(stored)
            for name, stored in fields.items()
            if name.startswith(_IMPORT_PREFIX.encode())
        },
        as_of=max(as_of, _number(fields, "as_of")),
    )


def article_name(article: ArticleId) -> str:
    """The article's hash, behind the prefix."""
    return ARTICLE + article


def day_name(day: Day) -> str:
    """The day's hash."""
    return f"{DAY}{day.article}|{day_text(day.day)}"


def sketch_name(day: Day) -> str:
    """The readers of the day."""
    return f"{SKETCH}{day.article}|{day_text(day.day)}"


def readers_name(day: int) -> str:
    """The articles' readers of a day."""
    return f"readers:{day_text(day)}"


def import_field(origin: str) -> str:
    """The field of a day's hash that has what an origin said of it."""
    return f"{_IMPORT_PREFIX}{origin}"


def index_name(window: Window, scope: str) -> str:
    """The list of a scope, see `counting.trending`."""
    return f"t:{window}|{scope}"


def _standing(row: Sequence[bytes | None]) -> Standing:
    revision, language, themes, transitions = row
    if revision is None or language is None or themes is None:
        return Standing()
    return Standing(int(revision), language.decode(), tuple(json.loads(themes)), _transitions(transitions))


def _transitions(stored: bytes | None) -> tuple[Transition, ...]:
    return tuple(Transition(*entry) for entry in orjson.loads(stored)) if stored else ()


def _imported(stored: bytes) -> Imported:
    views, readers = map(int, stored.split())
    return Imported(views=views, readers=readers)


def _number(fields: Mapping[bytes, bytes], name: str) -> int:
    return int(fields.get(name.encode(), 0))
