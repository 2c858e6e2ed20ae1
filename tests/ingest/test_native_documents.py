"""The native format: every field, and what is made of it."""

import pytest

from news_ingest.formats.native import read_line
from news_ingest.formats.outcome import Reading
from tests.ingest.reading import NOW, json_of, noon, only


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


def test_a_good_line_of_ndjson_keeps_its_number() -> None:
    assert [(n, item.title) for n, item in read_line(b'{"title": "A"}', 41, "s", NOW).items] == [(41, "A")]


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_a_blank_id_is_none(blank: str) -> None:
    said = {"id": blank, "title": "A", "date_published": "2026-01-15T12:00:00Z"}
    assert only(json_of({**said, "url": " https://herald.example/a"})).guid == "https://herald.example/a"
    assert only(json_of(said)).guid == only(json_of({**said, "id": None})).guid
    assert json_of(said).warnings == ["without id and URL an item is known by its title and date only (item 0)"]


@pytest.mark.parametrize("url", ["/a", "javascript:alert(1)", "herald.example/a", "http://[bad"])
def test_a_url_that_is_ignored_is_told(url: str) -> None:
    reading = json_of([{"id": "a", "title": "A"}, {"id": "b", "title": "B", "url": url}])
    assert [item.url for _, item in reading.items] == [None, None]
    assert reading.warnings == ["url is no absolute http or https address and is ignored (item 1)"]


def test_a_date_that_is_not_of_our_time_is_told_of_its_field() -> None:
    reading = Reading()
    reading.add(read_line(b'{"title": "A", "embargoed_until": "9000-01-01T00:00:00Z"}', 0, "s", NOW))
    [rejected] = reading.rejected
    [wrong] = rejected.errors
    assert wrong["field"] == "embargoed_until"
    assert wrong["error"].startswith("lies outside")
