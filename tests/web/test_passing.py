"""Requests that go on to the other services, and their answers."""

import asyncio
import json
from contextlib import suppress
from functools import partial

import httpx
import pytest
import uvicorn

from news_shared.settings import ProcessSettings
from news_web.app import create_app
from news_web.getting import IDLE_SECONDS
from news_web.settings import WebOwnSettings, WebSettings
from tests.web.conftest import Open
from tests.web.ferry_newsroom import STORY, a_newsroom, given


async def test_a_beacon_goes_on_with_the_readers_address_and_wishes(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom, peer="203.0.113.7")
    wishes = {"user-agent": "Mozilla/5.0", "sec-gpc": "1", "dnt": "1"}
    headers = {**wishes, "cookie": "a=b", "x-forwarded-for": "198.51.100.9"}
    response = await site.post("/v1/views", json={"article": STORY["id"]}, headers=headers)
    assert response.status_code == 202
    sent = newsroom.asked[-1]
    assert (sent.method, str(sent.url)) == ("POST", "http://views/v1/views")
    assert json.loads(sent.content) == {"article": STORY["id"]}
    assert sent.headers["x-forwarded-for"] == "203.0.113.7"
    assert wishes.items() <= dict(sent.headers).items()
    assert "cookie" not in sent.headers
    assert sent.headers["content-length"] == str(len(sent.content))


async def test_requests_go_on_byte_by_byte_and_answers_come_back_so(open_site: Open) -> None:
    newsroom = a_newsroom()
    special = {"etag": 'W/"x"', "content-type": "application/problem+json", "retry-after": "7"}
    refused = httpx.Response(412, headers=special, content=b"{}")
    newsroom.special[("ingest", "/v1/articles/herald:a/b")] = partial(given, refused)
    site = await open_site(newsroom)
    response = await site.delete("/v1/articles/herald:a%2Fb?reason=a+b&x=%C3%A9", headers={"authorization": "Bearer k"})
    assert newsroom.asked[-1].url.raw_path == b"/v1/articles/herald:a%2Fb?reason=a+b&x=%C3%A9"
    assert newsroom.asked[-1].headers["authorization"] == "Bearer k"
    assert (response.status_code, response.content) == (412, b"{}")
    assert special.items() <= dict(response.headers).items()


async def test_a_service_that_does_not_answer_is_503_and_an_unknown_call_404(open_site: Open) -> None:
    newsroom = a_newsroom()
    newsroom.down = {"ingest"}
    site = await open_site(newsroom)
    response = await site.post("/v1/articles", content=b"[]")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/unavailable")
    assert response.headers["retry-after"]
    unknown = await site.get("/v1/nothing")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")


async def test_no_connection_is_kept_for_so_long_that_the_service_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert uvicorn.Config("x:y").timeout_keep_alive > IDLE_SECONDS
    monkeypatch.setattr("news_web.app.IDLE_SECONDS", 0)  # so that none is kept at all
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    app = create_app(WebSettings(ProcessSettings(), WebOwnSettings(views_url=f"http://{host}:{port}")))
    async with server, app.router.lifespan_context(app) as state:
        assert state is not None
        for _ in range(2):
            assert (await state["desk"].peers.client.post(f"http://{host}:{port}/v1/views")).status_code == 202
    assert len(connections) == 2
