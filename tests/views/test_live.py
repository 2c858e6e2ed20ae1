"""Counts as they change: what watchers are told, what it costs, and how a stream begins and ends."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import Request
from starlette.types import Message

from news_shared.article_ids import ArticleId, article_id
from news_shared.errors import OverloadError, RebuildingError
from news_shared.event_streams import Patience
from news_views.counting.counts import REASONS
from news_views.queries.counts_query import ArticleCount
from news_views.queries.live import LiveCounts, Watch
from news_views.queries.live_routes import live_counts
from news_views.view_counts import Totals
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.waiting import until
from tests.views.builders import an_article
from tests.views.newsroom_events import announce, published, withdrawn
from tests.views.test_views_service import Site, away

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
LONG = timedelta(hours=1)
NOBODY = ArticleCount(an_article(), "known", Totals(0, 0, 0, dict.fromkeys(REASONS, 0)), NOON)


@dataclass
class Shelf:
    """Counts of a moment; a test changes them."""

    views: Counter[ArticleId] = field(default_factory=Counter)
    away: set[ArticleId] = field(default_factory=set)
    looks: list[tuple[ArticleId, ...]] = field(default_factory=list)

    async def of(self, articles: Sequence[ArticleId]) -> list[ArticleCount]:
        self.looks.append(tuple(articles))
        await asyncio.sleep(0)
        if self.away.intersection(articles):
            raise RebuildingError("a partition is being restored")
        return [
            NOBODY._replace(article=article, totals=NOBODY.totals._replace(views=self.views[article]))
            for article in articles
        ]


@asynccontextmanager
async def running(shelf: Shelf, *, tick: float, most: int = 10_000) -> AsyncIterator[LiveCounts]:
    live = LiveCounts(
        shelf, PARTITIONS, lambda count: b"%d" % count.totals.views, tick=timedelta(seconds=tick), most=most
    )
    task = asyncio.create_task(live.run())
    try:
        yield live
    finally:
        live.request_stop()
        await task


async def told(watch: Watch, *, silence: timedelta = LONG) -> list[bytes]:
    async for changes in watch.changes(silence=silence, life=LONG):
        return changes
    return [b"over"]


async def test_a_watcher_is_told_at_once_and_again_only_when_something_changed() -> None:
    shelf = Shelf()
    shelf.views[an_article()] = 7
    async with running(shelf, tick=0.01) as live:
        with live.watching([an_article()]) as watch:
            assert await told(watch) == [b"7"]
            looks = len(shelf.looks)
            await until(lambda: len(shelf.looks) > looks + 3, "some more looks")
            assert await told(watch, silence=timedelta()) == []
            shelf.views[an_article()] = 8
            assert await told(watch) == [b"8"]


async def test_the_first_count_does_not_wait_for_the_tick() -> None:
    async with running(Shelf(), tick=3600) as live:
        with live.watching([an_article(1)]) as first, live.watching([an_article(1), an_article(2)]) as second:
            assert await told(first) == [b"0"]
            await until(lambda: live.articles == 2, "both")
            assert len(await told(second)) >= 1


async def test_a_thousand_watchers_of_an_article_cost_one_look() -> None:
    shelf = Shelf()
    async with running(shelf, tick=3600) as live:
        with live.watching([an_article()]) as first:
            await told(first)
            watches = [live.watching([an_article()]) for _ in range(1000)]
            for watch in watches:
                assert await told(watch.__enter__()) == [b"0"]
            assert shelf.looks == [(an_article(),)]
            for watch in watches:
                watch.__exit__(None, None, None)
        assert (live.watchers, live.articles) == (0, 0)


async def test_a_slow_watcher_is_told_the_newest_count_and_no_other() -> None:
    shelf = Shelf()
    async with running(shelf, tick=0.001) as live:
        with live.watching([an_article()]) as slow, live.watching([an_article()]) as quick:
            for views in range(1, 6):
                shelf.views[an_article()] = views
                while await told(quick) != [b"%d" % views]:
                    pass
            assert await told(slow) == [b"5"]


async def test_an_article_that_cannot_be_read_keeps_no_other_waiting() -> None:
    shelf = Shelf(away={an_article(1)})
    async with running(shelf, tick=0.01) as live:
        with live.watching([an_article(1), an_article(2)]) as watch:
            assert await told(watch) == [b"0"]
            shelf.away.clear()
            shelf.views[an_article(1)] = 3
            assert await told(watch) == [b"3"]


async def test_one_watcher_too_many_is_refused() -> None:
    async with running(Shelf(), tick=1, most=1) as live:
        with live.watching([an_article()]), pytest.raises(OverloadError), live.watching([an_article()]):
            pass
        with live.watching([an_article()]):
            pass


async def test_a_watch_ends_with_its_life_and_with_the_process() -> None:
    async with running(Shelf(), tick=1) as live:
        with live.watching([an_article()]) as watch:
            await told(watch)
            assert [changes async for changes in watch.changes(silence=LONG, life=timedelta(seconds=0.01))] == []
            live.request_stop()
            assert await told(watch) == [b"over"]
        with live.watching([an_article()]) as late:
            assert await told(late) == [b"over"]


async def test_a_client_that_takes_nothing_is_no_watcher_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("news_shared.event_streams._TAKES_NOTHING", timedelta(seconds=0.1))
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if len(sent) == 2:  # its buffer is full
            await asyncio.Event().wait()
        sent.append(message)

    async with running(Shelf(), tick=1) as live:
        request = Request({"type": "http", "state": {"live": live, "patience": Patience(LONG, LONG)}})
        answer = await live_counts(request, [an_article()])
        async with asyncio.timeout(10):
            await answer({"type": "http", "path": "/v1/views/live"}, receive, send)
        assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
        assert live.watchers == 0


@dataclass
class Event:
    name: str
    data: Any


async def events(lines: AsyncIterator[str]) -> AsyncIterator[Event | str]:
    """Events, and other lines as they are."""
    name = "message"
    async for line in lines:
        match line.partition(": "):
            case ("event", _, value):
                name = value
            case ("data", _, value):
                yield Event(name, json.loads(value))
                name = "message"
            case _ if line:
                yield line
            case _:
                pass


@asynccontextmanager
async def watched(
    site: RoleProcess, http: httpx.AsyncClient, names: Iterable[str]
) -> AsyncIterator[AsyncIterator[Event | str]]:
    asked = httpx.QueryParams({"article": list(names)})
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip", "Origin": "https://paper.example"}
    async with http.stream("GET", f"{site.url}/v1/views/live", params=asked, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["access-control-allow-origin"] == "*"
        assert "content-encoding" not in response.headers
        yield events(response.aiter_lines())


async def following(stream: AsyncIterator[Event | str], name: str = "message") -> Any:
    async with asyncio.timeout(20):
        async for event in stream:
            if isinstance(event, Event) and event.name == name:
                return event.data
    raise AssertionError("the stream ended")


@pytest_asyncio.fixture
async def site(roles: Roles, fresh_backend: Backend) -> AsyncIterator[Site]:
    async with plain_client(timeout=15) as http:
        processes = [roles.make("views-projector"), roles.make("views-api"), roles.make("web")]
        for process in processes:
            process.launch()
        for process in processes:
            await process.ready()
        yield Site(processes[1], fresh_backend, http)


@pytest.mark.parametrize("through", ["views-api", "web"])
async def test_a_page_sees_counts_change_and_articles_come_and_go(site: Site, roles: Roles, through: str) -> None:
    door = next(process for process in roles.processes if process.name.startswith(through))
    [article] = await announce(site.backend, [published("ferry")])
    await site.counted(article, views=0)
    async with watched(door, site.http, ["herald:ferry", "herald:late", article]) as stream:
        first = await anext(stream)
        assert isinstance(first, str)
        assert first.startswith("retry: ")
        late = article_id("herald", "late")
        assert await anext(stream) == Event(
            "articles", {"herald:ferry": article, "herald:late": late, article: article}
        )
        told = {event.name: event.data async for event in _some(stream, 2)}
        assert {name: data["article"] for name, data in told.items()} == {"message": article, "unknown": late}
        assert (told["message"]["views"], told["unknown"]["views"], told["unknown"]["status"]) == (0, None, 404)

        await site.open(article)
        assert (await following(stream))["views"] == 1
        await announce(site.backend, [withdrawn("ferry", 2)])
        assert (await following(stream, "gone"))["status"] == 410
        await announce(site.backend, [published("ferry", 3)])
        assert (await following(stream))["views"] == 1
        await announce(site.backend, [published("late")])
        assert (await following(stream))["article"] == late


async def _some(stream: AsyncIterator[Event | str], number: int) -> AsyncIterator[Event]:
    while number:
        event = await anext(stream)
        if isinstance(event, Event):
            number -= 1
            yield event


async def test_open_streams_keep_nobody_from_stopping(site: Site, roles: Roles) -> None:
    [article] = await announce(site.backend, [published("ferry")])
    _, api, web = roles.processes
    for door in (web, api):
        async with watched(door, site.http, [article]) as stream:
            await following(stream)
            begun = monotonic()
            await door.stop()
            assert monotonic() - begun < 4
            async with asyncio.timeout(5):
                assert [event async for event in stream if isinstance(event, Event)] == []
        assert "Traceback" not in door.said()


async def test_a_service_that_dies_ends_the_streams_that_web_passes_on(site: Site, roles: Roles) -> None:
    [article] = await announce(site.backend, [published("ferry")])
    _, api, web = roles.processes
    async with watched(web, site.http, [article]) as stream:
        await following(stream)
        api.kill()
        async with asyncio.timeout(5):
            assert [event async for event in stream if isinstance(event, Event)] == []
    assert "Traceback" not in web.said()


async def test_a_stream_speaks_in_silence_lives_so_long_and_waits_for_redis(
    roles: Roles, fresh_backend: Backend
) -> None:
    await roles.start("views-projector")
    api = await roles.start(
        "views-api", NEWS_VIEWS_LIVE_HEARTBEAT="PT0.1S", NEWS_VIEWS_LIVE_LIFE="PT5S", NEWS_VIEWS_LIVE_STREAMS="1"
    )
    [article] = await announce(fresh_backend, [published("ferry")])
    async with plain_client(timeout=15) as http:
        begun = monotonic()
        async with watched(api, http, [article]) as stream:
            refused = await http.get(f"{api.url}/v1/views/live", params={"article": article})
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/at-capacity")
            lines = [event async for event in stream]
        assert ": still here" in lines
        assert 3.5 < monotonic() - begun < 10
        with away(fresh_backend.redis):
            async with watched(api, http, [article]) as stream:
                await until_heartbeat(stream)
        for names, status in [([], 422), (["herald:a"] * 101, 422), (["nonsense"], 400)]:
            answer = await http.get(f"{api.url}/v1/views/live", params=[("article", name) for name in names])
            assert answer.status_code == status, names
        document = (await http.get(f"{api.url}/openapi.json")).json()
        assert "text/event-stream" in document["paths"]["/v1/views/live"]["get"]["responses"]["200"]["content"]


async def until_heartbeat(stream: AsyncIterator[Event | str]) -> None:
    async with asyncio.timeout(10):
        async for event in stream:
            assert not isinstance(event, Event) or event.name == "articles"
            if event == ": still here":
                return
    raise AssertionError("the stream ended")


async def test_a_page_that_leaves_is_forgotten(site: Site) -> None:
    [article] = await announce(site.backend, [published("ferry")])

    async def watching(number: int) -> bool:
        text = (await site.http.get(f"{site.api.url}/metrics")).text
        return f"news_views_live_streams {number}.0" in text and f"news_views_live_articles {number}.0" in text

    with suppress(httpx.StreamClosed):
        async with watched(site.api, site.http, [article]) as stream:
            await following(stream)
            assert await watching(1)
    await until(lambda: watching(0), "the page to be forgotten")
