"""The rules against the oracle: on any log, in any portions, through any restart."""

import dataclasses
import struct
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np
from aiokafka import ConsumerRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from news_shared.article_ids import ArticleId
from news_views.changelog import day_text
from news_views.counting.counts import DAY_FIELDS, KINDS, REASONS, Day, Deltas
from news_views.counting.partition import PartitionCounting, Rules
from news_views.counting.standing import Standing
from news_views.view_log import Batch, Beacon, Flag, PlacedMarker, decode
from tests.testbed.effort import often
from tests.views.builders import MINUTE_MS, NOON_MS, LogWriter, a_beacon, a_marker, an_article
from tests.views.oracle import Oracle, Tally

HALF_LIVES_MS = (30 * MINUTE_MS, 12 * 60 * MINUTE_MS, 84 * 60 * MINUTE_MS)
DAY_MS = 24 * 60 * MINUTE_MS
RULES = Rules(session_ms=30 * MINUTE_MS, grace_ms=10 * MINUTE_MS, kept_beacons=5)


Counts = dict[str, int]


@dataclass
class Counted:
    """The outcome of the service's rules, in the shape of the oracle's."""

    standings: dict[ArticleId, Standing]
    totals: dict[ArticleId, Counts] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    days: dict[Day, Counts] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    readers: dict[Day, set[int]] = field(default_factory=lambda: defaultdict(set))
    scores: dict[ArticleId, list[float]] = field(default_factory=dict)

    def add(self, deltas: Deltas) -> None:
        for place, kind, count in deltas.totals.tolist():
            self.totals[deltas.articles[place]][KINDS[kind]] += count
        for place, name, count in deltas.by_day.tolist():
            self.days[deltas.day(place)][DAY_FIELDS[name]] += count
        for place, hashes in deltas.readers:
            self.readers[deltas.day(place)] |= set(struct.unpack(f"<{len(hashes) // 8}Q", hashes))
        for place, scores in deltas.scores:
            before = self.scores.get(deltas.articles[place], [-inf] * len(scores))
            self.scores[deltas.articles[place]] = [
                float(np.logaddexp2(one, other)) for one, other in zip(before, scores, strict=True)
            ]

    def tally(self, article: ArticleId) -> Tally:
        standing, totals = self.standings[article], self.totals[article]
        tally = Tally(standing.state, standing.revision, standing.language, standing.themes, totals["views"])
        tally.filtered = {reason: totals[reason] for reason in REASONS if totals[reason]}
        for (of, number), fields in self.days.items():
            day = day_text(number)
            if of == article:
                tally.hours |= {(day, int(hour)): count for hour, count in fields.items() if hour.isdigit() and count}
                tally.filtered_by_day |= {
                    (day, reason): count for reason, count in fields.items() if not reason.isdigit() and count
                }
        tally.readers = {day_text(day.day): readers for day, readers in self.readers.items() if day.article == article}
        return tally


class Service:
    """What the projection does around the rules, without Kafka and Redis."""

    def __init__(self, records: Sequence[ConsumerRecord]) -> None:
        self.events = [event for event in map(decode, records) if isinstance(event, Batch | PlacedMarker)]
        self.counting = PartitionCounting(RULES)
        self.counted = Counted({an_article(n): Standing() for n in range(1, 4)})

    def apply(self, portions: Sequence[int]) -> Counted:
        events = list(self.events)
        for size in portions:
            portion, events = events[:size], events[size:]
            if portion:
                self.count(portion)
        if events:
            self.count(events)
        return self.counted

    def count(self, events: Sequence[Batch | PlacedMarker]) -> Deltas:
        deltas = self.counting.count(events, self.counted.standings)
        self.counted.add(deltas)
        return deltas

    def restart(self, done: Sequence[Batch | PlacedMarker]) -> None:
        """Forget everything in the process and look back as far as the projection does."""
        clock_ms, log_ms = self.counting.clock_ms, self.counting.log_ms
        looks_back_to = min(clock_ms - RULES.session_ms, log_ms - RULES.grace_ms)
        start = next((k for k, event in enumerate(done) if event.appended_ms >= looks_back_to), len(done))
        self.counting = PartitionCounting(RULES)
        standings = dict(self.counted.standings)
        if done[start:]:
            self.counting.count(done[start:], standings)
        assert standings == self.counted.standings
        self.counting.clock_ms, self.counting.log_ms = clock_ms, log_ms


beacons = st.builds(
    Beacon,
    article=st.sampled_from([an_article(1), an_article(2), an_article(3)]),
    reader=st.integers(0, 4),
    former_reader=st.sampled_from([0, 0, 0, 1, 2, 11]),
    time_ms=st.integers(NOON_MS, NOON_MS + 3000),
    flags=st.sampled_from([0, 0, 0, 0, 0, 0, Flag.BOT, Flag.PREFETCH, Flag.OPTED_OUT, Flag.BURST, 3, 9, 15]),
)


@st.composite
def logs(draw: st.DrawFn) -> list[ConsumerRecord]:
    """Hours of a partition, in steps; clocks of the senders run behind and ahead of the broker's, which may be set."""
    log = LogWriter()
    now_ms = NOON_MS
    for _ in range(draw(st.integers(1, 14))):
        now_ms += draw(st.sampled_from([0, 1000, MINUTE_MS, 9 * MINUTE_MS, 30 * MINUTE_MS, 45 * MINUTE_MS]))
        if draw(st.integers(0, 6)) == 0:
            now_ms += draw(st.sampled_from([DAY_MS, -DAY_MS, -62 * MINUTE_MS, -58 * MINUTE_MS]))
        appended_ms = now_ms + draw(st.sampled_from([0, 0, 0, -MINUTE_MS]))
        if draw(st.integers(0, 3)) == 0:
            marker = a_marker(
                an_article(draw(st.integers(1, 3))),
                revision=draw(st.integers(1, 6)),
                state=draw(st.sampled_from(["known", "known", "withdrawn"])),
                themes=draw(st.sampled_from([(), ("Port",)])),
            )
            log.marker(marker, appended_ms=appended_ms)
        else:
            lag_ms = draw(st.sampled_from([0, 0, 0, 60_000, -2 * MINUTE_MS]))
            shift = now_ms - NOON_MS - lag_ms
            chosen = draw(st.lists(beacons, min_size=1, max_size=6))
            log.batch(
                [
                    Beacon(
                        b.article, b.reader, b.former_reader, NOON_MS + shift + (b.time_ms - NOON_MS) % 3000, b.flags
                    )
                    for b in chosen
                ],
                appended_ms=appended_ms,
            )
    return log.records


def plain(tally: Tally) -> Tally:
    return Tally(
        tally.state,
        tally.revision,
        tally.language,
        tally.themes,
        tally.views,
        dict(tally.filtered),
        dict(tally.hours),
        dict(tally.filtered_by_day),
        readers={day: readers for day, readers in tally.readers.items() if readers},
    )


def assert_equal_to_the_oracle(counted: Counted, records: Sequence[ConsumerRecord]) -> None:
    oracle = Oracle(session_ms=RULES.session_ms, grace_ms=RULES.grace_ms, kept=RULES.kept_beacons).read(records)
    announced = {article for article, standing in counted.standings.items() if standing.state is not None}
    assert announced == set(oracle.articles)
    for article in announced:
        assert plain(counted.tally(article)) == plain(oracle.articles[article])
        scores = counted.scores.get(article, [])
        assert bool(scores) == bool(oracle.articles[article].views)
        for score, half_life_ms in zip(scores, HALF_LIVES_MS, strict=False):
            assert abs(score - oracle.articles[article].log_score(half_life_ms)) < 1e-6
    assert not {day.article for day in counted.days} - announced


@settings(max_examples=often(150), deadline=None)
@given(logs(), st.lists(st.integers(1, 4)))
def test_any_log_in_any_portions_counts_as_the_oracle_says(records: list[ConsumerRecord], portions: list[int]) -> None:
    assert_equal_to_the_oracle(Service(records).apply(portions), records)


@settings(max_examples=often(150), deadline=None)
@given(logs(), st.sets(st.integers(0, 13)))
def test_restarts_anywhere_change_nothing(records: list[ConsumerRecord], restarts: set[int]) -> None:
    service = Service(records)
    for place, event in enumerate(service.events):
        if place in restarts:
            service.restart(service.events[:place])
        service.count([event])
    assert_equal_to_the_oracle(service.counted, records)


@settings(max_examples=often(80), deadline=None)
@given(logs(), st.data())
def test_a_replay_over_restored_counts_adds_only_what_they_lack(
    records: list[ConsumerRecord], data: st.DataObject
) -> None:
    """Each key was written to the changelog at its own offset; the log is read again from W, before all of them."""
    begin = data.draw(st.integers(0, len(records)), label="W")
    undisturbed = Service(records).apply([])
    keys: list[ArticleId | Day] = [*undisturbed.standings, *undisturbed.days]
    as_of = {key: data.draw(st.integers(begin, len(records)), label=str(key)) for key in keys}
    per_record = _deltas_by_record(records)

    restored = Counted(undisturbed.standings)
    for offset, deltas in per_record:
        is_restored = {key: 0 if offset < as_of[key] else offset + 1 for key in keys}
        restored.add(deltas.lacking(offset, is_restored))
    restored.readers.clear()  # of some a record before W has the last: they come with the sketch
    for offset, deltas in per_record:
        lacks = as_of if offset >= begin else dict.fromkeys(keys, offset + 1)
        restored.add(deltas.lacking(offset, lacks))

    assert_equal_to_the_oracle(restored, records)


def _deltas_by_record(records: Sequence[ConsumerRecord]) -> list[tuple[int, Deltas]]:
    service = Service(records)
    return [(event.offset, service.count([event])) for event in service.events]


@settings(max_examples=often(80), deadline=None)
@given(logs(), st.integers(0, 13))
def test_a_replay_with_standings_that_know_the_future_decides_as_before(
    records: list[ConsumerRecord], begin: int
) -> None:
    """After a restore an article's standing may be newer than the place of the log that is read again."""
    service = Service(records)
    undisturbed = Service(records).apply([])
    for event in service.events[:begin]:
        service.count([event])
    future = {
        article: standing if standing.state is not None else service.counted.standings[article]
        for article, standing in undisturbed.standings.items()
    }
    service.counted.standings = future
    for event in service.events[begin:]:
        service.count([event])
    assert dataclasses.replace(service.counted, scores={}) == dataclasses.replace(undisturbed, scores={})


def _count(log: LogWriter) -> Counted:
    return Service(log.records).apply([])


def _known(log: LogWriter | None = None) -> LogWriter:
    log = log or LogWriter()
    log.marker(a_marker())
    return log


def _filtered(counted: Counted) -> dict[str, int]:
    return dict(counted.tally(an_article()).filtered)


def test_a_reader_counts_again_when_the_session_is_over_and_not_before() -> None:
    log = _known()
    for minutes in (0, 29, 58, 88):  # the third comes 29 minutes after the second; the fourth 30 after the third
        log.batch([a_beacon(time_ms=NOON_MS + minutes * MINUTE_MS)])
    assert _count(log).tally(an_article()).views == 2
    assert _filtered(_count(log)) == {"repeat": 2}


def test_neither_a_bot_nor_a_prefetch_hides_the_real_view_that_follows() -> None:
    log = _known()
    log.batch([a_beacon(flags=Flag.PREFETCH), a_beacon(flags=Flag.BOT), a_beacon()])
    assert _count(log).tally(an_article()).views == 1
    assert _filtered(_count(log)) == {"prefetch": 1, "bot": 1}


def test_who_opted_out_is_counted_as_nothing_else() -> None:
    log = _known()
    log.batch([a_beacon(reader=0, flags=Flag.OPTED_OUT | Flag.BOT | Flag.PREFETCH), a_beacon(reader=0)])
    counted = _count(log)
    assert _filtered(counted) == {"opted_out": 2}
    assert not counted.tally(an_article()).readers


def test_a_reader_is_the_same_across_a_change_of_salts() -> None:
    log = _known()
    log.batch([a_beacon(reader=1, time_ms=NOON_MS)])
    log.batch([a_beacon(reader=2, former_reader=1, time_ms=NOON_MS + MINUTE_MS)])
    log.batch([a_beacon(reader=1, time_ms=NOON_MS + 2 * MINUTE_MS)])  # a process that has not changed yet
    assert _count(log).tally(an_article()).views == 1


def test_beacons_of_the_ten_minutes_before_the_article_was_known_count() -> None:
    log = LogWriter()
    log.batch([a_beacon(reader=1, time_ms=NOON_MS - 11 * MINUTE_MS)])
    log.batch([a_beacon(reader=2, time_ms=NOON_MS - 10 * MINUTE_MS), a_beacon(reader=2, time_ms=NOON_MS)])
    _known(log)
    assert _count(log).tally(an_article()).views == 1
    assert _filtered(_count(log)) == {"repeat": 1}


def test_beacons_of_articles_that_nobody_announces_are_forgotten_one_by_one() -> None:
    log = LogWriter()
    log.batch([a_beacon(an_article(2), reader=reader) for reader in range(1, 4)])
    log.batch([a_beacon(an_article(3), reader=reader) for reader in range(1, 5)])  # of seven the newest five are kept
    log.marker(a_marker(an_article(2)))
    assert _count(log).tally(an_article(2)).views == 1


def test_a_withdrawn_article_stops_counting_until_it_is_restored() -> None:
    log = _known()
    log.batch([a_beacon(reader=1)])
    log.marker(a_marker(revision=2, state="withdrawn"))
    log.batch([a_beacon(reader=2), a_beacon(reader=3, flags=Flag.BOT)])
    log.marker(a_marker(revision=1))  # an older marker, delivered again
    log.batch([a_beacon(reader=4)])
    log.marker(a_marker(revision=3))
    log.batch([a_beacon(reader=1), a_beacon(reader=5)])
    assert _count(log).tally(an_article()).views == 2
    assert _filtered(_count(log)) == {"unknown": 2, "bot": 1, "repeat": 1}


def test_a_sender_whose_clock_runs_ahead_does_not_move_the_partitions_clock_beyond_the_brokers() -> None:
    log = _known()
    log.batch([a_beacon(reader=1)])
    log.batch([a_beacon(reader=2, time_ms=NOON_MS + 99 * MINUTE_MS)], appended_ms=NOON_MS)
    log.batch([a_beacon(reader=1, time_ms=NOON_MS + MINUTE_MS)])
    assert _count(log).tally(an_article()).views == 2


def test_the_series_has_the_beacons_own_hour() -> None:
    log = _known()
    late = NOON_MS + 13 * 60 * MINUTE_MS
    log.batch([a_beacon(reader=1, time_ms=late)])
    log.batch([a_beacon(reader=2, time_ms=NOON_MS)], appended_ms=late)
    assert _count(log).tally(an_article()).hours == {("2026-01-16", 1): 1, ("2026-01-15", 12): 1}


def test_once_a_brokers_clock_that_was_ahead_is_right_readers_who_come_back_count() -> None:
    log = _known()
    log.batch([a_beacon(reader=1)])
    log.batch([a_beacon(reader=2, time_ms=NOON_MS + DAY_MS)])
    for hours in (1, 2, 3):
        log.batch([a_beacon(reader=1, time_ms=NOON_MS + hours * 60 * MINUTE_MS)])
    log.batch([a_beacon(an_article(2), reader=1, time_ms=NOON_MS + 185 * MINUTE_MS)])
    log.marker(a_marker(an_article(2)), appended_ms=NOON_MS + 190 * MINUTE_MS)
    assert _count(log).tally(an_article()).views == 5
    assert _count(log).tally(an_article(2)).views == 1


def test_a_marker_too_says_that_the_clock_is_right_again() -> None:
    log = _known()
    log.batch([a_beacon(an_article(2), reader=2, time_ms=NOON_MS + DAY_MS)])
    log.marker(a_marker(an_article(2)), appended_ms=NOON_MS)  # what waited is of a time that never was
    service = Service(log.records)
    assert service.apply([]).tally(an_article(2)).views == 0
    assert service.counting.clock_ms == service.counting.log_ms == NOON_MS


def test_brokers_that_differ_by_less_than_an_hour_close_no_session() -> None:
    log = _known()
    log.batch([a_beacon(time_ms=NOON_MS + 59 * MINUTE_MS)])
    log.batch([a_beacon(time_ms=NOON_MS)])
    assert _count(log).tally(an_article()).views == 1


def test_a_parked_record_that_is_applied_again_later_sets_no_clock_back() -> None:
    log = _known()
    log.batch([a_beacon(reader=2)])  # parked, and applied a day later
    log.batch([a_beacon(reader=1, time_ms=NOON_MS + DAY_MS)])
    service = Service(log.records)
    marker, parked, last = service.events
    service.count([marker])
    service.count([last])
    service.counted.add(service.counting.count([parked], service.counted.standings, is_replay=True))
    assert service.counting.clock_ms == NOON_MS + DAY_MS
    log.batch([a_beacon(reader=1, time_ms=NOON_MS + DAY_MS + MINUTE_MS)])
    service.count(Service(log.records).events[3:])
    assert service.counted.tally(an_article()).views == 2
