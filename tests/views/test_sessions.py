"""The table of open sessions against plain dictionaries: they agree on every beacon of any sequence."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from news_views.counting.sessions import OpenSessions, article_key, session_keys
from tests.testbed.effort import often
from tests.views.builders import an_article
from tests.views.plain_sessions import PlainSessions

SESSION_MS = 1000
ARTICLES = [an_article(n) for n in range(3)]
Touch = tuple[int, int, int, int]  # article, reader, former reader, clock

steps = st.sampled_from([0, 0, 0, 1, 10, SESSION_MS - 1, SESSION_MS, SESSION_MS + 1, 5 * SESSION_MS, 10**12])
touches = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from([0, 0, 1, 2, 3, 11]), steps), max_size=60
)


def renewed(sessions: OpenSessions, portion: Sequence[Touch]) -> list[bool]:
    keys = np.array([article_key(ARTICLES[article]) for article, *_ in portion], np.uint64)
    readers = np.array([reader for _, reader, _, _ in portion], np.uint64)
    former = np.array([former for _, _, former, _ in portion], np.uint64)
    clocks = np.array([clock for *_, clock in portion], np.int64)
    opened = sessions.renew(session_keys(keys, readers), session_keys(keys, former), former != 0, clocks)
    return [bool(one) for one in opened]


@settings(max_examples=often(400), deadline=None)
@given(touches, st.lists(st.integers(1, 20)))
def test_any_sequence_in_any_portions_opens_the_same_sessions(drawn: list[Touch], portions: list[int]) -> None:
    clock, sequence = 0, []
    for article, reader, former, step in drawn:
        clock += step
        sequence.append((article, reader, former, clock))
    plain, table = PlainSessions(SESSION_MS), OpenSessions(SESSION_MS)
    expected = [plain.renew(ARTICLES[article], reader, former, at) for article, reader, former, at in sequence]
    found: list[bool] = []
    for size in [*portions, len(sequence)]:
        found += renewed(table, sequence[len(found) : len(found) + size])
    assert found == expected


def test_a_beacon_that_waited_and_comes_last_with_an_older_clock_forgets_nobody() -> None:
    table, at = OpenSessions(SESSION_MS), 10 * SESSION_MS
    assert renewed(table, [(0, 1, 0, at), (0, 3, 0, at + 900), (1, 2, 0, at + 500)]) == [True, True, True]
    assert renewed(table, [(0, 3, 0, at + SESSION_MS + 600)]) == [False]


@settings(max_examples=often(20), deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4000))
def test_thousands_of_readers_in_growing_tables_open_the_same_sessions(seed: int, portion: int) -> None:
    random = np.random.default_rng(seed)
    count = 12_000
    clocks = np.sort(random.integers(0, 5 * SESSION_MS, count)).tolist()
    readers = (random.integers(1, 4000, count, dtype=np.uint64) << np.uint64(40)).tolist()  # high bits only
    former = np.where(random.random(count) < 0.02, random.integers(1, 4000, count), 0).tolist()
    sequence = list(zip(random.integers(0, 3, count).tolist(), readers, former, clocks, strict=True))
    plain, table = PlainSessions(SESSION_MS), OpenSessions(SESSION_MS)
    expected = [plain.renew(ARTICLES[article], reader, other, at) for article, reader, other, at in sequence]
    found: list[bool] = []
    while len(found) < count:
        found += renewed(table, sequence[len(found) : len(found) + portion])
    assert found == expected


def test_sessions_that_cannot_matter_any_more_are_forgotten() -> None:
    sessions = OpenSessions(SESSION_MS)
    for clock in range(0, 100_000, 10):
        renewed(sessions, [(0, clock + 1, 0, clock)])
    assert sessions.entries <= 201


def test_an_open_session_takes_at_most_fifty_bytes() -> None:
    sessions = OpenSessions(SESSION_MS)
    for start in range(1, 300_001, 2000):
        readers = np.arange(start, start + 2000, dtype=np.uint64)
        sessions.renew(readers, readers, np.zeros(2000, np.bool_), np.zeros(2000, np.int64))
        if sessions.entries > 10_000:
            assert sessions.nbytes <= 50 * sessions.entries
