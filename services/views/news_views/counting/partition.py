"""What a view is: the rules that turn the records of one partition into counts, in the order of the log.

Nothing here reads a clock or does I/O: the same log gives the same answer.
"""

from collections import deque
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from news_shared.article_ids import ArticleId
from news_views.counting.counts import HOUR_MS, HOURS_OF_A_DAY, REASONS, Deltas, Reason
from news_views.counting.received import Beacons, received
from news_views.counting.sessions import OpenSessions, article_key, session_keys
from news_views.counting.setbacks import Stretch, stretches
from news_views.counting.standing import Standing
from news_views.counting.trending import HALF_LIFE_MS, WINDOWS, LogScores
from news_views.view_log import NO_READER, Flag, PlacedMarker

_VIEW, _REPEAT, _UNKNOWN = 0, REASONS.index("repeat") + 1, REASONS.index("unknown") + 1
_FIRST_FLAG: Final[tuple[tuple[Flag, Reason], ...]] = (
    (Flag.OPTED_OUT, "opted_out"),
    (Flag.BOT, "bot"),
    (Flag.BURST, "burst"),
    (Flag.PREFETCH, "prefetch"),
)


def reason_of_flags(flags: int) -> Reason | None:
    """The reason that flags alone give; None when they leave the beacon countable."""
    return next((reason for flag, reason in _FIRST_FLAG if flags & flag), None)


# What flags alone decide, for each of their 256 values: 0 for countable, else 1 + index of the reason.
_KIND_OF_FLAGS = np.array(
    [0 if (reason := reason_of_flags(flags)) is None else REASONS.index(reason) + 1 for flags in range(256)],
    dtype=np.int64,
)


@dataclass(frozen=True)
class Rules:
    """The parts of the rules that an operator may set; milliseconds."""

    session_ms: int = 30 * 60_000
    grace_ms: int = 10 * 60_000
    kept_beacons: int = 50_000


class _Kept(NamedTuple):
    number: int
    arrived_ms: int  # the log's time, never less than the beacon's
    clock_ms: int
    time_ms: int
    reader: int
    former_reader: int
    kind: int  # by flags alone


class _WaitingBeacons:
    """Beacons of articles not announced yet: the newest so many, and not older than the grace.

    Which ones are here depends on the log alone, also after a restart in the middle: the bound counts arrivals, not
    what is here at the moment.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._arrived = 0
        self._by_article: dict[ArticleId, deque[_Kept]] = {}
        self._order: deque[tuple[int, ArticleId]] = deque()

    def keep(self, articles: Sequence[ArticleId], columns: "_Columns") -> None:
        for index, *rest in zip(
            columns.index.tolist(),
            columns.arrivals.tolist(),
            columns.clocks.tolist(),
            columns.times.tolist(),
            columns.readers.tolist(),
            columns.former_readers.tolist(),
            columns.kinds.tolist(),
            strict=True,
        ):
            article = articles[index]
            self._arrived += 1
            self._order.append((self._arrived, article))
            self._by_article.setdefault(article, deque()).append(_Kept(self._arrived, *rest))
            self._forget(rest[0])

    def release(self, article: ArticleId, log_ms: int) -> list[_Kept]:
        """Take those that a marker at this time of the log finds."""
        self._forget(log_ms)
        waited = self._by_article.pop(article, ())
        return [beacon for beacon in waited if log_ms - beacon.time_ms <= self._rules.grace_ms]

    def _forget(self, log_ms: int) -> None:
        oldest_number = self._arrived - self._rules.kept_beacons
        while self._order:
            number, article = self._order[0]
            beacons = self._by_article.get(article)
            if not beacons or beacons[0].number != number:  # released meanwhile
                self._order.popleft()
            elif number <= oldest_number or log_ms - beacons[0].arrived_ms > self._rules.grace_ms:
                self._order.popleft()
                beacons.popleft()
                if not beacons:
                    del self._by_article[article]
            else:
                return


_Ints = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Beacons in the order of the log."""

    index: _Ints  # of the article
    readers: _Hashes
    former_readers: _Hashes
    times: _Ints
    clocks: _Ints  # of the partition, at each beacon
    arrivals: _Ints  # the log's time at each beacon
    kinds: _Ints  # by flags and the article's state

    def where(self, mask: npt.NDArray[np.bool_]) -> "_Columns":
        return _Columns(*(column[mask] for column in self.columns()))

    def columns(self) -> Sequence[npt.NDArray[Any]]:
        return (self.index, self.readers, self.former_readers, self.times, self.clocks, self.arrivals, self.kinds)


_NO_INTS = np.zeros(0, np.int64)
_NOBODY = np.zeros(0, np.uint64)
_NONE = _Columns(_NO_INTS, _NOBODY, _NOBODY, _NO_INTS, _NO_INTS, _NO_INTS, _NO_INTS)


def _joined(parts: Sequence[_Columns]) -> _Columns:
    if len(parts) == 1:
        return parts[0]
    return _Columns(*map(np.concatenate, zip(*(part.columns() for part in (_NONE, *parts)), strict=True)))


def _withdrawn(columns: _Columns) -> _Columns:
    """Beacons of a withdrawn article: none of them is a view."""
    return replace(columns, kinds=np.where(columns.kinds == _VIEW, _UNKNOWN, columns.kinds))


class PartitionCounting:
    """The rules, applied to one partition's log from some place on.

    Attributes:
        clock_ms: running maximum of the beacons' times; sessions are told from it.
        log_ms: running maximum of the broker's append times; the grace is told from it.

    Both go back where the log does, see `setbacks`.
    """

    def __init__(self, rules: Rules, *, clock_ms: int = 0, log_ms: int = 0) -> None:
        self._rules = rules
        self._sessions = OpenSessions(rules.session_ms)
        self._waiting = _WaitingBeacons(rules)
        self.clock_ms = clock_ms
        self.log_ms = log_ms

    def count(
        self,
        events: Sequence[Beacons | PlacedMarker],
        standings: MutableMapping[ArticleId, Standing],
        *,
        is_replay: bool = False,
    ) -> Deltas:
        """Apply records in order; returns what they add to the counts.

        Args:
            events: records, ascending.
            standings: of every article that occurs in them; markers change it.
            is_replay: they lie further back in the log than what was counted last, and tell nothing of its time.
        """
        places: dict[ArticleId, int] = {}
        parts: list[_Columns] = []
        kinds: list[_Ints] = []
        for set_back_to, stretch in [Stretch(None, events)] if is_replay else stretches(events, self.log_ms):
            if set_back_to is not None:
                self._begin_anew(set_back_to)
            parts.append(_joined([*self._columns(stretch, standings, places)]))
            kinds.append(self._kinds(tuple(places), parts[-1]))
        return _deltas(tuple(places), _joined(parts), np.concatenate((_NO_INTS, *kinds)))

    def _begin_anew(self, log_ms: int) -> None:
        """Forget what was before: its times say nothing here, and who restarts beside us may not have read it."""
        self._sessions = OpenSessions(self._rules.session_ms)
        self._waiting = _WaitingBeacons(self._rules)
        self.clock_ms = self.log_ms = log_ms

    def _columns(
        self,
        events: Sequence[Beacons | PlacedMarker],
        standings: MutableMapping[ArticleId, Standing],
        places: dict[ArticleId, int],
    ) -> Iterator["_Columns"]:
        for is_marker, run in groupby(events, key=lambda event: isinstance(event, PlacedMarker)):
            if is_marker:
                for placed in run:
                    assert isinstance(placed, PlacedMarker)
                    yield from self._apply_marker(placed, standings, places)
            else:
                # No marker stands between these beacons, so an article has one state for all of them.
                beacons = [event for event in run if not isinstance(event, PlacedMarker)]
                yield from self._placed(beacons, standings, places)

    def _apply_marker(
        self, placed: PlacedMarker, standings: MutableMapping[ArticleId, Standing], places: dict[ArticleId, int]
    ) -> Iterator["_Columns"]:
        """Change the standing; beacons that waited for it come back."""
        self.log_ms = max(self.log_ms, placed.appended_ms)
        article = placed.marker.id
        standing = standings[article].after(
            placed.marker,
            placed.offset,
            self.clock_ms,
            forget_before_ms=self.clock_ms - self._rules.session_ms - self._rules.grace_ms,
        )
        standings[article] = standing
        # Not «is new»: after a restart the same log passes again, with standings that know the future.
        if standing.is_announced_at(placed.offset):
            waited = self._waiting.release(article, self.log_ms)
            if waited:
                columns = _columns_of(places.setdefault(article, len(places)), waited)
                yield columns if standing.at(placed.offset) == "known" else _withdrawn(columns)

    def _placed(
        self,
        run: Sequence[Beacons],
        standings: Mapping[ArticleId, Standing],
        places: dict[ArticleId, int],
    ) -> Iterator["_Columns"]:
        """The beacons of announced articles; the others wait."""
        columns = self._read(run, places)
        offset = run[0].offset
        states = [standings[article].at(offset) for article in places]
        if None in states:
            is_announced = np.array([state is not None for state in states])[columns.index]
            self._waiting.keep(tuple(places), columns.where(~is_announced))
            columns = columns.where(is_announced)
        if "withdrawn" in states:
            is_withdrawn = np.array([state == "withdrawn" for state in states])[columns.index]
            columns.kinds[is_withdrawn & (columns.kinds == _VIEW)] = _UNKNOWN
        yield columns

    def _read(self, run: Sequence[Beacons], places: dict[ArticleId, int]) -> "_Columns":
        beacons = received(run, places)
        times = np.minimum(beacons.times, beacons.appended)
        clocks = np.maximum(np.maximum.accumulate(times), self.clock_ms)
        arrivals = np.maximum(np.maximum.accumulate(beacons.appended), self.log_ms)
        self.clock_ms, self.log_ms = int(clocks[-1]), int(arrivals[-1])
        has_nobody = beacons.readers == NO_READER  # nobody to tell a repeat from
        flags = np.where(has_nobody, beacons.flags | np.uint8(Flag.OPTED_OUT), beacons.flags)
        return _Columns(
            beacons.index, beacons.readers, beacons.former_readers, times, clocks, arrivals, _KIND_OF_FLAGS[flags]
        )

    def _kinds(self, articles: Sequence[ArticleId], columns: "_Columns") -> "_Ints":
        """What each beacon is, a place in `KINDS`; sessions go on with those that are countable."""
        is_countable = columns.kinds == _VIEW
        countable = columns.where(is_countable)
        keys = np.fromiter(map(article_key, articles), np.uint64)[countable.index]
        opens = self._sessions.renew(
            session_keys(keys, countable.readers),
            session_keys(keys, countable.former_readers),
            countable.former_readers != NO_READER,
            countable.clocks,
        )
        kinds = columns.kinds.copy()
        kinds[np.flatnonzero(is_countable)[~opens]] = _REPEAT
        return kinds


def _deltas(articles: Sequence[ArticleId], columns: _Columns, kinds: _Ints) -> Deltas:
    """What these beacons add, each of its kind: a place in `KINDS`; readers are those of all that are countable."""
    hours = columns.times // HOUR_MS
    keys, counts = np.unique(columns.index << 40 | hours << 8 | kinds, return_counts=True)
    places, hours, kinds_of_keys = keys >> 40, keys >> 8 & 0xFFFF_FFFF, keys & 0xFF
    days, hours = np.divmod(hours, HOURS_OF_A_DAY)
    by_article_and_day = places << 32 | days
    article_days, day_places = np.unique(by_article_and_day, return_inverse=True)
    fields = np.where(kinds_of_keys == _VIEW, hours, HOURS_OF_A_DAY - 1 + kinds_of_keys)
    is_view = kinds == _VIEW
    is_countable = is_view | (kinds == _REPEAT)
    return Deltas(
        articles,
        list(zip((article_days >> 32).tolist(), (article_days & 0xFFFF_FFFF).tolist(), strict=True)),
        _summed(places << 8 | kinds_of_keys, counts),
        _summed(day_places << 8 | fields, counts),
        _readers(columns.where(is_countable), article_days),
        _log_scores(columns.index[is_view], columns.times[is_view]),
    )


def _summed(keys: _Ints, counts: _Ints) -> _Ints:
    """Rows of a key's upper bits, its lower 8 bits, and the sum of its counts."""
    order = np.argsort(keys, kind="stable")
    distinct, starts = np.unique(keys[order], return_index=True)
    sums = np.add.reduceat(counts[order], starts) if starts.size else counts
    return np.column_stack((distinct >> 8, distinct & 0xFF, sums))


def _readers(columns: _Columns, article_days: _Ints) -> list[tuple[int, bytes]]:
    """The hashes of each day's readers, by its place in ``article_days``."""
    by_article_and_day = columns.index << 32 | columns.times // (HOUR_MS * HOURS_OF_A_DAY)
    order = np.argsort(by_article_and_day)
    hashes = columns.readers[order].tobytes()
    distinct, starts = np.unique(by_article_and_day[order], return_index=True)
    bounds = [*(starts * 8).tolist(), len(hashes)]
    places: list[int] = np.atleast_1d(article_days.searchsorted(distinct)).tolist()
    return [(place, hashes[start:stop]) for place, (start, stop) in zip(places, pairwise(bounds), strict=True)]


def _log_scores(articles: _Ints, times_ms: _Ints) -> list[tuple[int, LogScores]]:
    """What views add: the logarithms of the sums of 2^(t/h), by article.

    Args:
        articles: a number for the article of each view.
        times_ms: when each view was.
    """
    if not articles.size:
        return []
    order = np.argsort(articles, kind="stable")
    numbers, starts = np.unique(articles[order], return_index=True)
    times = times_ms[order].astype(np.float64)
    columns = [np.logaddexp2.reduceat(times / HALF_LIFE_MS[window], starts).tolist() for window in WINDOWS]
    return list(zip(numbers.tolist(), zip(*columns, strict=True), strict=True))


def _columns_of(place: int, waited: Sequence[_Kept]) -> _Columns:
    _, arrivals, clocks, times, readers, former_readers, kinds = zip(*waited, strict=True)
    return _Columns(
        np.full(len(waited), place, np.int64),
        np.array(readers, np.uint64),
        np.array(former_readers, np.uint64),
        np.array(times, np.int64),
        np.array(clocks, np.int64),
        np.array(arrivals, np.int64),
        np.array(kinds, np.int64),
    )
