"""Out-feeds come back through our own intake as the same articles, and other people's software reads them too."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import feedparser  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from news_feed.atom_feed import atom_feed
from news_feed.json_feed import json_feed
from news_feed.last_changes import LastChanges
from news_feed.news_sitemap import news_sitemap
from news_feed.ordering import Position
from news_feed.out_feed import OutFeed, Place, entry_id
from news_feed.rss_feed import rss_feed
from news_feed.timelines import Selection
from news_ingest.formats.detection import Format, read_document
from news_ingest.items import Item, article_of
from news_shared.articles import Article
from news_shared.clock import epoch_ms, from_epoch_ms
from newsfeed.newsroom import newsroom
from tests.feed.builders import NOON, an_article

PLACE = Place("https://paper.example", "The Paper")
Write = Callable[[OutFeed], bytes]
FORMATS: list[tuple[Write, Format]] = [
    (json_feed, Format.JSON_FEED),
    (atom_feed, Format.ATOM),
    (rss_feed, Format.RSS),
]
LOST: dict[Write, set[str]] = {
    json_feed: set(),
    atom_feed: {"version", "translation_of", "attributions", "corrections", "content_text"},
    rss_feed: {"version", "translation_of", "attributions", "corrections", "content_text", "author urls", "ms"},
}
"""What a format has no name for; `docs/feeds.md` says so."""


def out(articles: Sequence[Article], **selected: str) -> OutFeed:
    return OutFeed(PLACE, "/feed.any", Selection(**selected), articles)


def taken_in(body: bytes, form: Format, source: str = "mirror") -> list[Item]:
    reading = read_document(form, body, "", source, NOON)
    assert not reading.rejected
    assert not reading.warnings
    return [item for _, item in reading.items]


def articles_of(native: Sequence[dict[str, Any]]) -> list[Article]:
    items = taken_in(json.dumps(list(native)).encode(), Format.JSON, "herald")
    return [article_of(item, revision=1, first_published_at=NOON) for item in items]


def what_matters(article: Article | Item, write: Write) -> dict[str, Any]:
    """Fields that must be the same on both sides of a format."""
    lost = LOST[write]
    said = article.model_dump(exclude={"id", "revision", "first_published_at", "embargoed_until", "status", *lost})
    said["guid"] = entry_id(article.id) if isinstance(article, Article) else article.guid
    if isinstance(article, Article):
        said["url"] = PLACE.link_of(article)
        if not article.authors and write is atom_feed:
            said["authors"] = ({"name": PLACE.title, "url": None},)
    del said["source"]
    said["dated"] = True
    if "author urls" in lost:
        said["authors"] = tuple({**author, "url": None} for author in said["authors"])
    if "ms" in lost:
        said["date_published"] = said["date_published"].replace(microsecond=0)
    if said["date_modified"] in (None, article.date_published):  # Atom must say both
        said["date_modified"] = None
    return said


def comes_back(articles: Sequence[Article]) -> None:
    for write, form in FORMATS:
        body = write(out(articles))
        came = [what_matters(item, write) for item in taken_in(body, form)]
        assert came == [what_matters(article, write) for article in articles], form
        if write is not json_feed:
            read = feedparser.parse(body)
            assert not read.bozo, read.get("bozo_exception")
            assert [entry.id for entry in read.entries] == [entry_id(article.id) for article in articles]


def test_the_sample_newsroom_comes_back() -> None:
    articles = articles_of(newsroom(datetime(2026, 2, 1, tzinfo=UTC)).articles)
    assert len(articles) > 20
    comes_back(articles)


# Not every character: what looks as if it were encoded twice our intake puts right.
CHARACTERS = "ab1 є中é<>&\"'][;/\n\t\U0001f600\u202e\u00a0"
TEXT = st.text(CHARACTERS, min_size=1, max_size=40)
AUTHORS: dict[str, st.SearchStrategy[Any]] = {"name": st.sampled_from(["Ada Quill", "Є. Ж.", "O'Neil & Co"])}
REQUIRED: dict[str, st.SearchStrategy[Any]] = {
    "id": st.uuids().map(str),
    "title": st.builds("t{}".format, TEXT),
    "content_html": st.builds("<p>w{}</p>".format, st.text(CHARACTERS, max_size=60)),
    "date_published": st.integers(0, 4 * 10**12).map(lambda ms: from_epoch_ms(ms).isoformat()),
}
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "url": st.sampled_from(["https://a.example/b?c=d&e=%C3%A9", "https://a.example/"]),
    "summary": st.builds("s{}".format, TEXT),
    "language": st.sampled_from(["uk", "en-GB", "zh-Hant"]),
    "tags": st.lists(st.sampled_from(["Port Morrow", "R&D <x>", "Пошта", '"q"']), unique=True),
    "authors": st.lists(st.fixed_dictionaries(AUTHORS, optional={"url": st.just("https://a.example/ada")}), max_size=2),
    "image": st.just("https://a.example/p.jpg"),
}
NATIVE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(REQUIRED, optional=OPTIONAL)


@given(st.lists(NATIVE, min_size=1, max_size=3, unique_by=lambda item: item["id"]))
def test_anything_that_was_taken_in_comes_back(native: list[dict[str, Any]]) -> None:
    reading = read_document(Format.JSON, json.dumps(native).encode(), "", "herald", NOON)
    articles = [article_of(item, revision=1, first_published_at=NOON) for _, item in reading.items]
    for write, form in FORMATS:
        body = write(out(articles))
        mirrored = read_document(form, body, "", "mirror", NOON)
        assert not mirrored.rejected
        assert [item.guid for _, item in mirrored.items] == [entry_id(article.id) for article in articles]
        for article, (_, item) in zip(articles, mirrored.items, strict=True):
            assert item.content_html == article.content_html
            assert item.tags == article.tags
            assert item.language == article.language


def test_a_guid_is_none_of_two_sources() -> None:
    twins = [an_article("1", source="herald"), an_article("1", source="gazette")]
    for write, form in FORMATS:
        assert len({item.guid for item in taken_in(write(out(twins)), form)}) == 2


def test_articles_link_to_their_original_or_to_our_page() -> None:
    own, elsewhere = an_article("a"), an_article("b", url="https://herald.example/b")
    expected = [f"https://paper.example/articles/{own.id}", "https://herald.example/b"]
    for write, form in FORMATS:
        assert [item.url for item in taken_in(write(out([own, elsewhere])), form)] == expected


def test_a_feed_says_where_it_is_and_what_it_is_written_in() -> None:
    articles = [an_article("a", language="uk"), an_article("b", language="uk")]
    feed = out(articles, theme="Порт & Ко", language="uk")
    assert parse_qs(urlsplit(feed.address).query) == {"theme": ["Порт & Ко"], "language": ["uk"]}
    assert json.loads(json_feed(feed))["feed_url"] == feed.address
    for write, self_type in ((atom_feed, "application/atom+xml"), (rss_feed, "application/rss+xml")):
        read = feedparser.parse(write(feed))
        [itself] = [link for link in read.feed.links if link.rel == "self"]
        assert (itself.href, itself.type) == (feed.address, self_type)
        assert read.feed.language == "uk"
        assert read.feed.title == "The Paper · Порт & Ко · uk"
    mixed = out([*articles, an_article("c", language="en")])
    assert "language" not in json.loads(json_feed(mixed))
    assert b"<language>" not in rss_feed(mixed)
    assert json.loads(json_feed(out(articles)))["language"] == "uk"


def test_atom_says_what_was_taken_back_and_our_intake_takes_it_back_too() -> None:
    kept, gone = an_article("kept"), an_article("gone")
    later = NOON + timedelta(hours=2)
    feed = OutFeed(PLACE, "/feed.atom", Selection(), [kept], [Position(epoch_ms(later), gone.id)])
    first, second = taken_in(atom_feed(feed), Format.ATOM)
    assert (first.guid, first.status) == (entry_id(kept.id), "usable")
    assert (second.guid, second.status, second.date_published) == (entry_id(gone.id), "canceled", later)
    read = feedparser.parse(atom_feed(feed))
    assert not read.bozo
    assert [entry.id for entry in read.entries] == [entry_id(kept.id)]
    assert read.feed.updated == "2026-01-15T14:00:00Z"


def test_a_feed_of_nothing_is_a_feed() -> None:
    for write, form in FORMATS:
        assert taken_in(write(out([])), form) == []
        if write is not json_feed:
            assert not feedparser.parse(write(out([]))).bozo


def test_what_xml_cannot_carry_is_left_out() -> None:
    article = an_article("a", title="a\0b\x0bc\ufffe", content_html="<p>\x1b[0m]]></p>", tags=("\x08t",))
    for write in (atom_feed, rss_feed):
        read = feedparser.parse(write(out([article])))
        assert not read.bozo
        assert read.entries[0].title == "abc"
    assert etree.fromstring(news_sitemap([article], PLACE)) is not None


def test_a_sitemap_speaks_of_its_own_host() -> None:
    articles = [
        an_article("a", url="https://paper.example/own"),
        an_article("b", url="https://herald.example/b", language="zh-TW", title="Q&A"),
        an_article("c", language="und"),
    ]
    root = etree.fromstring(news_sitemap(articles, PLACE))
    names = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "n": "http://www.google.com/schemas/sitemap-news/0.9"}

    def texts(path: str) -> list[str]:
        return [element.text for element in root.iterfind(path, names)]

    assert texts("s:url/s:loc") == ["https://paper.example/own", f"https://paper.example/articles/{articles[1].id}"]
    assert texts("s:url/n:news/n:publication/n:name") == ["The Paper"] * 2
    assert texts("s:url/n:news/n:publication/n:language") == ["en", "zh-tw"]
    assert texts("s:url/n:news/n:publication_date") == ["2026-01-15T12:00:00Z"] * 2
    assert texts("s:url/n:news/n:title") == ["Title of a", "Q&A"]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("zh", "zh-cn"),
        ("zh-Hans", "zh-cn"),
        ("zh-SG", "zh-cn"),
        ("zh-Hans-HK", "zh-cn"),
        ("zh-Hant", "zh-tw"),
        ("zh-HK", "zh-tw"),
        ("zh-Hant-MO", "zh-tw"),
        ("uk-UA", "uk"),
    ],
)
def test_of_chinese_a_sitemap_says_which(language: str, told: str) -> None:
    document = news_sitemap([an_article("a", language=language)], PLACE)
    assert f"<news:language>{told}</news:language>".encode() in document


def test_a_date_of_change_is_told_only_when_it_tells_contents_apart() -> None:
    changes = LastChanges(most=2)

    def since(address: str, etag: str, version: bytes, **after: float) -> datetime | None:
        return changes.of(address, etag, (version, None), NOON + timedelta(**after))

    assert since("/a", "1", b"v") is None
    assert since("/a", "2", b"v", seconds=0.5) is None
    told = NOON + timedelta(seconds=1)
    assert since("/a", "2", b"v", seconds=1) == told
    assert since("/a", "2", b"v", hours=1) == told
    assert since("/a", "1", b"v", hours=1) is None
    for address in "bc":
        since(address, "1", b"v")
    assert since("/a", "1", b"v", hours=2) is None  # forgotten, and so seen anew
    last = since("/a", "1", b"v", hours=2, seconds=1)
    assert last is not None
    assert since("/a", "1", b"w", hours=3) is None  # it may have been something else in between
    assert since("/a", "1", b"w", hours=3, seconds=1) == NOON + timedelta(hours=3, seconds=1)
    assert since("/a", "2", b"x", hours=1) is None  # the clock was set back: no date that was given before
    again = since("/a", "2", b"x", hours=4)
    assert again is not None
    assert again > NOON + timedelta(hours=3, seconds=1)


@pytest.mark.parametrize("write", [write for write, _ in FORMATS])
def test_an_article_without_a_body_is_taken_in_again(write: Write) -> None:
    article = an_article("a", content_html=None)
    [form] = [form for writes, form in FORMATS if writes is write]
    [item] = taken_in(write(out([article])), form)
    assert (item.title, item.content_html) == ("Title of a", None)
