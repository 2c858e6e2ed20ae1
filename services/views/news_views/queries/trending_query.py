"""What is rising, and what was read most: the lists of all partitions, merged.

Most read needs no lists of its own. A view counts for at most one and, at the far end of the window, for at least
2^-(age/h) in an article's decayed score, so the score bounds how often it can have been read: candidates come in the
order of their scores, and are looked up until no further one can enter the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from news_shared.article_ids import ArticleId, by_partition
from news_shared.clock import Clock, epoch_ms, from_epoch_ms
from news_shared.languages import is_in
from news_shared.projection.slots import Command, Slots
from news_views.counting.counts import HOUR_MS, HOURS_OF_A_DAY
from news_views.counting.standing import Standing
from news_views.counting.trending import (
    HALF_LIFE_MS,
    INDEXED,
    WINDOW_HOURS,
    Window,
    decayed,
    scope_asked,
)
from news_views.view_counts import ask_day, ask_standing, hour_fields, index_name, standing_found, views_found

_LOOKS = (30, 200, INDEXED)  # at each partition, the next only when the one before does not settle the answer
_LOOKED_UP_AT_ONCE = 60
_FADED = 0.01
"""A score below it, of views long ago, is not rising."""


@dataclass(frozen=True)
class Selection:
    """Which articles are asked for; a part that is None does not matter."""

    window: Window
    limit: int
    theme: str | None = None
    language: str | None = None

    def includes(self, standing: Standing) -> bool:
        """Whether an article of the list `scope_asked` names is one of them."""
        if standing.state != "known":
            return False
        return self.language is None or is_in(standing.language, [self.language])


@dataclass(frozen=True)
class Ranked:
    """One article of an answer."""

    article: ArticleId
    log_score: float
    score: float
    views: int
    standing: Standing


@dataclass(frozen=True)
class Ranking:
    """An answer, best first, ties by article id."""

    items: Sequence[Ranked]
    begin: datetime  # most read: from here on views are in it
    as_of: datetime


@dataclass(frozen=True)
class _Candidates:
    ranked: Sequence[tuple[float, ArticleId]]  # log scores, best first
    best_left_out: float | None  # nothing that is not among them has more; None: that is all
    as_of: datetime

    @property
    def surely_best(self) -> Sequence[tuple[float, ArticleId]]:
        """Those that come before everything left out."""
        if self.best_left_out is None:
            return self.ranked
        return [candidate for candidate in self.ranked if candidate[0] > self.best_left_out]


class TrendingQuery:
    """The read side of scores."""

    def __init__(self, slots: Slots, partitions: int, clock: Clock) -> None:
        self._slots = slots
        self._partitions = partitions
        self._clock = clock

    async def rising(self, selection: Selection) -> Ranking:
        """Articles by their decayed views.

        Raises:
            RebuildingError: a partition is being restored.
            TransientError: Redis is away.
        """
        now_ms = epoch_ms(self._clock())
        # Of a list that need not be sifted the best of all are among the best of each partition.
        is_sifted = selection.theme is not None and selection.language is not None
        looks = _looks(selection.limit) if is_sifted else (selection.limit,)
        at_once = max(selection.limit, _LOOKED_UP_AT_ONCE) if is_sifted else selection.limit
        for per_partition in looks:
            candidates = await self._candidates(selection, per_partition)
            ranked = candidates.ranked if per_partition == looks[-1] else candidates.surely_best
            items: list[Ranked] = []
            has_faded = False
            for start in range(0, len(ranked), at_once):
                portion = ranked[start : start + at_once]
                fresh = [(log, article) for log, article in portion if decayed(log, selection.window, now_ms) >= _FADED]
                standings = await self._look_up([article for _, article in fresh], ())
                items += [
                    Ranked(article, log, decayed(log, selection.window, now_ms), 0, standings[article][0])
                    for log, article in fresh
                    if selection.includes(standings[article][0])
                ]
                has_faded = len(fresh) < len(portion)
                if len(items) >= selection.limit or has_faded:
                    break
            if len(items) >= selection.limit or has_faded or candidates.best_left_out is None:
                break
        return Ranking(items[: selection.limit], from_epoch_ms(now_ms), candidates.as_of)

    async def most_read(self, selection: Selection) -> Ranking:
        """Articles by their views in the running hour and as many hours before it as the window has.

        Errors as in `rising`.
        """
        now_ms = epoch_ms(self._clock())
        hours = range(now_ms // HOUR_MS - WINDOW_HOURS[selection.window], now_ms // HOUR_MS + 1)
        half_life = HALF_LIFE_MS[selection.window]
        # The oldest view in the window weighs 2^-(age/h): this much more may have been read than the score says.
        stretch = (now_ms - hours[0] * HOUR_MS) / half_life - now_ms / half_life
        known: dict[ArticleId, tuple[Standing, int]] = {}
        for per_partition in _looks(selection.limit):
            candidates = await self._candidates(selection, per_partition)
            items: list[Ranked] = []
            start, at_once = 0, 2 * selection.limit
            while start < len(candidates.ranked):
                # Whoever may still enter, but not all at once: of few views everybody may.
                portion = [
                    (log, article)
                    for log, article in candidates.ranked[start : start + at_once]
                    if not _is_settled(items, selection.limit, log + stretch)
                ]
                if not portion:
                    break
                known |= await self._look_up([article for _, article in portion if article not in known], hours)
                items += [
                    Ranked(article, log, decayed(log, selection.window, now_ms), known[article][1], known[article][0])
                    for log, article in portion
                    if known[article][1] and selection.includes(known[article][0])
                ]
                items.sort(key=lambda item: (-item.views, item.article))
                del items[selection.limit :]
                start, at_once = start + at_once, max(selection.limit, _LOOKED_UP_AT_ONCE)
            left_out = candidates.best_left_out
            if left_out is None or _is_settled(items, selection.limit, left_out + stretch):
                break
        return Ranking(items, from_epoch_ms(hours[0] * HOUR_MS), candidates.as_of)

    async def _candidates(self, selection: Selection, per_partition: int) -> _Candidates:
        name = index_name(selection.window, scope_asked(selection.theme, selection.language))
        question = partial(_ask_best, name, per_partition)
        answers = (await self._slots.ask(dict.fromkeys(range(self._partitions), question))).values()
        ranked: list[tuple[float, ArticleId]] = []
        left_out: list[float] = []
        for answer in answers:
            [flat] = answer.results
            best = [
                (-float(score), ArticleId(article.decode()))
                for article, score in zip(flat[::2], flat[1::2], strict=True)
            ]
            ranked += best
            if len(best) == per_partition:
                left_out.append(best[-1][0])
        ranked.sort(key=lambda candidate: (-candidate[0], candidate[1]))
        return _Candidates(ranked, max(left_out, default=None), min(answer.as_of for answer in answers))

    async def _look_up(
        self, articles: Sequence[ArticleId], hours: Sequence[int]
    ) -> dict[ArticleId, tuple[Standing, int]]:
        """Of each article its standing and its views in these hours (since 1970)."""
        by_day: dict[int, list[int]] = {}
        for hour in hours:
            by_day.setdefault(hour // HOURS_OF_A_DAY, []).append(hour % HOURS_OF_A_DAY)
        asked = by_partition(articles, self._partitions)
        answers = await self._slots.ask(
            {partition: partial(_ask_articles, wanted, list(by_day)) for partition, wanted in asked.items()}
        )
        fields = [hour_fields(hours_of_day) for hours_of_day in by_day.values()]
        found: dict[ArticleId, tuple[Standing, int]] = {}
        for partition, wanted in asked.items():
            results = iter(answers[partition].results)
            standings = [standing_found(next(results)) for _ in wanted]
            for article, standing in zip(wanted, standings, strict=True):
                found[article] = standing, sum(views_found(next(results), of_day) for of_day in fields)
        return found


def _looks(limit: int) -> Sequence[int]:
    """How many candidates are taken from each partition, one look after the other."""
    return sorted({max(limit, look) for look in _LOOKS})


def _is_settled(items: Sequence[Ranked], limit: int, log_bound: float) -> bool:
    """Whether the answer is full and nothing that was read less than 2^bound times can enter it."""
    return len(items) >= limit and items[limit - 1].views > 2.0 ** min(1000.0, log_bound + 1e-6)


def _ask_best(name: str, count: int, prefix: str) -> list[Command]:
    return [("ZRANGE", prefix + name, 0, count - 1, "WITHSCORES")]


def _ask_articles(articles: Sequence[ArticleId], days: Sequence[int], prefix: str) -> list[Command]:
    standings = [ask_standing(prefix, article) for article in articles]
    return standings + [ask_day(prefix, article, day) for article in articles for day in days]
