"""The feed on the backend's servers: events into the log, answers out of the API."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest_asyncio
from prometheus_client import CollectorRegistry

from news_feed.app import create_api
from news_feed.projection import FEED_PROJECTION
from news_feed.settings import FeedSettings
from news_shared.article_ids import article_id, partition_of
from news_shared.articles import ArticleEvent, encode_event
from news_shared.process import running
from news_shared.producer import Outgoing, open_producer
from news_shared.projection.metrics import ProjectionMetrics
from news_shared.projection.projector import Projector
from news_shared.projection.rebuild_command import rebuild_with_bar
from news_shared.redis_client import RedisClient, open_redis
from news_shared.settings import ProcessSettings
from news_shared.topics import ARTICLES
from tests.feed.asgi import client_of
from tests.feed.builders import NOON, published, withdrawn
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.waiting import until


class Feed:
    """A feed with its projector running; each test uses a source of its own."""

    def __init__(self, backend: Backend, redis: RedisClient, api: httpx.AsyncClient) -> None:
        self.backend = backend
        self.redis = redis
        self.api = api

    async def write(self, events: Iterable[ArticleEvent]) -> None:
        """Append events to the log and wait until the last of each article is served."""
        last: dict[str, ArticleEvent] = {}
        records = []
        for event in events:
            key, value, headers = encode_event(event)
            records.append(Outgoing(ARTICLES, partition_of(key, PARTITIONS), key, value, headers))
            last[event.id] = event
        async with open_producer(self.backend.kafka_settings) as producer:
            await producer.send_many(records)
        for event in last.values():
            await until(lambda event=event: self._serves(event), f"revision {event.article.revision} of {event.id}")

    async def _serves(self, event: ArticleEvent) -> bool:
        response = await self.api.get(f"/v1/articles/{event.id}")
        if response.status_code == 410:
            return event.type.endswith("withdrawn.v1")
        return response.status_code == 200 and response.json()["revision"] >= event.article.revision

    async def listed(self, **wanted: Any) -> list[str]:
        """Guids of one page."""
        response = await self.api.get("/v1/articles", params=wanted)
        assert response.status_code == 200, response.text
        return [item["guid"] for item in response.json()["items"]]

    async def pages(self, **wanted: Any) -> AsyncIterator[list[str]]:
        """Guids of each page until there is no next one."""
        while True:
            answer = (await self.api.get("/v1/articles", params=wanted)).json()
            yield [item["guid"] for item in answer["items"]]
            if "next" not in answer:
                return
            wanted["cursor"] = answer["next"]


@asynccontextmanager
async def projecting(backend: Backend, redis: RedisClient) -> AsyncIterator[None]:
    projector = Projector(
        FEED_PROJECTION,
        kafka=backend.kafka_settings,
        redis=redis,
        partitions=PARTITIONS,
        instance="0",
        metrics=ProjectionMetrics(CollectorRegistry()),
    )
    drain = timedelta(seconds=10)
    async with running(projector.run(), stop=projector.request_stop, name="feed", drain=drain):
        await until(lambda: not projector.unready(), "the projector", seconds=60)
        yield


@pytest_asyncio.fixture(scope="module")
async def feed(backend: Backend) -> AsyncIterator[Feed]:
    process = ProcessSettings(partitions=PARTITIONS)
    settings = FeedSettings(process, backend.kafka_settings, backend.redis_settings)
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(backend.redis_settings))
        api = await stack.enter_async_context(client_of(create_api(settings)))
        await stack.enter_async_context(projecting(backend, redis))
        yield Feed(backend, redis, api)


def minutes(n: int) -> dict[str, Any]:
    return {"date_published": NOON + timedelta(minutes=n)}


async def test_articles_of_all_partitions_come_newest_first(feed: Feed) -> None:
    await feed.write(published(f"n{n}", source="order", **minutes(n)) for n in range(30))
    assert await feed.listed(source="order", limit=100) == [f"n{n}" for n in reversed(range(30))]
    assert [page async for page in feed.pages(source="order", limit=12)] == [
        [f"n{n}" for n in range(29, 17, -1)],
        [f"n{n}" for n in range(17, 5, -1)],
        [f"n{n}" for n in range(5, -1, -1)],
    ]


async def test_articles_of_one_moment_are_paged_without_gap_or_repeat(feed: Feed) -> None:
    await feed.write(published(f"s{n}", source="moment") for n in range(25))
    seen = [guid async for page in feed.pages(source="moment", limit=4) for guid in page]
    assert seen == sorted((f"s{n}" for n in range(25)), key=lambda guid: article_id("moment", guid), reverse=True)


async def test_a_cursor_stays_right_while_articles_arrive_and_go(feed: Feed) -> None:
    await feed.write(published(f"c{n}", source="arrivals", **minutes(n)) for n in range(10))
    pages = feed.pages(source="arrivals", limit=4)
    assert await anext(pages) == ["c9", "c8", "c7", "c6"]
    await feed.write([published("new", source="arrivals", **minutes(99)), withdrawn("c6", 2, source="arrivals")])
    assert await anext(pages) == ["c5", "c4", "c3", "c2"]
    await feed.write([withdrawn("c1", 2, source="arrivals"), published("old", source="arrivals", **minutes(-1))])
    assert await anext(pages) == ["c0", "old"]


async def test_lists_are_told_apart_by_theme_language_and_source(feed: Feed) -> None:
    await feed.write(
        [
            published("en", source="lists", language="en-GB", tags=("Port Morrow",), **minutes(1)),
            published("uk", source="lists", language="uk", tags=("Port Morrow", "Пошта"), **minutes(2)),
            published("other", source="lists-2", language="uk", tags=("Пошта",), **minutes(3)),
        ]
    )
    assert await feed.listed(theme="port-morrow") == ["uk", "en"]
    assert await feed.listed(theme="Port  MORROW", language="EN") == ["en"]
    assert await feed.listed(theme="пошта", source="lists") == ["uk"]
    assert await feed.listed(language="en-us", source="lists") == []
    assert await feed.listed(theme="unheard of") == []


async def test_an_update_moves_an_article_between_lists_and_an_older_one_does_nothing(feed: Feed) -> None:
    await feed.write(
        [published("m", source="moves", tags=("Before",)), published("m", 3, source="moves", tags=("Now",))]
    )
    await feed.write(
        [published("m", 2, source="moves", tags=("Before",), title="late"), published("z", source="moves")]
    )
    assert await feed.listed(theme="before", source="moves") == []
    assert await feed.listed(theme="now", source="moves") == ["m"]
    assert (await feed.api.get("/v1/articles/moves:m")).json()["title"] == "Title of m"


async def test_a_withdrawn_article_is_gone_everywhere_and_says_why(feed: Feed) -> None:
    url = "https://herald.example/gone"
    story: dict[str, Any] = {"source": "gone", "tags": ("Scandal",), "url": url}
    await feed.write([published("g", **story), withdrawn("g", 2, "libel", source="gone")])
    for wanted in ({}, {"theme": "scandal"}, {"source": "gone"}, {"language": "en"}, {"url": url}):
        assert "g" not in await feed.listed(limit=100, **wanted)
    response = await feed.api.get("/v1/articles/gone:g")
    assert response.status_code == 410
    assert response.json() | {"detail": ""} == {
        "type": "/problems/gone",
        "title": "It was withdrawn",
        "status": 410,
        "detail": "",
        "article": article_id("gone", "g"),
        "reason": "libel",
        "time": "2026-01-15T12:00:00Z",
        "as_of": response.json()["as_of"],
    }
    assert "libel" in response.json()["detail"]
    await feed.write([published("g", 3, **story)])
    assert await feed.listed(source="gone") == ["g"]
    assert (await feed.api.get("/v1/articles/gone:g")).status_code == 200


async def test_articles_are_found_by_guid_by_url_and_many_at_once(feed: Feed) -> None:
    url = "https://herald.example/a?b=c"
    guid = "https://herald.example/?p=17 і"
    await feed.write(
        [published(guid, source="names", url=url), published("b", source="names"), withdrawn("w", 1, source="names")]
    )
    one = await feed.api.get(f"/v1/articles/names:{quote(guid, safe='')}")
    assert one.json()["guid"] == guid
    assert one.json()["content_html"] == "<p>Body.</p>"
    by_url = (await feed.api.get("/v1/articles", params={"url": url})).json()
    assert [item["guid"] for item in by_url["items"]] == [guid]
    many = await feed.api.get(
        "/v1/articles", params={"article": ["names:b", "names:none", "names:w", one.json()["id"]]}
    )
    assert [item["guid"] for item in many.json()["items"]] == ["b", guid]
    assert [(m["article"], m["status"]) for m in many.json()["missing"]] == [("names:none", 404), ("names:w", 410)]


async def test_a_url_belongs_to_whoever_still_claims_it(feed: Feed) -> None:
    url = "https://herald.example/shared"
    await feed.write(
        [published("first", source="claims", url=url), published("second", source="claims", url=url, **minutes(1))]
    )
    assert await feed.listed(url=url) == ["first", "second"], "the first stays where links to it lead"
    await feed.write([withdrawn("first", 2, source="claims")])
    assert await feed.listed(url=url) == ["second"]


async def test_an_unchanged_answer_is_304_and_a_changed_one_is_not(feed: Feed) -> None:
    await feed.write([published("e", source="etags")])
    addresses = ("/v1/articles/etags:e", "/v1/articles?source=etags", "/v1/articles?article=etags:e")
    for revision, address in enumerate(addresses, 2):
        first = await feed.api.get(address)
        assert first.headers["cache-control"] == "no-cache"
        assert first.json()["as_of"] == first.headers["as-of"]
        known = {"if-none-match": first.headers["etag"]}
        assert (await feed.api.get(address, headers=known)).status_code == 304
        await feed.write([published("e", revision, source="etags", title=address)])
        assert (await feed.api.get(address, headers=known)).status_code == 200


async def test_bad_questions_are_refused_with_the_field_that_is_wrong(feed: Feed) -> None:
    for query, status, word in (
        ("limit=0", 422, "limit"),
        ("limit=many", 422, "limit"),
        ("cursor=nonsense", 400, "cursor"),
        ("article=nonsense", 400, "nonsense"),
        ("article=a:b&theme=c", 422, "article"),
        ("theme=!!", 422, "theme"),
        ("article=a:b&" * 101, 422, "article"),
    ):
        response = await feed.api.get(f"/v1/articles?{query}")
        assert response.status_code == status, query
        assert response.headers["content-type"] == "application/problem+json"
        assert word in response.json()["detail"]
    assert (await feed.api.get("/v1/articles/nonsense")).status_code == 400
    assert (await feed.api.get("/v1/articles/nobody:nothing")).status_code == 404


async def test_the_examples_of_the_document_run(feed: Feed) -> None:
    document = (await feed.api.get("/openapi.json")).json()
    parameters = document["paths"]["/v1/articles"]["get"]["parameters"]
    examples = {p["name"]: p["schema"]["examples"][0] for p in parameters if "examples" in p["schema"]}
    assert examples
    assert (await feed.api.get("/v1/articles", params=examples)).status_code == 200


async def test_a_rebuilt_feed_answers_alike_and_leaves_nothing_of_the_former(feed: Feed) -> None:
    await feed.write([published("kept", source="rebuild", tags=("Kept",)), published("lost", source="rebuild")])
    await feed.write([withdrawn("lost", 2, source="rebuild")])
    before = (await feed.api.get("/v1/articles?limit=100")).headers["etag"]
    process = ProcessSettings(partitions=PARTITIONS)
    await rebuild_with_bar(
        FEED_PROJECTION,
        "feed",
        kafka=feed.backend.kafka_settings,
        redis=feed.backend.redis_settings,
        process=process,
    )
    await until(lambda: _is_served(feed.api), "the new generation to be served")
    assert (await feed.api.get("/v1/articles?limit=100")).headers["etag"] == before
    assert await feed.listed(theme="kept") == ["kept"]
    await feed.write([published("after", source="rebuild")])
    assert set(await feed.listed(source="rebuild")) == {"kept", "after"}
    assert [key async for key in feed.redis.scan_iter(match="{feed-*}:1:*", count=1000)] == []


async def test_a_feed_restored_from_nothing_gives_the_same_answers(fresh_backend: Backend) -> None:
    process = ProcessSettings(partitions=PARTITIONS)
    settings = FeedSettings(process, fresh_backend.kafka_settings, fresh_backend.redis_settings)
    addresses = [
        "/v1/articles?limit=100",
        "/v1/articles?theme=t1&language=uk",
        "/v1/articles?source=back&limit=7",
        "/v1/articles?url=https://herald.example/1",
        *(f"/v1/articles/back:r{n}" for n in range(40)),
    ]

    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(fresh_backend.redis_settings))
        api = await stack.enter_async_context(client_of(create_api(settings)))
        feed = Feed(fresh_backend, redis, api)

        async def answers() -> list[tuple[int, str | None, object]]:
            said = [await api.get(address) for address in addresses]
            return [(r.status_code, r.headers.get("etag"), r.json() | {"as_of": ""}) for r in said]

        async with projecting(fresh_backend, redis):
            shape = ({"language": ("uk", "en")[n % 2], "tags": (f"t{n % 3}",), **minutes(n % 9)} for n in range(40))
            first = [
                published(f"r{n}", source="back", url=f"https://herald.example/{n % 5}", **fields)
                for n, fields in enumerate(shape)
            ]
            await feed.write(first)
            await feed.write(published(f"r{n}", 2, source="back", tags=("t1",), **minutes(n)) for n in range(10, 20))
            await feed.write(withdrawn(f"r{n}", 3, source="back") for n in range(15, 25))
            before = await answers()
        await redis.flushall()
        refused = await api.get("/v1/articles")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/rebuilding")
        async with projecting(fresh_backend, redis):
            await until(lambda: _is_served(api), "all partitions to be restored")
            assert await answers() == before


async def _is_served(api: httpx.AsyncClient) -> bool:
    return (await api.get("/v1/articles")).status_code == 200
