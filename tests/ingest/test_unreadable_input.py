"""What cannot be read is refused with its reason, as little of it as can be."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_ingest.formats.detection import Format, read_document
from news_ingest.formats.native import read_json, read_line
from news_ingest.formats.native_item import MAX_ARTICLE_BYTES
from news_ingest.items import Item
from news_shared.errors import PoisonError
from tests.ingest.reading import NOW, feed_of, json_of, only


@pytest.mark.parametrize("body", [b"", b"<html><body>Not found</body></html>", b"<rss", b"\x00\x01", b"plain text"])
def test_what_is_no_feed_is_refused(body: bytes) -> None:
    with pytest.raises(PoisonError, match="neither RSS, Atom nor NewsML-G2"):
        feed_of(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", None),
        ("title", "x" * 2001),
        ("title", "<b></b>"),
        ("title", "\x00"),
        ("id", "x" * 2001),
        ("id", {"a": 1}),
        ("id", True),
        ("url", "https://a.example/" + "x" * 2000),
        ("language", "not a language"),
        ("date_published", "99999-01-01T00:00:00Z"),
        ("date_published", "1800-01-01T00:00:00Z"),
        ("date_published", "2026-01-15T12:00:00"),
        ("date_published", 1768478400),
        ("date_published", "1768478400"),
        ("date_published", "yesterday"),
        ("embargoed_until", "9999-12-31T23:59:59Z"),
        ("tags", ["x"] * 101),
        ("tags", "x"),
        ("authors", [{"name": ""}]),
        ("status", "draft"),
        ("version", "x" * 101),
        ("content_text", "x" * MAX_ARTICLE_BYTES),
        ("content_html", "<p>" * 10_001),
        ("content_html", "<b>" * 5_000 + "x"),
        ("summary", "x" * 20_001),
        ("corrections", [{"at": "2026-01-16T00:00:00Z", "note": "x" * 2001}]),
    ],
)
def test_a_value_beyond_the_limits_is_refused_with_its_index_and_the_others_are_taken(
    field: str, value: object
) -> None:
    good = {"id": "good", "title": "Good"}
    reading = json_of([good, {"id": "bad", "title": "Bad", field: value}, good])
    assert [index for index, _ in reading.items] == [0, 2]
    [rejected] = reading.rejected
    assert rejected.index == 1
    assert rejected.errors
    assert all(error["error"] for error in rejected.errors)
    json.dumps([rejected.guid, rejected.errors]).encode()


def test_nul_and_lone_surrogates_are_taken_out_of_text() -> None:
    body = rb'{"id": "a\u0000b\ud800", "title": "T\u0000i\ud800tle", "content_text": "x\udfffy", "tags": ["t\u0007"]}'
    item = only(read_json(body, "s", NOW))
    assert (item.guid, item.title, item.content_html, item.tags) == ("ab", "Title", "<p>xy</p>", ("t",))
    item.model_dump_json().encode()


@pytest.mark.parametrize("field", ["version", "url", "translation_of", "summary", "image", "content_html"])
def test_a_lone_surrogate_in_any_field_leaves_an_item_that_can_be_written(field: str) -> None:
    body = b'{"id": "a", "title": "A", "' + field.encode() + rb'": "https://a.example/\ud800x"}'
    only(read_json(body, "s", NOW)).model_dump_json().encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'"text"',
        b"7",
        b"null",
        b'{"title": NaN}',
        b'[{"title": "a", "version": Infinity}]',
        b"[" * 100_000,
        b'{"items": 7}',
        b'\xff\xfe{"title"',
        b'{"title": "\xc3\x28"}',
        b'{"id": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_document_of_items_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(PoisonError):
        read_json(body, "s", NOW)


@pytest.mark.parametrize("line", [b"{", b"NaN", b"[]", b"7", b'{"id": "a"}', b"[" * 100_000, b"\xff"])
def test_a_bad_line_of_ndjson_is_refused_by_its_number(line: bytes) -> None:
    reading = read_line(line, 41, "s", NOW)
    assert reading.items == []
    assert [rejected.index for rejected in reading.rejected] == [41]


def test_a_native_date_without_a_zone_is_refused() -> None:
    [rejected] = json_of({"title": "A", "embargoed_until": "2026-01-15T12:00:00"}).rejected
    assert (rejected.errors[0]["field"], "timezone" in rejected.errors[0]["error"]) == ("embargoed_until", True)


def test_a_json_feed_without_items_is_no_article() -> None:
    with pytest.raises(PoisonError, match='must have a list of "items"'):
        json_of({"version": "https://jsonfeed.org/version/1.1", "title": "The Herald"})
    assert only(json_of({"version": "1.1", "title": "A"})).version == "1.1"


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["id", "url", "title", "content_html", "content_text", "date_published", "tags", "authors", "version", "image"]


@given(st.dictionaries(st.sampled_from(FIELDS), any_json | st.text()))
def test_any_json_object_is_taken_or_refused_and_what_is_taken_can_be_written(document: dict[str, object]) -> None:
    reading = json_of([document])
    assert len(reading.items) + len(reading.rejected) == 1
    for _, item in reading.items:
        assert Item.model_validate_json(item.model_dump_json()) == item
    for rejected in reading.rejected:
        json.dumps([rejected.guid, rejected.errors], ensure_ascii=False).encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for form in (Format.JSON, Format.RSS):
        try:
            read_document(form, body, "", "s", NOW)
        except PoisonError as error:
            assert str(error)  # noqa: PT017
