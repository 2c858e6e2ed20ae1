"""Reading time series: the days of one article, in one round trip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from news_shared.article_ids import ArticleId, partition_of
from news_shared.clock import epoch_ms
from news_shared.projection.slots import Command, Slots
from news_views.counting.counts import HOUR_MS, HOURS_OF_A_DAY, REASONS, UNDATED, Day, Reason
from news_views.queries.series import Span
from news_views.view_counts import IMPORTED_FIELDS, ask_totals, day_name, totals
from news_views.view_log import State

_HOURS: Final = tuple(map(str, range(HOURS_OF_A_DAY)))
_DAY_FIELDS: Final = (*_HOURS, "readers", *IMPORTED_FIELDS, *REASONS)


@dataclass(frozen=True)
class Point:
    """One hour or one day; only days tell readers, what was imported, and what did not count."""

    time: datetime
    views: int
    readers: int | None = None
    filtered: Mapping[Reason, int] | None = None


@dataclass(frozen=True)
class ArticleSeries:
    """The points of one article, zeros included: nothing may be shown unless its state is ``known``."""

    article: ArticleId
    state: State | None
    points: Sequence[Point]
    as_of: datetime


class SeriesQuery:
    """The read side of the time series."""

    def __init__(self, slots: Slots, partitions: int) -> None:
        self._slots = slots
        self._partitions = partitions

    async def of(self, article: ArticleId, span: Span) -> ArticleSeries:
        """The series of an article.

        Raises:
            RebuildingError: its partition is being restored.
            TransientError: Redis is away.
        """
        times = span.times()
        days = list(dict.fromkeys(_hour(time) // HOURS_OF_A_DAY for time in times))
        partition = partition_of(article, self._partitions)
        answer = (await self._slots.ask({partition: partial(_ask, article, days)}))[partition]
        [packed], [readers_today], *stored = answer.results
        state, _ = totals(packed, readers_today)
        by_day = {day: [int(value or 0) for value in row] for day, row in zip(days, stored, strict=True)}
        make = _hour_point if span.interval == "hour" else _day_point
        return ArticleSeries(article, state, [make(time, by_day) for time in times], answer.as_of)


def _hour(time: datetime) -> int:
    return epoch_ms(time) // HOUR_MS


def _hour_point(time: datetime, by_day: Mapping[int, Sequence[int]]) -> Point:
    day, hour = divmod(_hour(time), HOURS_OF_A_DAY)
    return Point(time, by_day[day][hour])


def _day_point(time: datetime, by_day: Mapping[int, Sequence[int]]) -> Point:
    day = _hour(time) // HOURS_OF_A_DAY
    readers, imported, imported_readers, *filtered = by_day[day][HOURS_OF_A_DAY:]
    if day == UNDATED:
        imported = imported_readers = 0
    views = sum(by_day[day][:HOURS_OF_A_DAY]) + imported
    return Point(time, views, readers + imported_readers, dict(zip(REASONS, filtered, strict=True)))


def _ask(article: ArticleId, days: Sequence[int], prefix: str) -> list[Command]:
    asked: list[Command] = [*ask_totals(prefix, [article], days[-1] if days else 0)]
    asked += [("HMGET", prefix + day_name(Day(article, day)), *_DAY_FIELDS) for day in days]
    return asked
