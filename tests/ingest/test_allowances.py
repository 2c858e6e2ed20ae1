"""Allowances of keys: a minute's worth at once, then what comes back; exact waits; bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_ingest.allowances import Allowances
from news_ingest.key_limits import KeyLimits
from news_shared.api_keys import Caller
from news_shared.problems import ProblemError

KEY = Caller("s", False, "k")


def test_a_minute_is_had_at_once_and_comes_back_evenly() -> None:
    allowances = Allowances()
    assert allowances.take("k", 60, 50, 0.0) == 50
    assert allowances.take("k", 60, 50, 0.0) == 10
    assert allowances.take("k", 60, 1, 0.5) == 0
    assert allowances.wait("k", 60, 1, 0.5) == 1
    assert allowances.take("k", 60, 5, 3.0) == 3
    assert allowances.take("other", 60, 60, 3.0) == 60
    assert allowances.take("k", 60, 100, 1000.0) == 60


def test_a_smaller_limit_than_what_was_used_grants_nothing_until_it_fits() -> None:
    allowances = Allowances()
    allowances.take("k", 600, 600, 0.0)
    assert allowances.take("k", 60, 1, 0.0) == 0
    assert allowances.take("k", 60, 1, 542.0) == 2 - 1


@given(
    st.integers(1, 500),
    st.lists(st.tuples(st.floats(0, 90), st.integers(0, 700)), max_size=30),
)
def test_no_minute_has_more_than_two_allowances_and_a_wait_is_enough(
    per_minute: int, moves: list[tuple[float, int]]
) -> None:
    allowances, now = Allowances(), 0.0
    granted: list[tuple[float, int]] = []
    for pause, wanted in moves:
        now += pause
        got = allowances.take("k", per_minute, wanted, now)
        assert 0 <= got <= wanted
        granted.append((now, got))
        assert sum(count for at, count in granted if at > now - 60) <= 2 * per_minute
        if got < wanted:
            now += allowances.wait("k", per_minute, 1, now)
            assert allowances.take("k", per_minute, 1, now) == 1
            granted.append((now, 1))


def test_memory_is_that_of_the_keys_of_the_last_minute() -> None:
    allowances = Allowances()
    for n in range(25_000):
        allowances.take(f"k{n}", 60, 1, n * 0.01)
    assert len(allowances) <= 10_000


def test_a_document_over_the_limit_uses_nothing_of_it() -> None:
    now = [0.0]
    limits = KeyLimits(requests=5, articles=10, monotonic=lambda: now[0])
    limits.articles(KEY, 8)
    with pytest.raises(ProblemError) as refused:
        limits.articles(KEY, 5)
    assert (refused.value.problem.status, refused.value.headers) == (429, {"Retry-After": "18"})
    limits.articles(KEY, 2)
    with pytest.raises(ProblemError) as too_large:
        limits.articles(KEY, 11)
    assert too_large.value.problem.status == 413
    now[0] = 18.0
    limits.articles(KEY, 3)


def test_a_key_may_have_limits_of_its_own_and_the_admin_has_none() -> None:
    limits = KeyLimits(requests=1, articles=1, monotonic=lambda: 0.0)
    wide = Caller("s", False, "wide", requests_per_minute=3, articles_per_minute=4)
    for _ in range(3):
        limits.request(wide)
    limits.articles(wide, 4)
    for caller in (wide, KEY, Caller("other", False, "k")):
        if caller is not wide:
            limits.request(caller)
        with pytest.raises(ProblemError):
            limits.request(caller)
    for _ in range(10):
        limits.request(Caller(None, True, "admin"))
        limits.articles(Caller(None, True, "admin"), 1000)
