"""Dates as feeds write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_ingest.formats.dates import moment_of

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("Thu, 15 Jan 2026 12:00:00 GMT", 0),
        ("Thu, 15 Jan 2026 12:00:00 +0200", -2),
        ("Thu, 15 Jan 2026 12:00:00 +02:00", -2),
        ("Thu, 15 Jan 2026 12:00:00 GMT+2", -2),
        ("Thu, 15 Jan 2026 12:00:00 UTC-05:00", 5),
        ("Thu, 15 Jan 2026 12:00:00 +0200 (EET)", -2),
        ("Thu, 15 Jan 2026 12:00:00 EET", -2),
        ("Thu, 15 Jan 2026 12:00:00 EEST", -3),
        ("Thu, 15 Jan 2026 12:00:00 msk", -3),
        ("Thu, 15 Jan 2026 12:00:00 EST", 5),
        ("Thu, 15 Jan 2026 12:00:00 PDT", 7),
        ("Thu, 15 Jan 2026 12:00:00 IST", -5.5),
        ("Thu, 15 Jan 2026 12:00:00 -0330", 3.5),
        ("Thu, 15 Jan 2026 12:00:00 Z", 0),
        ("Thu, 15 Jan 2026 12:00:00", 0),
        ("Thu, 15 Jan 2026 12:00", 0),
        ("15 Jan 2026 12:00:00 GMT", 0),
        ("15 Jan 26 12:00 EST", 5),
        ("Чт, 15 Jan 2026 12:00:00 +0200", -2),
        ("Thursday, 15 January 2026 12:00:00 GMT", 0),
        ("Thu, 15-Jan-2026 12:00:00 GMT", 0),
        ("Thu Jan 15 12:00:00 2026", 0),
        ("January 15, 2026 12:00 PM", 0),
        ("January 15, 2026 1:00 p.m.", 1),
        ("January 15, 2026 12:00 AM", -12),
        ("2026-01-15T12:00:00Z", 0),
        ("2026-01-15T12:00:00+02:00", -2),
        ("2026-01-15T12:00:00+0200", -2),
        ("2026-01-15T12:00:00+02", -2),
        ("2026-01-15T12:00:00.000000000Z", 0),
        ("2026-01-15 12:00:00 +0200", -2),
        ("2026-01-15 12:00:00", 0),
        ("2026-01-15T12:00Z", 0),
        ("20260115T120000Z", 0),
        ("20260115T120000-0500", 5),
        ("2026-01-15", -12),
        (" \n2026-01-15T12:00:00Z ", 0),
    ],
)
def test_a_date_is_read_in_its_zone(written: str, hours: float) -> None:
    assert moment_of(written) == NOON + timedelta(hours=hours)


@pytest.mark.parametrize(
    "written",
    [
        *(None, "", " ", "yesterday", "2026-13-01", "2026-02-30", "99999-01-01", "0000-00-00", "0001-01-01"),
        *("Thu, 15 Jan 99999 12:00:00 GMT", "Thu, 15 Jan 2026 25:00:00 GMT", "Thu, 15 Jan 2026 12:00:00 +9999"),
        *("1768478400", "9" * 1000, "\x00", "2026-01-15T12:00:00+99:99", "Thu, 32 Jan 2026 12:00:00 GMT", "2300-01-01"),
    ],
)
def test_what_is_no_date_of_our_time_is_none(written: str | None) -> None:
    assert moment_of(written) is None


@given(st.integers(0, 9_000_000_000_000_000))
def test_a_date_comes_back(microseconds: int) -> None:
    moment = datetime(1901, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    assert moment_of(moment.isoformat()) == moment
    assert moment_of(moment.strftime("%a, %d %b %Y %H:%M:%S +0000")) == moment.replace(microsecond=0)


@given(st.text(alphabet="0123456789-:+TZ., JanFebMSKGMT()/", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_date_or_none(written: str) -> None:
    moment = moment_of(written)
    assert moment is None or moment.tzinfo is not None
