"""Heads of feeds, lists of feeds, and names made of them: what strangers write is never an error of ours."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_ingest.polling.discovery import named_feeds
from news_ingest.polling.feed_head import head_of
from news_ingest.polling.feed_reading import known_encoding
from news_ingest.polling.opml import Outline, SourceNames, read_opml, write_opml
from news_ingest.sources import Source
from news_shared.article_ids import SOURCE_ID
from news_shared.errors import PoisonError
from tests.ingest.builders import NOON
from tests.ingest.feed_server import rss

URL = "http://h.example/feed"
words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters=",/"), min_size=1, max_size=9
)
HEAD = "<ttl>5</ttl><skipHours><hour>24</hour></skipHours><skipDays><day>Sunday</day></skipDays>"
LINKS = "<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='hub' href='/hub'/><link rel='self' href='/self'/>"


def test_the_head_of_a_feed_is_read() -> None:
    head = head_of(rss("a", head=HEAD + LINKS), URL)
    assert (head.title, head.ttl) == ("Feed", timedelta(minutes=5))
    assert (set(head.skip_hours), set(head.skip_days)) == ({0}, {6})
    assert (head.hub, head.topic) == ("http://h.example/hub", "http://h.example/self")
    json_head = head_of(b'{"title": "J", "feed_url": "/f", "hubs": [{"type": "WebSub", "url": "/hub"}]}', URL)
    assert (json_head.title, json_head.hub, json_head.topic) == ("J", "http://h.example/hub", "http://h.example/f")


@given(st.data())
def test_no_damage_to_a_feed_makes_reading_its_head_fail(data: st.DataObject) -> None:
    body = bytearray(rss("a", head=HEAD + LINKS))
    for _ in range(data.draw(st.integers(0, 12))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    head_of(bytes(body), URL)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: b"{" + text.encode("utf-8", "replace")))
def test_nor_do_other_bytes(body: bytes) -> None:
    head_of(body, URL)
    named_feeds(body, URL)


@pytest.mark.parametrize(
    "name", ["[]", "{}", '{"hubs": 1}', '{"hubs": [1]}', '{"title": []}', '{"feed_url": 7}', "{" * 9999]
)
def test_nor_does_json_of_another_shape(name: str) -> None:
    head_of(name.encode(), URL)


def test_a_page_whose_base_is_no_address_names_its_feeds_all_the_same() -> None:
    page = b"<base href='http://[bad'><link rel='alternate' type='application/rss+xml' href='/feed.xml'>"
    assert [url for url, _ in named_feeds(page, "http://herald.example/news")] == ["http://herald.example/feed.xml"]


@given(st.lists(st.tuples(words, st.lists(words, max_size=3, unique=True)), max_size=5))
def test_a_list_that_was_written_is_read_as_the_same(feeds: list[tuple[str, list[str]]]) -> None:
    sources = [
        Source(id=f"s{n}", title=title, feed_url=f"{URL}{n}", themes=tuple(themes), language="uk", created_at=NOON)
        for n, (title, themes) in enumerate(feeds)
    ]
    outlines, refused = read_opml(write_opml([(s, str(s.feed_url)) for s in sources], NOON))
    assert refused == []
    assert [o.feed_url for o in outlines] == [s.feed_url for s in sources]
    for outline, source in zip(outlines, sources, strict=True):
        again, _ = read_opml(write_opml([(source.model_copy(update={"themes": outline.themes}), URL)], NOON))
        assert again == [Outline(URL, outline.title, None, "uk", outline.themes)]


@given(st.binary(max_size=300))
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(PoisonError):
        read_opml(body)


def test_folders_and_categories_become_themes_and_an_address_stands_once() -> None:
    listed = b"""<OPML><body><outline title="World"><outline text="A" category="/x/y,z" xmlUrl="http://A.example"/></outline>
        <outline text="again" xmlUrl="http://a.example/"/><outline xmlUrl="mailto:x@y"/></body></OPML>"""
    outlines, refused = read_opml(listed)
    assert [(o.title, o.themes) for o in outlines] == [("A", ("x", "y", "z", "World"))]
    assert [r.feed_url for r in refused] == ["mailto:x@y"]


@given(st.text(max_size=40), st.sets(st.sampled_from(["herald", "herald-2", "h-example"])))
def test_a_name_made_of_a_title_can_be_one_and_is_not_taken(title: str, taken: set[str]) -> None:
    names = SourceNames(taken)
    name = names.new("http://www.h.example/feed", title)
    assert SOURCE_ID.fullmatch(name)
    assert name not in taken
    assert names.new("http://www.h.example/feed", title) != name


def test_a_name_is_made_of_the_title_else_of_the_host() -> None:
    names = SourceNames({"h-example"})
    assert names.new("http://www.h.example/feed", "The Herald!") == "the-herald"
    assert [names.new("http://www.h.example/feed", "Новини") for _ in range(3)] == [f"h-example-{n}" for n in (2, 3, 4)]


def test_encodings_of_text_are_known_and_others_are_not() -> None:
    assert all(known_encoding(name) for name in ("utf-8", "windows-1251", "KOI8-U", "utf-16", "latin-1"))
    others = ("hex", "base64", "rot13", "idna", "unicode_escape", "undefined", "x", "a\0b", "", "\ud800")
    assert not any(known_encoding(name) for name in others)
