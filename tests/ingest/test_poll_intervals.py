"""When a feed is asked for again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_ingest.polling.answers import fresh_for, http_date, retry_after
from news_ingest.polling.intervals import Bounds, NextPoll, Wishes, after_answer, after_failure, skipped_until
from tests.ingest.builders import NOON

BOUNDS = Bounds(timedelta(minutes=5), timedelta(days=1), timedelta(hours=1))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

lengths = st.timedeltas(timedelta(0), timedelta(days=400))
chances = st.floats(0, 1)
moments = st.integers(10**9, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
wishes = st.builds(
    Wishes,
    at_least=lengths,
    by=st.just("ttl"),
    skip_hours=st.frozensets(st.integers(0, 23)),
    skip_days=st.frozensets(st.integers(0, 6)),
)


@st.composite
def bounds(draw: st.DrawFn) -> Bounds:
    shortest, longest = sorted([draw(st.timedeltas(timedelta(seconds=1), 3 * DAY)) for _ in range(2)])
    return Bounds(shortest, longest, draw(st.timedeltas(timedelta(0), DAY)))


def answered(
    rhythm: timedelta | None, *, changed: bool = False, by: Wishes | None = None, chance: float = 0
) -> NextPoll:
    return after_answer(rhythm, changed=changed, wishes=by or Wishes(), bounds=BOUNDS, now=NOON, chance=chance)


@given(st.none() | lengths, st.booleans(), wishes, bounds(), moments, chances)
def test_no_answer_makes_the_wait_shorter_or_longer_than_is_allowed(
    rhythm: timedelta | None, changed: bool, by: Wishes, allowed: Bounds, now: datetime, chance: float
) -> None:
    decided = after_answer(rhythm, changed=changed, wishes=by, bounds=allowed, now=now, chance=chance)
    assert allowed.shortest <= decided.wait <= allowed.longest
    assert allowed.shortest <= decided.rhythm <= allowed.longest
    assert decided.why


@given(st.none() | lengths, st.integers(1, 10_000), st.none() | lengths, bounds(), chances)
def test_no_number_of_failures_gives_a_feed_up(
    rhythm: timedelta | None, failures: int, asked: timedelta | None, allowed: Bounds, chance: float
) -> None:
    decided = after_failure(rhythm, failures=failures, retry_after=asked, bounds=allowed, chance=chance)
    assert allowed.shortest <= decided.wait <= allowed.longest
    if asked is not None and asked <= allowed.longest:
        assert decided.wait >= asked


@given(st.integers(1, 50), chances)
def test_another_failure_never_makes_the_wait_shorter(failures: int, chance: float) -> None:
    waits = [
        after_failure(None, failures=n, retry_after=None, bounds=BOUNDS, chance=chance).wait
        for n in (failures, failures + 1)
    ]
    assert waits[0] <= waits[1]


@given(lengths, chances)
def test_a_changed_feed_is_never_asked_later_than_one_that_was_not(rhythm: timedelta, chance: float) -> None:
    assert answered(rhythm, changed=True, chance=chance).wait <= answered(rhythm, chance=chance).wait


@given(st.timedeltas(20 * MINUTE, 20 * HOUR))
def test_a_feed_settles_at_a_few_polls_for_each_change(period: timedelta) -> None:
    rhythm, now, changes_seen, polls = None, NOON, 0, 0
    while now < NOON + 60 * period:
        changes = (now - NOON) // period
        decided = answered(rhythm, changed=changes > changes_seen)
        rhythm, changes_seen = decided.rhythm, changes
        now += decided.wait
        if now > NOON + 20 * period:
            polls += 1
    assert 40 <= polls <= 40 * 8


def test_hints_put_a_poll_off_and_no_further_than_allowed() -> None:
    quick = answered(10 * MINUTE, by=Wishes(40 * MINUTE, "the feed's ttl"))
    assert (quick.wait, quick.why) == (40 * MINUTE, "the feed's ttl asks for it")
    assert quick.rhythm == 12.5 * MINUTE  # and they leave the rhythm alone
    year = answered(10 * MINUTE, by=Wishes(365 * DAY, "Cache-Control"))
    assert (year.wait, year.why) == (HOUR, "Cache-Control asks for it (capped)")
    assert answered(2 * HOUR, by=Wishes(10 * MINUTE, "ttl")).wait == 2.5 * HOUR


@given(moments, st.frozensets(st.integers(0, 23)), st.frozensets(st.integers(0, 6)))
def test_skipped_hours_and_days_are_skipped_for_at_most_a_day(
    moment: datetime, hours: frozenset[int], days: frozenset[int]
) -> None:
    until = skipped_until(moment, hours, days)
    assert moment <= until <= moment + DAY
    allowed = until.hour not in hours and until.weekday() not in days
    assert allowed or until == moment
    if not allowed:  # then there is no other hour within a day either
        hourly = [moment + n * HOUR for n in range(1, 24)]
        assert all(h.hour in hours or h.weekday() in days for h in hourly)


@given(lengths, bounds(), chances, chances)
def test_chance_moves_a_poll_by_a_tenth_at_most(rhythm: timedelta, allowed: Bounds, one: float, other: float) -> None:
    waits = [
        after_answer(rhythm, changed=False, wishes=Wishes(), bounds=allowed, now=NOON, chance=chance).wait
        for chance in (one, other)
    ]
    assert max(waits) <= min(waits) * 1.12 + timedelta(microseconds=2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 2 * MINUTE),
        (" 0 ", timedelta(0)),
        ("Thu, 15 Jan 2026 12:05:00 GMT", 5 * MINUTE),
        ("Thursday, 15-Jan-26 12:05:00 GMT", 5 * MINUTE),
        ("Thu Jan 15 12:05:00 2026", 5 * MINUTE),
        ("Thu, 15 Jan 2026 11:00:00 GMT", timedelta(0)),
        ("9" * 400, 365 * DAY),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 365 * DAY),
        *((nonsense, None) for nonsense in ("", None, "soon", "-5", "1.5", "٣", "Thu, 99 Foo 2026")),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, expected: timedelta | None) -> None:
    assert retry_after(value, NOON) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"cache-control": "public, max-age=600"}, 10 * MINUTE),
        ({"cache-control": 'max-age="600"', "age": "540"}, MINUTE),
        ({"cache-control": "max-age=600", "age": "900"}, timedelta(0)),
        ({"cache-control": "no-cache, max-age=600"}, timedelta(0)),
        ({"cache-control": "max-age=600", "expires": "0"}, 10 * MINUTE),
        ({"expires": "Thu, 15 Jan 2026 12:30:00 GMT"}, 30 * MINUTE),
        ({"expires": "Thu, 15 Jan 2026 12:30:00 GMT", "date": "Thu, 15 Jan 2026 12:20:00 GMT"}, 10 * MINUTE),
        ({"expires": "-1"}, timedelta(0)),
        ({"cache-control": "max-age=" + "9" * 99}, 365 * DAY),
        ({}, timedelta(0)),
    ],
)
def test_freshness_is_read_from_cache_control_and_expires(headers: dict[str, str], expected: timedelta) -> None:
    assert fresh_for(headers, NOON) == expected


@given(st.text(max_size=60))
def test_no_header_of_a_stranger_is_an_error(text: str) -> None:
    http_date(text)
    retry_after(text, NOON)
    fresh_for({"cache-control": text, "expires": text, "age": text, "date": text}, NOON)


def test_hours_to_be_skipped_are_told_as_the_reason() -> None:
    decided = answered(10 * MINUTE, by=Wishes(skip_hours={12, 13}))
    assert NOON + decided.wait == NOON.replace(hour=14)
    assert "skipHours" in decided.why
