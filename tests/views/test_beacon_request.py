"""What a beacon's request says; the pace of an address; who is a program."""

from datetime import date

import pytest

from news_shared.article_ids import article_id, partition_of
from news_views.beacons.bots import is_bot
from news_views.beacons.bursts import Pace, Paces
from news_views.beacons.readers import reader_hash
from news_views.beacons.request import read_article, read_headers
from news_views.beacons.salts import Salt
from tests.views.readers import BROWSER, CRAWLER


@pytest.mark.parametrize(
    ("name", "value", "is_prefetch", "is_opted_out"),
    [
        (b"sec-purpose", b"prefetch", True, False),
        (b"sec-purpose", b"prefetch;prerender", True, False),
        (b"purpose", b"Prefetch", True, False),
        (b"x-moz", b"prefetch", True, False),
        (b"purpose", b"navigate", False, False),
        (b"sec-gpc", b"1", False, True),
        (b"dnt", b" 1", False, True),
        (b"dnt", b"0", False, False),
        (b"accept", b"prefetch", False, False),
    ],
)
def test_browsers_say_what_is_no_view(name: bytes, value: bytes, is_prefetch: bool, is_opted_out: bool) -> None:
    said = read_headers([(b"user-agent", BROWSER.encode()), (name, value)])
    assert (said.is_prefetch, said.is_opted_out) == (is_prefetch, is_opted_out)


def test_several_forwarded_for_headers_are_one_chain() -> None:
    said = read_headers([(b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-for", b"10.0.0.1")])
    assert said.forwarded_for == "192.0.2.1,10.0.0.1"


@pytest.mark.parametrize(
    "name", ["herald:ferry", str(article_id("herald", "ferry")), article_id("herald", "ferry").upper()]
)
def test_an_article_is_named_by_our_id_or_by_its_sources(name: str) -> None:
    article = article_id("herald", "ferry")
    assert read_article(b"", b'{"article": "%s"}' % name.encode(), 12) == (article, partition_of(article, 12))


def test_programs_say_who_they_are_and_browsers_are_none() -> None:
    assert is_bot(CRAWLER)
    assert is_bot("curl/8.5.0")
    assert is_bot(" ")
    assert not is_bot(BROWSER)


def test_beyond_one_bound_beacons_are_a_burst_and_beyond_the_other_refused_until_the_minute_is_over() -> None:
    paces = Paces(burst=2, limit=3)
    paced = [paces.of(b"a", 10.0) for _ in range(4)] + [paces.of(b"b", 11.0), paces.of(b"a", 71.0)]
    assert paced == [Pace.COUNT, Pace.COUNT, Pace.BURST, Pace.REFUSE, Pace.COUNT, Pace.COUNT]
    assert paces.last_minute == (5, 4)


def test_a_reader_is_nobody_without_the_salt() -> None:
    salt, other = (Salt(date(2026, 1, 15), secret) for secret in (b"1" * 32, b"2" * 32))
    assert reader_hash(salt, b"\x01", b"x") == reader_hash(salt, b"\x01", b"x")
    hashes = {reader_hash(salt, b"\x01", b"x"), reader_hash(other, b"\x01", b"x"), reader_hash(salt, b"\x02", b"x")}
    assert len(hashes) == 3
    assert all(0 < one < 2**64 for one in hashes)
    assert "1" * 8 not in salt.name
