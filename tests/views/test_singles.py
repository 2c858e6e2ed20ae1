"""Records of one beacon, read together: the same as each read by itself, or left to that."""

from collections.abc import Sequence

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from news_shared.errors import PoisonError
from news_views.counting.counts import Deltas
from news_views.counting.events import counted_before, event_of, told_apart
from news_views.counting.partition import PartitionCounting, Rules
from news_views.counting.singles import may_be_single, read_singles
from news_views.counting.standing import Standing
from news_views.view_log import BATCH_HEADERS, Batch, Beacon, PlacedMarker, decode
from tests.views.builders import NOON_MS, LogWriter, a_beacon, a_marker, an_article

beacons = st.builds(
    Beacon,
    article=st.integers(1, 5).map(an_article),
    reader=st.integers(0, 2**64 - 1),
    former_reader=st.sampled_from((0, 0, 0, 7)),
    time_ms=st.integers(NOON_MS, NOON_MS + 3_600_000),
    flags=st.integers(0, 15),
)


def _log_of(runs: Sequence[Sequence[Beacon]]) -> list[ConsumerRecord]:
    log = LogWriter()
    for place, run in enumerate(runs):
        log.batch(run, appended_ms=NOON_MS + 600_000 * place)
    return log.records


def _known(number: int) -> Standing:
    return Standing().after(a_marker(an_article(number)), -1, 0, forget_before_ms=0)


def _plain(deltas: Deltas) -> tuple[object, ...]:
    return (
        deltas.articles,
        deltas.days,
        deltas.totals.tolist(),
        deltas.by_day.tolist(),
        deltas.readers,
        deltas.scores,
    )


@given(st.lists(beacons, min_size=1, max_size=30))
def test_columns_say_what_each_record_says(written: list[Beacon]) -> None:
    records = _log_of([[beacon] for beacon in written])
    singles = read_singles(records)
    assert singles is not None
    alone = [decode(record) for record in records]
    assert singles.offset == records[0].offset
    for place, (batch, beacon) in enumerate(zip(alone, written, strict=True)):
        assert isinstance(batch, Batch)
        assert (singles.articles[place],) == batch.articles == (beacon.article,)
        assert singles.appended_ms[place] == batch.appended_ms
        assert singles.readers[place] == beacon.reader
        assert singles.former_readers[place] == beacon.former_reader
        assert singles.times_ms[place] == batch.first_ms == beacon.time_ms
        assert singles.flags[place] == beacon.flags


@given(
    st.lists(st.lists(beacons, min_size=1, max_size=3), min_size=1, max_size=20),
    st.integers(0, 19),
    st.sets(st.integers(0, 19)),
)
def test_what_is_counted_does_not_depend_on_reading_together(
    runs: list[list[Beacon]], marked: int, set_back: set[int]
) -> None:
    log = LogWriter()
    for place, run in enumerate(runs):
        if place == marked:
            log.marker(a_marker(an_article(2), revision=2, state="withdrawn"))
        log.batch(run, appended_ms=NOON_MS + 600_000 * place - (7_200_000 if place in set_back else 0))
    known = {an_article(n): _known(n) for n in range(1, 6)}
    events = [event for record in log.records if (event := event_of(record)) is not None]
    alone = [event for record in log.records if isinstance(event := decode(record), Batch | PlacedMarker)]
    one, other = PartitionCounting(Rules()), PartitionCounting(Rules())
    together = one.count(told_apart(events, together=True)[0], dict(known))
    apart = other.count(alone, dict(known))
    assert _plain(together) == _plain(apart)
    assert (one.clock_ms, one.log_ms) == (other.clock_ms, other.log_ms)


def test_only_beacons_alone_are_read_together() -> None:
    log = LogWriter()
    log.batch([a_beacon()])
    log.batch([a_beacon(), a_beacon()])
    log.batch([a_beacon(former_reader=3)])
    log.marker(a_marker())
    assert [may_be_single(record) for record in log.records] == [True, False, True, False]


@pytest.mark.parametrize("former_reader", [0, 3], ids=["one salt", "two salts"])
@pytest.mark.parametrize(
    ("place", "byte"),
    [(3, 2), (16, 0xFF), (40, ord("Z")), (103, 5), (87, 0xFF)],
    ids=["version", "salt that is no UTF-8", "article that is no id", "another layout", "a time without end"],
)
def test_one_record_of_nonsense_leaves_all_of_them_to_be_read_alone(place: int, byte: int, former_reader: int) -> None:
    log = LogWriter()
    log.batch([a_beacon(former_reader=former_reader)])
    value = bytearray(log.records[0].value)
    value[place] = byte
    log.raw(bytes(value), BATCH_HEADERS)
    good, bad = log.records
    assert may_be_single(bad)
    assert read_singles([good, bad]) is None
    with pytest.raises(PoisonError):
        told_apart([good, bad], together=True)
    assert [type(event) for event in counted_before([good, bad])] == [Batch]  # the bad one was parked when it was met
