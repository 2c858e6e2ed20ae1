"""What one atomic call does to the read model: steps that are collected here and carried out in Lua (`apply`)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import msgpack
import numpy as np

from news_shared.article_ids import ArticleId
from news_shared.projection.contract import Effects
from news_views.changelog import ArticleCounts, DayCounts, Imported, PartitionProgress, day_text
from news_views.counting.counts import DAY_FIELDS, KINDS, REASONS, VIEWS, Day, Deltas, Reason
from news_views.counting.standing import Standing
from news_views.counting.trending import WINDOWS, scopes_of
from news_views.view_counts import (
    ARTICLE,
    DAY,
    LOG_FIELDS,
    SKETCH,
    STANDING_FIELDS,
    STATE_FIELD,
    TOTALS,
    Clocks,
    article_name,
    day_name,
    import_field,
    index_name,
    readers_name,
    sketch_name,
    written_fields,
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
