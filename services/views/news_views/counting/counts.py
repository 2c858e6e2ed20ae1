"""The vocabulary of counts: what is counted, of what, and what some records add."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple, Self, get_args

import numpy as np
import numpy.typing as npt

from news_shared.article_ids import ArticleId
from news_views.counting.trending import LogScores

Reason = Literal["bot", "prefetch", "repeat", "opted_out", "burst", "unknown"]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
"""Why a beacon is not a view; each beacon has one, the first that applies of: opted_out, bot, burst, prefetch,
unknown (the article was withdrawn), repeat."""

VIEWS: Final = "views"
HOUR_MS: Final = 3_600_000
HOURS_OF_A_DAY: Final = 24
UNDATED: Final = 0
"""The day (1970-01-01) of imported totals whose days nobody knows: totals have them, series do not."""
KINDS: Final = (VIEWS, *REASONS)
DAY_FIELDS: Final = (*map(str, range(HOURS_OF_A_DAY)), *REASONS)
"""What is stored of a day: views by hour, what was filtered."""


class Day(NamedTuple):
    """One article on one day (UTC); the day is counted from 1970."""

    article: ArticleId
    day: int


Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Deltas:
    """What some beacons add to the counts, in columns, because most of the projector's time goes into these.

    Attributes:
        articles: to which the rows point by place.
        days: pairs of a place in ``articles`` and a day counted from 1970.
        totals: rows of a place in ``articles``, a place in `KINDS`, how many.
        by_day: rows of a place in ``days``, a place in `DAY_FIELDS`, how many.
        readers: for places in ``days`` the hashes of readers, 8 bytes each, little-endian.
        scores: for places in ``articles`` what the views add to the scores.
    """

    articles: Sequence[ArticleId]
    days: Sequence[tuple[int, int]]
    totals: Rows
    by_day: Rows
    readers: Sequence[tuple[int, bytes]]
    scores: Sequence[tuple[int, LogScores]]

    def day(self, place: int) -> Day:
        """The day at this place of ``days``."""
        article, day = self.days[place]
        return Day(self.articles[article], day)

    def changed(self) -> set[ArticleId | Day]:
        """Articles and days whose stored values this changes."""
        days = {self.day(place) for place in {*self.by_day[:, 0].tolist(), *(place for place, _ in self.readers)}}
        return {*days, *(day.article for day in days), *(self.articles[p] for p in self.totals[:, 0].tolist())}

    def speaks_of(self) -> set[ArticleId | Day]:
        """All articles and days of its columns."""
        return {*self.articles, *map(self.day, range(len(self.days)))}

    def lacking(self, offset: int, as_of: Mapping[ArticleId | Day, int]) -> Self:
        """What is not in restored values yet.

        Args:
            offset: of the record that this came from.
            as_of: of each article and day, the offset before which its restored value holds everything. Readers are
                kept: adding one again changes nothing.
        """
        lacks = np.array([as_of[article] <= offset for article in self.articles], np.bool_)
        day_lacks = np.array([as_of[self.day(place)] <= offset for place in range(len(self.days))], np.bool_)
        return replace(
            self,
            totals=self.totals[lacks[self.totals[:, 0]]],
            by_day=self.by_day[day_lacks[self.by_day[:, 0]]],
            scores=[(place, scores) for place, scores in self.scores if lacks[place]],
        )
