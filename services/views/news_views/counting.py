"""What a view is: the rules that turn the records of one partition into counts, in the order of the log.

Nothing here reads a clock or does I/O: the same log gives the same answer.
"""

from collections import defaultdict, deque
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from news_shared.article_ids import ArticleId
from news_views.counts import HOUR_MS, HOURS_OF_A_DAY, REASONS, VIEWS, Day, Deltas, Reason
from news_views.sessions import OpenSessions, article_key, session_keys
from news_views.standing import Standing
from news_views.trending import HALF_LIFE_MS, WINDOWS, LogScores
from news_views.view_log import NO_READER, Batch, Flag, PlacedMarker, State

_VIEW, _REPEAT, _UNKNOWN = 0, REASONS.index("repeat") + 1, REASONS.index("unknown") + 1
_KIND_NAMES: Final = (VIEWS, *REASONS)
_HOUR_NAMES: Final = tuple(map(str, range(HOURS_OF_A_DAY)))
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

    def keep(self, columns: "_Columns") -> None:
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
            article = columns.articles[index]
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
    """The beacons of one or several batches, in the order of the log."""

    articles: Sequence[ArticleId]
    index: _Ints
    readers: _Hashes
    former_readers: _Hashes
    times: _Ints
    clocks: _Ints  # of the partition, at each beacon
    arrivals: _Ints  # the log's time at each beacon
    kinds: _Ints  # by flags alone

    def where(self, mask: npt.NDArray[np.bool_]) -> "_Columns":
        return _Columns(
            self.articles,
            self.index[mask],
            self.readers[mask],
            self.former_readers[mask],
            self.times[mask],
            self.clocks[mask],
            self.arrivals[mask],
            self.kinds[mask],
        )


class PartitionCounting:
    """The rules, applied to one partition's log from some place on.

    Attributes:
        clock_ms: running maximum of the beacons' times; sessions are told from it.
        log_ms: running maximum of the broker's append times; the grace is told from it.
    """

    def __init__(self, rules: Rules, *, clock_ms: int = 0, log_ms: int = 0) -> None:
        self._rules = rules
        self._sessions = OpenSessions(rules.session_ms)
        self._waiting = _WaitingBeacons(rules)
        self.clock_ms = clock_ms
        self.log_ms = log_ms

    def count(
        self,
        events: Sequence[Batch | PlacedMarker],
        standings: MutableMapping[ArticleId, Standing],
        deltas: Deltas,
    ) -> None:
        """Apply records in order.

        Args:
            events: records, ascending.
            standings: of every article that occurs in them; markers change it.
            deltas: where the counts go.
        """
        for is_marker, run in groupby(events, key=lambda event: isinstance(event, PlacedMarker)):
            if is_marker:
                for placed in run:
                    assert isinstance(placed, PlacedMarker)
                    self._apply_marker(placed, standings, deltas)
            else:
                self._count_batches([event for event in run if isinstance(event, Batch)], standings, deltas)

    def _apply_marker(
        self, placed: PlacedMarker, standings: MutableMapping[ArticleId, Standing], deltas: Deltas
    ) -> None:
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
                self._tally([standing.at(placed.offset)], _columns_of(article, waited), deltas)

    def _count_batches(
        self, batches: Sequence[Batch], standings: MutableMapping[ArticleId, Standing], deltas: Deltas
    ) -> None:
        columns = self._read(batches)
        # No marker stands between these batches, so an article has one state in all of them.
        states = [standings[article].at(batches[0].offset) for article in columns.articles]
        if None in states:
            is_announced = np.array([state is not None for state in states])[columns.index]
            self._waiting.keep(columns.where(~is_announced))
            columns = columns.where(is_announced)
        self._tally(states, columns, deltas)

    def _read(self, batches: Sequence[Batch]) -> _Columns:
        counts = [batch.size for batch in batches]
        places: dict[ArticleId, int] = {}
        shifts: list[int] = []  # from a batch's own index to the common one
        bases: list[int] = []
        for batch in batches:
            bases.append(len(shifts))
            shifts += [places.setdefault(article, len(places)) for article in batch.articles]
        local = np.frombuffer(b"".join(batch.places for batch in batches), "<u2").astype(np.int64)
        index = np.array(shifts, np.int64)[local + np.repeat(np.array(bases, np.int64), counts)]
        appended = np.array([batch.appended_ms for batch in batches], np.int64)
        times = np.repeat(np.array([batch.first_ms for batch in batches], np.int64), counts)
        times += np.frombuffer(b"".join(batch.after_ms for batch in batches), "<u2")
        times = np.minimum(times, np.repeat(appended, counts))
        clocks = np.maximum(np.maximum.accumulate(times), self.clock_ms)
        arrivals = np.maximum(np.maximum.accumulate(appended), self.log_ms)
        self.clock_ms, self.log_ms = int(clocks[-1]), int(arrivals[-1])
        readers = np.frombuffer(b"".join(batch.readers for batch in batches), "<u8")
        former = np.frombuffer(b"".join(batch.former_readers or bytes(8 * batch.size) for batch in batches), "<u8")
        flags = np.frombuffer(b"".join(batch.flags for batch in batches), np.uint8)
        flags = np.where(readers == NO_READER, flags | np.uint8(Flag.OPTED_OUT), flags)  # nobody to tell a repeat from
        return _Columns(
            tuple(places),
            index,
            readers,
            former,
            times,
            clocks,
            np.repeat(arrivals, counts),
            _KIND_OF_FLAGS[flags],
        )

    def _tally(self, states: Sequence[State | None], columns: _Columns, deltas: Deltas) -> None:
        """Add beacons of announced articles; ``states`` are those of ``columns.articles``."""
        kinds = columns.kinds.copy()
        is_withdrawn = np.array([state == "withdrawn" for state in states])[columns.index]
        kinds[(kinds == _VIEW) & is_withdrawn] = _UNKNOWN
        is_countable = kinds == _VIEW
        countable = columns.where(is_countable)
        keys = np.array([article_key(article) for article in columns.articles], np.uint64)[countable.index]
        opens = self._sessions.renew(
            session_keys(keys, countable.readers),
            session_keys(keys, countable.former_readers),
            countable.former_readers != NO_READER,
            countable.clocks,
        )
        kinds[np.flatnonzero(is_countable)[~opens]] = _REPEAT
        _add_readers(countable, deltas)
        _add_counts(columns, kinds, deltas)
        is_view = kinds == _VIEW
        for place, scores in _log_scores(columns.index[is_view], columns.times[is_view]).items():
            deltas.add_scores(columns.articles[place], scores)


def _add_counts(columns: _Columns, kinds: _Ints, deltas: Deltas) -> None:
    together = columns.index << 40 | (columns.times // HOUR_MS) << 8 | kinds
    place_before = day_before = -1
    of_article = of_day = defaultdict[str, int](int)
    for key, count in zip(*(column.tolist() for column in np.unique(together, return_counts=True)), strict=True):
        place, hours, kind = key >> 40, key >> 8 & 0xFFFF_FFFF, key & 0xFF
        day, hour = divmod(hours, HOURS_OF_A_DAY)
        if place != place_before or day != day_before:  # they come sorted
            place_before, day_before = place, day
            of_article = deltas.articles[columns.articles[place]]
            of_day = deltas.days[Day(columns.articles[place], day)]
        if kind == _VIEW:
            of_article[VIEWS] += count
            of_day[_HOUR_NAMES[hour]] += count
        else:
            of_article[_KIND_NAMES[kind]] += count
            of_day[_KIND_NAMES[kind]] += count


def _log_scores(articles: _Ints, times_ms: _Ints) -> dict[int, LogScores]:
    """What views add: the logarithms of the sums of 2^(t/h), by article.

    Args:
        articles: a number for the article of each view.
        times_ms: when each view was.
    """
    if not articles.size:
        return {}
    order = np.argsort(articles, kind="stable")
    numbers, starts = np.unique(articles[order], return_index=True)
    times = times_ms[order].astype(np.float64)
    columns = [np.logaddexp2.reduceat(times / HALF_LIFE_MS[window], starts).tolist() for window in WINDOWS]
    return dict(zip(numbers.tolist(), zip(*columns, strict=True), strict=True))


def _add_readers(columns: _Columns, deltas: Deltas) -> None:
    if not columns.index.size:
        return
    together = columns.index << 32 | columns.times // (HOUR_MS * HOURS_OF_A_DAY)
    order = np.argsort(together)
    hashes = columns.readers[order].view("V8").tolist()
    days, starts = np.unique(together[order], return_index=True)
    stops = [*starts[1:].tolist(), len(hashes)]
    for key, start, stop in zip(days.tolist(), starts.tolist(), stops, strict=True):
        deltas.readers[Day(columns.articles[key >> 32], key & 0xFFFF_FFFF)].update(hashes[start:stop])


def _columns_of(article: ArticleId, waited: Sequence[_Kept]) -> _Columns:
    _, arrivals, clocks, times, readers, former_readers, kinds = zip(*waited, strict=True)
    return _Columns(
        (article,),
        np.zeros(len(waited), np.int64),
        np.array(readers, np.uint64),
        np.array(former_readers, np.uint64),
        np.array(times, np.int64),
        np.array(clocks, np.int64),
        np.array(arrivals, np.int64),
        np.array(kinds, np.int64),
    )
