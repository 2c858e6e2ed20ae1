"""The vocabulary of counts: what is counted, of what, and what some records add."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, get_args

from news_shared.article_ids import ArticleId
from news_views.trending import LogScores, add_logs

Reason = Literal["bot", "prefetch", "repeat", "opted_out", "burst", "unknown"]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
"""Why a beacon is not a view; each beacon has one, the first that applies of: opted_out, bot, burst, prefetch,
unknown (the article was withdrawn), repeat."""

VIEWS: Final = "views"
HOUR_MS: Final = 3_600_000
HOURS_OF_A_DAY: Final = 24
UNDATED: Final = 0
"""The day (1970-01-01) of imported totals whose days nobody knows: totals have them, series do not."""


class Day(NamedTuple):
    """One article on one day (UTC); the day is counted from 1970."""

    article: ArticleId
    day: int


@dataclass
class Deltas:
    """What some records add to the counts.

    Attributes:
        articles: totals: ``views`` or a reason, to how many.
        days: the same by day, the views by hour: ``"0"`` to ``"23"``.
        scores: what the views add to the articles' scores; sums of floats, so equal only within rounding.
        readers: hashes of the readers of a day, each 8 bytes, little-endian.
    """

    articles: defaultdict[ArticleId, defaultdict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    days: defaultdict[Day, defaultdict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    scores: dict[ArticleId, LogScores] = field(default_factory=dict, compare=False)
    readers: defaultdict[Day, set[bytes]] = field(default_factory=lambda: defaultdict(set))

    def add_scores(self, article: ArticleId, scores: LogScores) -> None:
        """Add views of an article to its scores."""
        before = self.scores.get(article)
        self.scores[article] = scores if before is None else tuple(map(add_logs, before, scores))

    def add(self, other: "Deltas", *, offset: int, as_of: Mapping[ArticleId | Day, int]) -> None:
        """Add what a record at this offset changed, except to keys that hold it already.

        Args:
            as_of: of each key of ``other``, the offset before which it holds everything. Readers are always added:
                adding one again changes nothing.
        """
        for article, fields in other.articles.items():
            if as_of[article] <= offset:
                for name, count in fields.items():
                    self.articles[article][name] += count
                if article in other.scores:
                    self.add_scores(article, other.scores[article])
        for day, fields in other.days.items():
            if as_of[day] <= offset:
                for name, count in fields.items():
                    self.days[day][name] += count
        for day, readers in other.readers.items():
            self.readers[day] |= readers
