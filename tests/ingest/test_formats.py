"""What sources send, in every format they speak."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_ingest.formats.detection import Format, format_of, read_document
from news_ingest.formats.native import read_json, read_line
from news_ingest.formats.native_item import MAX_ARTICLE_BYTES
from news_ingest.formats.outcome import Reading
from news_ingest.items import Item
from news_shared.errors import PoisonError

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def feed_of(body: bytes, content_type: str = "") -> Reading:
    return read_document(Format.RSS, body, content_type, "s", NOW)


def json_of(document: object) -> Reading:
    return read_json(json.dumps(document).encode(), "s", NOW)


def only(reading: Reading) -> Item:
    assert reading.rejected == []
    [(_, item)] = reading.items
    return item


def links_of(reading: Reading) -> list[list[str]]:
    return [[link.url for link in item.links] for _, item in reading.items]


def noon(hour: int = 12) -> datetime:
    return datetime(2026, 1, 15, hour, tzinfo=UTC)


def test_an_rss_feed_full_of_quirks_gives_all_its_items_with_their_links() -> None:
    reading = feed_of(sample("quirks.rss"), "application/rss+xml")
    assert (len(reading.items), reading.rejected) == (10, [])
    assert reading.warnings == [
        "without id and URL an item is known by its title and date only (item 5)",
        "date_published is no date (item 8)",
    ]
    site = "https://gazette.example"
    assert links_of(reading) == [
        [],
        [f"{site}/1"],
        [f"{site}/2"],
        [f"{site}/3"],
        [f"{site}/4"],
        [f"{site}/5"],
        [f"{site}/2"],
        [f"{site}/7"],
        [f"{site}/8"],
        [f"{site}/9"],
    ]
    items = [item for _, item in reading.items]
    assert [item.guid for item in items[:5]] == ["r1", "r2", "r3", f"{site}/4", f"{site}/5"]
    assert items[5].guid.startswith("urn:newsfeed:")
    assert [item.guid for item in items[6:]] == ["r7", "r8", "r9", "r10"]
    assert [item.url for item in items] == [
        *(f"{site}/1", f"{site}/2", f"{site}/news/3", f"{site}/4", f"{site}/5", None),
        *(f"{site}/7", f"{site}/8", f"{site}/9", f"{site}/10"),
    ]
    assert {item.language for item in items} == {"uk-UA"}


def test_dates_of_an_rss_feed_are_read_in_their_zones_and_an_unreadable_one_is_no_date() -> None:
    items = [item for _, item in feed_of(sample("quirks.rss")).items]
    hours = [12, 17, 12, 20, None, 10, 12, 12, None, 12]
    assert [(item.date_published if item.dated else None) for item in items] == [
        None if hour is None else noon(hour) for hour in hours
    ]
    assert all(item.date_published == NOW for item in items if not item.dated)
    assert all(item.date_modified is None for item in items)


def test_titles_authors_tags_and_images_of_an_rss_feed_are_plain() -> None:
    items = [item for _, item in feed_of(sample("quirks.rss")).items]
    assert items[1].title == "AT&T wins"
    assert items[5].title == "Without a title, without a link, with five"
    assert items[9].title == "Entities & – dashes"
    assert [person.name for person in items[1].authors] == ["Оксана Коваль"]
    assert [person.name for person in items[8].authors] == ["The Desk"]
    assert items[1].tags == ("Politics", "Law & order")
    assert items[1].summary == "A short teaser"
    assert (items[6].image, items[7].image) == (
        "https://img.gazette.example/7.jpg",
        "https://img.gazette.example/8.png",
    )
    bodies = "".join(item.content_html or "" for item in items)
    assert not [bad for bad in ("<script", "onclick", "javascript", "alert") if bad in bodies]


def test_an_atom_feed_full_of_quirks_gives_all_its_entries_with_their_links() -> None:
    reading = feed_of(sample("quirks.atom"), "application/atom+xml")
    assert (len(reading.items), reading.rejected, reading.warnings) == (10, [], [])
    assert links_of(reading) == [[], *[[f"https://herald.example/{n}"] for n in range(1, 10)]]
    items = [item for _, item in reading.items]
    assert [item.url for item in items] == [f"https://herald.example/{n}" for n in range(1, 11)]
    assert [item.title for item in items[1:3]] == ["Bold title", "An xhtml title"]
    assert [person.name for person in items[1].authors] == ["Ann", "Bob"]
    assert items[1].authors[0].url == "https://herald.example/ann"
    assert (items[1].date_published, items[1].date_modified) == (noon(10), noon(11))
    assert items[2].links[0].paragraph == 1
    assert [item.language for item in items[2:5]] == ["en", "de", "en"]
    assert not items[4].dated
    assert items[5].guid == "https://herald.example/6"
    assert items[6].image == "https://img.herald.example/7.jpg"
    assert (items[7].tags, items[7].image) == (("Sport", "The ball"), "https://img.herald.example/8.jpg")
    assert items[9].summary == "A teaser."


def test_a_feed_in_windows_1251_is_read_by_its_declaration_or_by_the_content_type() -> None:
    text = (
        '<rss version="2.0"><channel><title>t</title><item><title>Новини</title><guid>1</guid></item></channel></rss>'
    )
    declared = '<?xml version="1.0" encoding="windows-1251"?>' + text
    assert only(feed_of(declared.encode("windows-1251"))).title == "Новини"
    assert only(feed_of(text.encode("windows-1251"), "application/xml; charset=windows-1251")).title == "Новини"


def test_a_feed_that_breaks_off_gives_what_came_before_with_a_warning() -> None:
    whole = sample("quirks.rss")
    reading = feed_of(whole[: whole.index(b"<title>No guid")])
    assert [item.guid for _, item in reading.items][:3] == ["r1", "r2", "r3"]
    assert reading.warnings


@pytest.mark.parametrize("body", [b"", b"<html><body>Not found</body></html>", b"<rss", b"\x00\x01", b"plain text"])
def test_what_is_no_feed_is_refused(body: bytes) -> None:
    with pytest.raises(PoisonError, match="neither RSS, Atom nor NewsML-G2"):
        feed_of(body)


def test_rdf_is_read_too() -> None:
    body = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        b'<channel rdf:about="https://a.example/"><title>t</title></channel>'
        b'<item rdf:about="https://a.example/1"><title>One</title><link>https://a.example/1</link></item></rdf:RDF>'
    )
    assert (only(feed_of(body)).title, only(feed_of(body)).url) == ("One", "https://a.example/1")


def test_external_entities_of_a_feed_are_not_read() -> None:
    body = (
        b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
        b'<rss version="2.0"><channel><item><title>X &secret;</title><guid>1</guid></item></channel></rss>'
    )
    assert "root:" not in "".join(item.title for _, item in feed_of(body).items)


@pytest.mark.parametrize("shape", ["item", "list", "items", "feed 1.0", "feed 1.1"])
def test_native_json_comes_as_one_item_a_list_an_object_or_a_json_feed(shape: str) -> None:
    one = {"id": "a", "title": "A", "content_text": "One.\n\nTwo."}
    version = "https://jsonfeed.org/version/" + shape[-3:].strip()
    document: object = {
        "item": one,
        "list": [one],
        "items": {"items": [one]},
        "feed 1.0": {"version": version[:-2], "items": [one], "author": {"name": "Ann"}},
        "feed 1.1": {"version": version, "items": [one], "authors": [{"name": "Ann"}], "language": "uk"},
    }[shape]
    item = only(json_of(document))
    assert (item.guid, item.content_html) == ("a", "<p>One.</p>\n<p>Two.</p>")
    assert [person.name for person in item.authors] == (["Ann"] if "feed" in shape else [])
    assert item.language == ("uk" if shape == "feed 1.1" else "und")


def test_an_item_overrides_what_its_feed_says() -> None:
    feed = {"version": "https://jsonfeed.org/version/1.1", "language": "uk", "authors": [{"name": "Ann"}]}
    item = only(json_of({**feed, "items": [{"title": "A", "language": "en", "authors": [{"name": "Bob"}]}]}))
    assert (item.language, [person.name for person in item.authors]) == ("en", ["Bob"])


def test_every_field_of_the_native_format_arrives() -> None:
    said = {
        "id": 7,
        "url": "https://A.example/x?utm_source=y#top",
        "title": " A\n title ",
        "version": 3,
        "language": "uk-UA",
        "summary": "<b>Sum</b>",
        "content_html": "<p>x</p>",
        "date_published": "2026-01-15T14:00:00+02:00",
        "date_modified": "2026-01-15T13:00:00Z",
        "tags": ["T", "T", " "],
        "image": "/i.png",
        "translation_of": "b",
        "attributions": [{"name": "Agency", "url": "javascript:x"}],
        "corrections": [{"at": "2026-01-16T00:00:00Z", "note": "A name."}],
        "embargoed_until": "2026-01-15T12:00:00Z",
        "status": "withheld",
        "unknown": {"ignored": True},
    }
    item = only(json_of(said))
    assert item.model_dump(mode="json", exclude_defaults=True) == {
        "source": "s",
        "guid": "7",
        "url": "https://a.example/x",
        "version": "3",
        "language": "uk-UA",
        "title": "A title",
        "summary": "Sum",
        "content_html": "<p>x</p>",
        "date_published": "2026-01-15T14:00:00+02:00",
        "date_modified": "2026-01-15T13:00:00Z",
        "tags": ["T"],
        "image": "https://a.example/i.png",
        "translation_of": "b",
        "attributions": [{"name": "Agency"}],
        "corrections": [{"at": "2026-01-16T00:00:00Z", "note": "A name."}],
        "embargoed_until": "2026-01-15T12:00:00Z",
        "status": "withheld",
    }


@pytest.mark.parametrize("reference", ["javascript:alert(1)", " JavaScript :x", "\tdata:text/html,x", "vbscript:x"])
def test_what_would_run_is_no_reference_to_another_article(reference: str) -> None:
    assert only(json_of({"title": "A", "translation_of": reference})).translation_of is None


@pytest.mark.parametrize(
    ("said", "original", "guid"),
    [
        (" uk-1 ", "uk-1", None),
        ("https://a.example/uk", "https://a.example/uk", None),
        (
            "https://a.example/?post_type=story&p=123",
            "https://a.example/?p=123&post_type=story",
            "https://a.example/?post_type=story&p=123",
        ),
    ],
)
def test_a_url_that_may_be_the_guid_of_an_original_is_kept_as_it_was_said(
    said: str, original: str, guid: str | None
) -> None:
    item = only(json_of({"title": "A", "translation_of": said}))
    assert (item.translation_of, item.translation_of_guid) == (original, guid)


def test_an_embargo_ends_with_a_whole_millisecond() -> None:
    ends = [
        only(json_of({"title": "A", "embargoed_until": f"2026-01-15T12:00:00.{fraction}Z"})).embargoed_until
        for fraction in ("000000", "000001", "001000", "999001")
    ]
    seconds = [(end - noon()).total_seconds() for end in ends if end]
    assert seconds == [0.0, 0.001, 0.001, 1.0]


def test_an_item_without_guid_and_url_is_the_same_one_when_it_comes_again() -> None:
    said = {"title": "A", "date_published": "2026-01-15T12:00:00Z"}
    assert only(json_of(said)).guid == only(json_of(said)).guid
    assert only(json_of(said)).guid != only(json_of({**said, "title": "B"})).guid


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


def test_a_good_line_of_ndjson_keeps_its_number() -> None:
    assert [(n, item.title) for n, item in read_line(b'{"title": "A"}', 41, "s", NOW).items] == [(41, "A")]


@pytest.mark.parametrize(
    ("name", "content_type", "beginning", "form"),
    [
        ("ndjson", "application/json", b"", Format.NDJSON),
        ("yaml", "application/json", b"{", None),
        (None, "application/json; charset=utf-8", b"", Format.JSON),
        (None, "Application/Feed+JSON", b"", Format.JSON_FEED),
        (None, "text/xml", b"", Format.RSS),
        (None, "application/atom+xml", b"", Format.ATOM),
        (None, "", b'\xef\xbb\xbf\n {"', Format.JSON),
        (None, "text/plain", b"[", Format.JSON),
        (None, "application/octet-stream", b"<?xml", Format.RSS),
        (None, "", b"title", None),
        (None, "image/png", b"{", None),
    ],
)
def test_the_format_is_told_by_name_then_type_then_content(
    name: str | None, content_type: str, beginning: bytes, form: Format | None
) -> None:
    assert format_of(name, content_type, beginning) is form


def test_a_byte_order_mark_before_json_is_no_error() -> None:
    assert only(read_document(Format.JSON, b'\xef\xbb\xbf{"title": "A"}', "", "s", NOW)).title == "A"


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_a_blank_id_is_none(blank: str) -> None:
    said = {"id": blank, "title": "A", "date_published": "2026-01-15T12:00:00Z"}
    assert only(json_of({**said, "url": " https://herald.example/a"})).guid == "https://herald.example/a"
    assert only(json_of(said)).guid == only(json_of({**said, "id": None})).guid
    assert json_of(said).warnings == ["without id and URL an item is known by its title and date only (item 0)"]


@pytest.mark.parametrize("url", ["/a", "javascript:alert(1)", "herald.example/a", "http://[bad"])
def test_a_url_that_is_left_away_is_told(url: str) -> None:
    reading = json_of([{"id": "a", "title": "A"}, {"id": "b", "title": "B", "url": url}])
    assert [item.url for _, item in reading.items] == [None, None]
    assert reading.warnings == ["url is no absolute http or https address and is left away (item 1)"]


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
