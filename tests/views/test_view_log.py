"""The wire format of ``news.views``: what goes in comes out, golden bytes decode for ever, nonsense is poison."""

import base64

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_shared.errors import PoisonError
from news_views.view_log import BATCH_HEADERS, MARKER_HEADERS, Batch, Beacon, PlacedMarker, decode, encode_batch
from tests.views.builders import NOON_MS, LogWriter, a_beacon, a_marker, an_article
from tests.views.oracle import Oracle

GOLDEN_BATCH = base64.b64decode(
    "iaF2AaFuAqFzrzIwMjYtMDEtMTUuYWJjZKFhkdkkMGI2ZjFhNTItM2YwZS01YzVlLTlhNDEtNWExZDVjMWYyYjExoWnEBAAAAACh"
    "dcQQAQAAAAAAAAACAAAAAAAAAKF0zwAAAZvBhowAoW/EBAAABQChZsQCAAE="
)
"""Version 1 as it was first written."""

times = st.integers(NOON_MS, NOON_MS + 60_000)
beacon_lists = st.lists(
    st.builds(
        Beacon,
        article=st.integers(1, 5).map(an_article),
        reader=st.integers(0, 2**64 - 1),
        former_reader=st.integers(0, 2**64 - 1),
        time_ms=times,
        flags=st.integers(0, 15),
    ),
    min_size=1,
    max_size=40,
)


@given(beacon_lists)
def test_another_reader_of_the_bytes_finds_every_beacon(beacons: list[Beacon]) -> None:
    log = LogWriter()
    log.batch(beacons, appended_ms=NOON_MS + 90_000)
    oracle = Oracle(session_ms=1, grace_ms=1).read(log.records)
    assert oracle.beacons == [(beacon.article, beacon.reader) for beacon in beacons]
    batch = decode(log.records[0])
    assert isinstance(batch, Batch)
    assert batch.size == len(beacons)
    assert set(batch.articles) == {beacon.article for beacon in beacons}


def test_the_first_version_is_decoded_for_ever() -> None:
    batch = decode(LogWriter().raw(GOLDEN_BATCH, BATCH_HEADERS))
    assert isinstance(batch, Batch)
    assert batch.articles == ("0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11",)
    assert (batch.size, batch.salt, batch.first_ms) == (2, "2026-01-15.abcd", 1_768_478_379_008)
    assert (batch.after_ms, batch.flags, batch.former_readers) == (b"\0\0\5\0", b"\0\1", None)


def test_a_marker_comes_out_as_it_went_in() -> None:
    marker = a_marker(revision=3, state="withdrawn", themes=("Порт",))
    placed = decode(LogWriter().marker(marker))
    assert isinstance(placed, PlacedMarker)
    assert placed.marker == marker


def test_records_of_a_type_that_this_version_does_not_know_are_skipped() -> None:
    assert decode(LogWriter().raw(b"?", [("type", b"landmark")])) is None


def _columns(**changes: object) -> bytes:
    columns = msgpack.unpackb(encode_batch("2026-01-15.abcd", [a_beacon(), a_beacon(an_article(2), reader=2)]))
    return bytes(msgpack.packb({**columns, **changes}))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", "msgpack"),
        (b"\xc1", "msgpack"),
        (msgpack.packb([1]), "version 1"),
        (_columns(v=2), "version 1"),
        (_columns(n=0), "n:"),
        (_columns(n=3), "i:"),
        (_columns(n=True), "n:"),
        (_columns(t=-1), "t:"),
        (_columns(t=2**60), "t:"),
        (_columns(s=None), "s:"),
        (_columns(a=["no id"]), "a:"),
        (_columns(a=[]), "i:"),
        (_columns(i=b"\0\0\2\0"), "i:"),
        (_columns(u=b"\0" * 15), "u:"),
        (_columns(w="text"), "w:"),
        (_columns(o=None), "o:"),
        (_columns(f=b"\0"), "f:"),
    ],
)
def test_a_batch_that_is_none_is_poison_and_says_which_column(value: bytes, said: str) -> None:
    with pytest.raises(PoisonError, match=said):
        decode(LogWriter().raw(value, BATCH_HEADERS))


@given(st.binary(max_size=200), st.sampled_from([BATCH_HEADERS, MARKER_HEADERS, ()]))
def test_random_bytes_are_poison_and_nothing_worse(value: bytes, headers: tuple[tuple[str, bytes], ...]) -> None:
    with pytest.raises(PoisonError):
        decode(LogWriter().raw(value, headers))
