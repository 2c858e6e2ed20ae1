"""Feeds and sitemap over HTTP: what stands in them, validators, withdrawals, and the same answers through the web."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import feedparser  # type: ignore[import-untyped]
import httpx
import pytest
import pytest_asyncio
from lxml import etree

from news_feed.app import create_api
from news_feed.feed_routes import MAX_ENTRIES
from news_feed.settings import FeedOwnSettings, FeedSettings
from news_shared.redis_client import open_redis
from news_shared.settings import ProcessSettings
from news_web.app import create_app
from news_web.settings import WebOwnSettings, WebSettings
from tests.feed.asgi import client_of
from tests.feed.builders import NOON, published, withdrawn
from tests.feed.test_feed_service import Feed, minutes, projecting
from tests.testbed.backends import PARTITIONS, Backend

XML = ("/feed.atom", "/feed.rss")
FEEDS = ("/feed.json", *XML)
ALL = (*FEEDS, "/sitemap-news.xml")


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = NOON + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


HANDS = Hands()


@pytest_asyncio.fixture(scope="module")
async def feed(backend: Backend) -> AsyncIterator[Feed]:
    own = FeedOwnSettings(origin="https://paper.example/", title="The Paper")
    settings = FeedSettings(ProcessSettings(partitions=PARTITIONS), backend.kafka_settings, backend.redis_settings, own)
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(backend.redis_settings))
        api = await stack.enter_async_context(client_of(create_api(settings, clock=HANDS)))
        await stack.enter_async_context(projecting(backend, redis))
        yield Feed(backend, redis, api)


@pytest_asyncio.fixture
async def other_api(feed: Feed) -> AsyncIterator[httpx.AsyncClient]:
    settings = FeedSettings(
        ProcessSettings(partitions=PARTITIONS), feed.backend.kafka_settings, feed.backend.redis_settings
    )
    async with client_of(create_api(settings, clock=HANDS)) as api:
        yield api


async def ids(feed: Feed, address: str, **wanted: str) -> list[str]:
    answer = await feed.api.get(address, params=wanted)
    assert answer.status_code == 200, answer.text
    if address == "/feed.json":
        return [item["id"] for item in answer.json()["items"]]
    read = feedparser.parse(answer.content)
    assert not read.bozo
    return [entry.id for entry in read.entries]


async def test_each_feed_has_the_newest_of_its_selection_whole(feed: Feed) -> None:
    await feed.write(published(f"n{n}", source="many", **minutes(n)) for n in range(MAX_ENTRIES + 5))
    expected = [f"urn:uuid:{published(f'n{n}', source='many').id}" for n in range(MAX_ENTRIES + 4, 4, -1)]
    await feed.write([published("uk", source="few", language="uk", tags=("Пошта",)), published("en", source="few")])
    ours = f"urn:uuid:{published('uk', source='few').id}"
    for address in FEEDS:
        assert await ids(feed, address, source="many") == expected
        assert await ids(feed, address, source="few", theme="пошта") == [ours]
        assert await ids(feed, address, source="few", language="uk") == [ours]
        assert await ids(feed, address, theme="nothing") == []
        assert "<p>Body.</p>" in (await feed.api.get(address)).text.replace("&lt;", "<").replace("&gt;", ">")
        for wanted in ({"theme": "!!"}, {"theme": ""}, {"source": ""}, {"language": ""}):
            refused = await feed.api.get(address, params=wanted)
            assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid"), wanted


async def test_a_feed_is_its_own_type_and_knows_its_address(feed: Feed) -> None:
    for address, media_type in zip(
        ALL, ("application/feed+json", "application/atom+xml", "application/rss+xml", "application/xml"), strict=True
    ):
        answer = await feed.api.get(address)
        assert answer.headers["content-type"].partition(";")[0] == media_type
        assert answer.headers["cache-control"] == "no-cache"
    told = (await feed.api.get("/feed.json", params={"language": "uk"})).json()
    assert told["feed_url"] == "https://paper.example/feed.json?language=uk"


@pytest.mark.parametrize("address", ALL)
async def test_an_unchanged_feed_is_304_by_either_validator_and_a_changed_one_is_not(feed: Feed, address: str) -> None:
    guid, newest = f"validators {address}", minutes(1000 + ALL.index(address))
    await feed.write([published(guid, source="both", **newest), published(f"{guid} 2", source="both", **newest)])
    fresh = await feed.api.get(address)
    assert "last-modified" not in fresh.headers  # this second may bring another
    HANDS.later(seconds=1)
    first = await feed.api.get(address)
    HANDS.later(minutes=5)
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    for known in ({"If-None-Match": etag}, {"If-Modified-Since": modified}):
        same = await feed.api.get(address, headers=known)
        assert (same.status_code, same.content) == (304, b"")
        assert (same.headers["etag"], same.headers["last-modified"]) == (etag, modified)
    for no_date in ("nonsense", "Mon, 01 Jan 2026 00:00:00 +999999999999999999", "Mon, 01 Jan 0001 00:00:00 +2359"):
        assert (await feed.api.get(address, headers={"If-Modified-Since": no_date})).status_code == 200
    before = format_datetime(parsedate_to_datetime(modified) - timedelta(seconds=1), usegmt=True)
    assert (await feed.api.get(address, headers={"If-Modified-Since": before})).status_code == 200
    both = {"If-None-Match": '"other"', "If-Modified-Since": modified}
    assert (await feed.api.get(address, headers=both)).status_code == 200

    await feed.write([withdrawn(f"{guid} 2", 2, source="both")])  # nothing in it is newer now
    HANDS.later(seconds=5)
    for known in ({"If-None-Match": etag}, {"If-Modified-Since": modified}):
        changed = await feed.api.get(address, headers=known)
        assert changed.status_code == 200
        assert f"{published(f'{guid} 2', source='both').id}</" not in changed.text
        assert f'{published(f"{guid} 2", source="both").id}",' not in changed.text


@pytest.mark.parametrize("address", ["/feed.rss", "/feed.json"])
async def test_what_another_process_said_in_between_is_not_taken_for_what_this_one_knows(
    feed: Feed, other_api: httpx.AsyncClient, address: str
) -> None:
    source = f"between-{address[-3:]}"
    await feed.write([published("stays", source=source)])
    await other_api.get(address, params={"source": source})
    HANDS.later(seconds=10)
    await feed.write([published("goes", source=source)])
    await feed.api.get(address, params={"source": source})
    HANDS.later(seconds=2)
    seen = await feed.api.get(address, params={"source": source})
    HANDS.later(seconds=10)
    await feed.write([withdrawn("goes", 2, source=source)])
    known = {"If-Modified-Since": seen.headers["last-modified"]}
    for _ in range(2):
        answer = await other_api.get(address, params={"source": source}, headers=known)
        assert (answer.status_code, "goes" in answer.text) == (200, False)
        HANDS.later(seconds=2)


async def test_atom_names_what_was_withdrawn_until_it_is_back(feed: Feed) -> None:
    async def tombstones(**wanted: str) -> list[str]:
        root = etree.fromstring((await feed.api.get("/feed.atom", params=wanted)).content)
        return [
            element.get("ref") for element in root.iterfind("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
        ]

    event = published("t", source="tombstones", tags=("Ships",))
    await feed.write([event, withdrawn("t", 2, source="tombstones")])
    ours = f"urn:uuid:{event.id}"
    assert await tombstones(source="tombstones") == await tombstones(source="tombstones", theme="ships") == [ours]
    assert ours in await tombstones()
    assert ours not in await tombstones(source="another")
    await feed.write([published("t", 3, source="tombstones")])
    assert await tombstones(source="tombstones") == []


async def test_head_says_what_get_says_without_the_body(feed: Feed) -> None:
    await feed.write([published("h", source="heads")])
    HANDS.later(seconds=5)
    one = "/v1/articles/heads:h"
    for address in (*ALL, one, "/v1/articles?source=heads", "/v1/articles?article=heads:h"):
        told, head = await feed.api.get(address), await feed.api.head(address)
        assert (head.status_code, head.content) == (200, b"")
        assert {name: head.headers[name] for name in ("etag", "cache-control", "content-type")} == {
            name: told.headers[name] for name in ("etag", "cache-control", "content-type")
        }
        if address in ALL:
            assert head.headers["content-length"] == told.headers["content-length"]
        assert (await feed.api.head(address, headers={"If-None-Match": told.headers["etag"]})).status_code == 304
    assert (await feed.api.head("/v1/articles/nobody:nothing")).status_code == 404
    assert (await feed.api.head("/v1/stream")).status_code == 405


async def test_the_sitemap_has_two_days_and_no_more(feed: Feed) -> None:
    recent = [published(f"now {n}", source="sitemap", **minutes(n)) for n in range(110)]
    old = published("old", source="sitemap", date_published=NOON - timedelta(days=3))
    arrived: dict[str, Any] = {"first_published_at": NOON}
    late = published("late", source="sitemap", date_published=NOON - timedelta(days=3), **arrived)
    await feed.write([*recent, old, late])
    text = (await feed.api.get("/sitemap-news.xml")).text
    assert all(f"https://paper.example/articles/{event.id}<" in text for event in recent)
    assert old.id not in text
    assert late.id not in text


async def test_readers_find_the_feeds_at_the_web(feed: Feed) -> None:
    await feed.write([published("w", source="web")])
    settings = WebSettings(ProcessSettings(), WebOwnSettings(feed_url="http://feed"))
    async with client_of(create_app(settings, transport=feed.api._transport)) as web:
        for address in (*FEEDS, *(f"{address}?source=web" for address in FEEDS), "/sitemap-news.xml"):
            through, direct = await web.get(address), await feed.api.get(address)
            assert through.status_code == 200
            assert through.content == direct.content
            assert through.headers["content-type"] == direct.headers["content-type"]
            known = {"If-None-Match": direct.headers["etag"]}
            assert (await web.get(address, headers=known)).status_code == 304
            assert (await web.head(address)).status_code == 200
        assert (await web.post("/feed.rss")).status_code == 405


async def test_json_is_as_the_specification_has_it(feed: Feed) -> None:
    await feed.write([published("j", source="json", content_html=None)])
    told = json.loads((await feed.api.get("/feed.json", params={"source": "json"})).content)
    assert told["version"] == "https://jsonfeed.org/version/1.1"
    [item] = told["items"]
    assert item["content_text"] == ""
    assert item["_newsfeed"] == {
        "article": published("j", source="json").id,
        "source": "json",
        "guid": "j",
        "revision": 1,
    }


async def test_without_redis_a_feed_is_away_for_the_moment(fresh_backend: Backend) -> None:
    settings = FeedSettings(
        ProcessSettings(partitions=PARTITIONS), fresh_backend.kafka_settings, fresh_backend.redis_settings
    )
    async with client_of(create_api(settings)) as api:
        for address in ALL:
            answer: httpx.Response = await api.get(address)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
