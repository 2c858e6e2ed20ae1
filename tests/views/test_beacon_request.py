"""What a beacon's request says; the pace of an address; who is a program."""

from datetime import UTC, date, datetime, timedelta
from time import monotonic

import pytest
from prometheus_client import CollectorRegistry

from news_shared.article_ids import article_id, partition_of
from news_shared.errors import TransientError
from news_shared.producer import open_producer
from news_shared.settings import KafkaSettings
from news_views.beacons.batches import BeaconBatches
from news_views.beacons.bots import is_bot
from news_views.beacons.bursts import Pace, Paces
from news_views.beacons.client_address import TrustedProxies, network_bytes
from news_views.beacons.intake import BeaconIntake
from news_views.beacons.metrics import BeaconMetrics
from news_views.beacons.readers import reader_hash
from news_views.beacons.request import read_article, read_headers
from news_views.beacons.rules import BeaconRules
from news_views.beacons.salts import Salt, SaltRing
from tests.testbed.backends import PARTITIONS
from tests.views.readers import BROWSER, CRAWLER

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


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
    assert paces.last_minute == (5, 4, 0)


def test_addresses_of_a_minute_are_forgotten_when_it_is_over() -> None:
    paces = Paces(burst=1, limit=2)
    paces.of(b"a", 10.0)
    paces.forget(69.0)
    assert paces.of(b"a", 69.0) is Pace.BURST
    paces.forget(70.0)
    assert paces.last_minute == (2, 2, 0)
    assert paces.of(b"a", 70.0) is Pace.COUNT


def test_beacons_of_proxies_that_do_not_say_for_whom_have_no_pace_and_are_told() -> None:
    paces = Paces(burst=1, limit=2)
    for _ in range(5):
        paces.of_proxy(10.0)
    assert paces.of(b"a", 11.0) is Pace.COUNT
    paces.of_proxy(71.0)
    assert paces.last_minute == (6, 1, 5)


def test_what_fails_and_comes_again_is_no_burst_but_may_be_refused() -> None:
    paces = Paces(burst=2, limit=6)
    for moment in (10.0, 11.0, 12.0):
        assert paces.of(b"a", moment) is Pace.COUNT
        paces.was_not_written(b"a", moment)
    paced = [paces.of(b"a", 13.0) for _ in range(4)]
    assert paced == [Pace.COUNT, Pace.COUNT, Pace.BURST, Pace.REFUSE]
    assert paces.of(b"a", 71.0) is Pace.COUNT
    paces.was_not_written(b"a", 13.0)  # of the minute before
    assert [paces.of(b"a", 72.0) for _ in range(2)] == [Pace.COUNT, Pace.BURST]


async def test_a_beacon_that_was_answered_503_and_is_sent_again_is_no_burst() -> None:
    ring = SaltRing(timedelta(minutes=31))
    ring.adopt(Salt(NOON.date(), b"s" * 32), NOON)
    paces = Paces(burst=1, limit=1000)
    headers = [(b"user-agent", BROWSER.encode())]

    async with open_producer(KafkaSettings(bootstrap="127.0.0.1:1")) as silent:
        for queue in (1000, 1000, 0):  # Kafka is away; then too many wait for it
            batches = BeaconBatches(
                silent,
                BeaconMetrics(CollectorRegistry()),
                linger=timedelta(),
                batch_beacons=1,
                queue_beacons=queue,
            )
            intake = BeaconIntake(
                batches, BeaconRules(ring, lambda: NOON), paces, TrustedProxies(""), lambda: NOON, PARTITIONS
            )
            with pytest.raises(TransientError):
                await intake.take("192.0.2.7", headers, b'{"article": "herald:ferry"}')
    assert paces.of(network_bytes("192.0.2.7"), monotonic()) is Pace.COUNT


def test_a_reader_is_nobody_without_the_salt() -> None:
    salt, other = (Salt(date(2026, 1, 15), secret) for secret in (b"1" * 32, b"2" * 32))
    assert reader_hash(salt, b"\x01", b"x") == reader_hash(salt, b"\x01", b"x")
    hashes = {reader_hash(salt, b"\x01", b"x"), reader_hash(other, b"\x01", b"x"), reader_hash(salt, b"\x02", b"x")}
    assert len(hashes) == 3
    assert all(0 < one < 2**64 for one in hashes)
    assert "1" * 8 not in salt.name
