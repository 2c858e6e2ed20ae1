"""Services behind the pages, played from a list of articles; a test may take one away or change an answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI

from news_shared.article_ids import article_id
from news_shared.settings import ProcessSettings
from news_shared.themes import theme_slug
from news_views.embeds.picture_routes import PIXEL
from news_views.embeds.script_routes import components_script, read_script
from news_web.app import create_app
from news_web.settings import WebOwnSettings, WebSettings

NOW = datetime(2026, 1, 16, 9, tzinfo=UTC)
Answer = Callable[[httpx.Request], httpx.Response]


def an_article(guid: str, **fields: Any) -> dict[str, Any]:
    """An article as the feed serves it."""
    return {
        "id": article_id("herald", guid),
        "revision": 1,
        "source": "herald",
        "guid": guid,
        "url": f"https://herald.example/{guid}",
        "language": "en",
        "title": f"Title of {guid}",
        "summary": f"Summary of {guid}.",
        "content_html": "<p>First paragraph.</p><p>Second paragraph.</p>",
        "date_published": "2026-01-15T12:05:00Z",
        "first_published_at": "2026-01-15T12:05:01Z",
        "tags": ["Port Morrow"],
        **fields,
    }


def a_card(article: Mapping[str, Any]) -> dict[str, Any]:
    """An article as `related` shows it."""
    return {
        "article": article["id"],
        "title": article["title"],
        "url": article["url"],
        "language": article["language"],
        "date": article["date_published"],
        "image": article.get("image"),
    }


class _Bytes(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


class _Live(httpx.AsyncByteStream):
    """The stream of counts, for one page."""

    def __init__(self, views: Mapping[str, int], articles: list[str]) -> None:
        self._views = views
        self._articles = articles

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"event: articles\ndata: %s\n\n" % json.dumps({name: name for name in self._articles}).encode()
        told: dict[str, int] = {}
        while True:
            for article in self._articles:
                views = self._views.get(article, 0)
                if told.get(article) != views:
                    told[article] = views
                    yield b"data: %s\n\n" % json.dumps({"article": article, "views": views}).encode()
            await asyncio.sleep(0.02)


class _Stream(httpx.AsyncByteStream):
    """Events of articles: those after one that the reader had, and then as they happen."""

    def __init__(self, events: list[tuple[str, Mapping[str, Any]]], last: str | None) -> None:
        self._events = events
        self._next = int(last) + 1 if last else len(events)
        self._is_new = not last

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._is_new:
            yield b'id: %d\nevent: heartbeat\ndata: {"next_within_seconds": 15}\n\n' % (self._next - 1)
        while True:
            while self._next < len(self._events):
                kind, story = self._events[self._next]
                yield b"id: %d\nevent: %s\ndata: %s\n\n" % (self._next, kind.encode(), json.dumps(story).encode())
                self._next += 1
            await asyncio.sleep(0.02)


@dataclass
class Newsroom:
    """Answers for all four services, told apart by the host name."""

    articles: list[dict[str, Any]]
    views: dict[str, int] = field(default_factory=dict)
    withdrawn: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    backlinks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    related: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    blocked: dict[str, list[str]] = field(default_factory=dict)
    stories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    ranking: list[str] = field(default_factory=list)
    duplicate_of: dict[str, str] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    special: dict[tuple[str, str], Answer] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """The transport's handler; answers come as streams, as from the network."""
        await request.aread()
        if request.url.host in self.slow:
            await asyncio.Event().wait()  # until the caller gives up
        answered = self._answer(request)
        if request.url.path == "/v1/views/live" and answered.status_code == 200:
            return httpx.Response(
                200,
                headers={"content-type": "text/event-stream"},
                stream=_Live(self.views, request.url.params.get_list("article")),
            )
        if request.url.path == "/v1/stream" and answered.status_code == 200:
            last = request.headers.get("last-event-id") or request.url.params.get("last_event_id")
            stream = _Stream(self.events, last)
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=stream)
        return httpx.Response(answered.status_code, headers=answered.headers, stream=_Bytes(answered.content))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.host in self.down:
            raise httpx.ConnectError("connection refused", request=request)
        if special := self.special.get((request.url.host, request.url.path)):
            return special(request)
        if request.url.host == "feed":
            return self._feed(request)
        if request.url.host == "views":
            return self._views(request)
        if request.url.host == "related":
            return self._related(request)
        return httpx.Response(202, json={"accepted": 1})

    def _feed(self, request: httpx.Request) -> httpx.Response:
        wanted = request.url.params
        if request.url.path == "/v1/stream":
            return httpx.Response(200)
        if request.url.path == "/v1/articles":
            items = [
                a for a in self.articles if "theme" not in wanted or _slug(wanted["theme"]) in map(_slug, a["tags"])
            ]
            items = [a for a in items if wanted.get("language", a["language"]) == a["language"]]
            items = [a for a in items if wanted.get("source", a["source"]) == a["source"]]
            items = [a for a in items if wanted.get("url", a["url"]) == a["url"]]
            if "article" in wanted:
                names = wanted.get_list("article")
                items = [a for a in items if a["id"] in names or f"{a['source']}:{a['guid']}" in names]
            items = sorted(items, key=lambda a: (a["date_published"], a["id"]), reverse=True)
            return httpx.Response(200, json={"items": items[: int(wanted.get("limit", 20))]})
        name = request.url.path.rpartition("/")[2]
        if name in self.withdrawn:
            return httpx.Response(410, json={"status": 410, "detail": "Withdrawn.", **self.withdrawn[name]})
        found = next((a for a in self.articles if a["id"] == name), None)
        return httpx.Response(200, json=found) if found else httpx.Response(404, json={"status": 404})

    def _views(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            article = json.loads(request.content)["article"]
            self.views[article] = self.views.get(article, 0) + 1
            return httpx.Response(202)
        if request.url.path == "/v1/pixel.gif":
            article = request.url.params["article"]
            self.views[article] = self.views.get(article, 0) + 1
            return httpx.Response(200, headers={"content-type": "image/gif"}, content=PIXEL)
        if request.url.path == "/v1/views/live":
            return httpx.Response(200)
        if script := {"/v1/read.js": read_script, "/v1/components.js": components_script}.get(request.url.path):
            return httpx.Response(200, headers={"content-type": "text/javascript"}, content=script())
        if request.url.path in {"/v1/most-read", "/v1/trending"}:
            shown = self.ranking[: int(request.url.params["limit"])]
            key = "views" if request.url.path == "/v1/most-read" else "score"
            items = [{"article": name, key: 90 - place, "language": "en"} for place, name in enumerate(shown)]
            return httpx.Response(200, json={"items": items, "window": request.url.params["window"]})
        if request.url.path == "/v1/views":
            names = request.url.params.get_list("article")
            counts = [
                {"article": n, "views": None, "status": 410}
                if n in self.withdrawn
                else {"article": n, "views": self.views.get(n, 0)}
                for n in names
            ]
            return httpx.Response(200, json={"items": counts})
        name = request.url.path.split("/")[3]
        return httpx.Response(200, json={"article": name, "views": self.views.get(name, 0), "readers": 1})

    def _related(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/themes":
            names = dict.fromkeys(tag for article in self.articles for tag in article["tags"] if theme_slug(tag))
            return httpx.Response(
                200, json={"items": [{"slug": _slug(n), "name": n, "articles": 7, "languages": {}} for n in names]}
            )
        if request.url.path.startswith("/v1/themes/"):
            return httpx.Response(404, json={"status": 404})
        if request.url.path == "/v1/duplicates/among":
            asked = request.url.params.get_list("article")
            firsts = {n: self.duplicate_of.get(n) for n in asked}
            among = [{"article": n, "duplicate_of": f if f in asked else None} for n, f in firsts.items()]
            return httpx.Response(200, json={"items": among})
        if request.url.path.startswith("/v1/stories/"):
            name = request.url.path.rpartition("/")[2]
            told = self.stories.get(name)
            if told is None:
                return httpx.Response(404, json={"status": 404})
            return httpx.Response(200, json={"id": told[0]["article"], "items": told, "truncated": False})
        _, _, _, name, what = request.url.path.split("/")
        if what == "story":
            told = self.stories.get(name, [])
            return httpx.Response(
                200, json={"id": told[0]["article"] if told else name, "items": told, "truncated": False}
            )
        if what == "links":
            body = {"links": self.links.get(name, []), "backlinks": self.backlinks.get(name, [])}
            return httpx.Response(200, json=body)
        items = [dict(item) for item in self.related.get(name, [])]
        if request.headers.get("accept-language") == "uk":
            for item in items:
                item["reason"] = {**item["reason"], "text": f"українською: {item['reason']['kind']}"}
        return httpx.Response(200, json={"items": items, "blocked": self.blocked.get(name, [])})


def _slug(theme: str) -> str:
    return "-".join(theme.casefold().split())


def a_site(newsroom: Newsroom, **settings: Any) -> FastAPI:
    """The web service in front of a newsroom."""
    settings = {"fresh": "PT0S", "cards": "PT0S", **settings}  # what a test changes is there at once
    process = {"trusted_proxies": settings.pop("trusted_proxies", "127.0.0.1")}
    own = WebOwnSettings(
        feed_url="http://feed",
        views_url="http://views",
        related_url="http://related",
        ingest_url="http://ingest",
        **settings,
    )
    return create_app(
        WebSettings(ProcessSettings(**process), own), transport=httpx.MockTransport(newsroom.answer), clock=lambda: NOW
    )
