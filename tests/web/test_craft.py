"""What machines read of a page, and how much of it there is."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from news_views.embeds.script_routes import components_script, read_script
from news_web.interface import direction
from news_web.json_ld import news_article
from tests.web.conftest import Open
from tests.web.ferry_newsroom import CABLE, STORY, TRANSLATION, a_newsroom, given, path_of
from tests.web.newsroom import an_article
from tests.web.wellformed import Page

STATIC = Path(__file__).parents[2] / "services/web/news_web/static"
SAMPLE = Path(__file__).parents[2] / "cli/newsfeed/newsroom/articles.ndjson"


def data_of(html: str) -> dict[str, Any]:
    """The data block of a page."""
    [text] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    told: dict[str, Any] = json.loads(text)
    return told


async def test_search_engines_are_told_what_the_article_is(open_site: Open) -> None:
    html = (await (await open_site(a_newsroom())).get(path_of(STORY))).text
    assert data_of(html) == {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "identifier": STORY["id"],
        "headline": STORY["title"],
        "description": STORY["summary"],
        "inLanguage": "en",
        "datePublished": STORY["date_published"],
        "url": "https://herald.example/ferry",
        "image": "https://img.example/ferry.jpg",
        "keywords": ["Port Morrow", "Transport & trade"],
        "author": [
            {"@type": "Person", "name": "Ada Quill", "url": "https://herald.example/ada"},
            {"@type": "Person", "name": "Ben Ink"},
        ],
        "publisher": {"@type": "Organization", "name": "Newsfeed"},
        "correction": [
            {
                "@type": "CorrectionComment",
                "datePublished": "2026-01-15T13:30:00Z",
                "text": "The ferry leaves at nine.",
            }
        ],
        "isAccessibleForFree": True,
    }


async def test_a_data_block_cannot_be_broken_out_of(open_site: Open) -> None:
    newsroom = a_newsroom()
    evil = "</script><script>alert(1)</script><!--"
    newsroom.articles[0] |= {"title": evil, "tags": [evil]}
    html = (await (await open_site(newsroom)).get(path_of(STORY))).text
    assert data_of(html)["headline"] == evil
    assert Page(html).mistakes == []


def test_what_nobody_filled_in_is_not_said() -> None:
    told = news_article(
        {"id": "x", "title": "T", "date_published": "2026-01-15T12:05:00Z"}, image=None, updated=None, publisher="P"
    )
    assert set(told) == {
        "@context", "@type", "identifier", "headline", "datePublished", "publisher", "isAccessibleForFree",
    }  # fmt: skip


async def test_an_article_says_where_it_is_from_and_what_else_it_is(open_site: Open) -> None:
    site = await open_site(a_newsroom(), public_url="https://news.example")
    page = Page((await site.get(path_of(STORY) + "?utm_source=x")).text)
    assert page.all("link", rel="canonical", href="https://herald.example/ferry")
    assert page.all("link", rel="alternate", hreflang="en", href=f"https://news.example{path_of(STORY)}")
    assert page.all("link", rel="alternate", hreflang="uk", href=f"https://news.example{path_of(TRANSLATION)}")
    graph = {str(has.get("property")): has["content"] for has in page.all("meta") if "property" in has}
    assert graph["og:type"] == "article"
    assert graph["og:title"] == f"{STORY['title']} — Newsfeed"
    assert graph["og:url"] == f"https://news.example{path_of(STORY)}"
    assert graph["og:image"] == STORY["image"]
    assert graph["og:site_name"] == "Newsfeed"
    assert graph["article:published_time"] == STORY["date_published"]


async def test_a_list_says_its_address_its_languages_and_its_feeds(open_site: Open) -> None:
    site = await open_site(a_newsroom(), public_url="https://news.example/")
    page = Page((await site.get("/themes/port-morrow?language=en&lang=uk&utm_source=x")).text)
    here = "https://news.example/themes/port-morrow?language=en"
    assert page.all("link", rel="canonical", href=here)
    assert page.all("link", rel="alternate", hreflang="x-default", href=here)
    assert page.all("link", rel="alternate", hreflang="uk", href=f"{here}&lang=uk")
    for name, kind in (("rss", "rss+xml"), ("atom", "atom+xml"), ("json", "feed+json")):
        address = f"/feed.{name}?theme=Port+Morrow&language=en"
        assert page.all("link", rel="alternate", type=f"application/{kind}", href=address)


async def test_without_a_public_address_pages_say_the_one_they_were_asked_at(open_site: Open) -> None:
    page = Page((await (await open_site(a_newsroom())).get("/")).text)
    assert page.all("link", rel="canonical", href="http://web/")


@pytest.mark.parametrize(
    ("tag", "way"),
    [("ar", "rtl"), ("he-IL", "rtl"), ("fa", "rtl"), ("uz-Arab", "rtl"), ("ur-xx-x", "rtl"), ("en", "ltr"),
     ("uk", "ltr"), ("und", "ltr"), ("", "ltr"), ("?" * 5000, "ltr")],
)  # fmt: skip
def test_languages_have_a_direction(tag: str, way: str) -> None:
    assert direction(tag) == way


async def test_text_from_right_to_left_is_marked_wherever_it_stands(open_site: Open) -> None:
    newsroom = a_newsroom()
    arabic = an_article("cranes", language="ar", title="الرافعات", tags=["Port Morrow"])
    newsroom.articles.append(arabic)
    site = await open_site(newsroom)
    assert Page((await site.get(path_of(arabic))).text).all("article", dir="rtl", lang="ar")
    assert Page((await site.get("/")).text).all("a", href=path_of(arabic), dir="rtl", lang="ar")


async def test_an_article_of_the_sample_newsroom_is_light(open_site: Open) -> None:
    longest = max(
        map(json.loads, SAMPLE.read_text().splitlines()), key=lambda item: len(item.get("content_html") or "")
    )
    story = {**STORY, "content_html": longest["content_html"]}
    newsroom = a_newsroom()
    newsroom.special[("feed", f"/v1{path_of(STORY)}")] = partial(given, httpx.Response(200, json=story))
    site = await open_site(newsroom)
    for article in (STORY, CABLE):
        page = (await site.get(path_of(article))).content
        assert len(page) + (STATIC / "newsfeed.css").stat().st_size < 60_000


def test_scripts_are_small() -> None:
    ours = sum(file.stat().st_size for file in STATIC.glob("*.js"))
    assert ours + len(read_script()) + len(components_script()) < 15_500


async def test_feeds_are_at_this_origin_too(open_site: Open) -> None:
    newsroom = a_newsroom()
    feed = httpx.Response(200, content=b"<rss/>", headers={"content-type": "application/rss+xml"})
    newsroom.special[("feed", "/feed.rss")] = partial(given, feed)
    site = await open_site(newsroom)
    response = await site.get("/feed.rss?language=uk")
    assert (response.status_code, response.content) == (200, b"<rss/>")
    assert newsroom.asked[-1].url.query == b"language=uk"
    assert (await site.get("/feed.csv")).status_code == 404
