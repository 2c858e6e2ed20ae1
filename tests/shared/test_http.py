"""What every service answers alike: its documents, and when it meets a bug of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import lxml.html
import pytest
import structlog
from fastapi import FastAPI
from starlette.responses import Response, StreamingResponse
from structlog.contextvars import merge_contextvars
from structlog.testing import LogCapture
from structlog.types import EventDict

from news_shared import http
from news_shared.http import create_service


@asynccontextmanager
async def nothing(app: FastAPI) -> AsyncIterator[None]:
    yield


async def breaks_off() -> AsyncIterator[bytes]:
    yield b"begun"
    raise RuntimeError("bug")


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = create_service("a service", nothing, unready=list)

    @app.get("/bug")
    async def bug() -> None:
        raise RuntimeError("bug")

    @app.get("/late")
    async def late() -> Response:
        return StreamingResponse(breaks_off())

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[EventDict]:
    capture = LogCapture()
    monkeypatch.setattr(http, "log", structlog.wrap_logger(None, processors=[merge_contextvars, capture]))
    return capture.entries


async def test_a_bug_is_a_problem_whose_trace_is_in_the_answer_and_in_the_log(
    client: httpx.AsyncClient, lines: list[EventDict]
) -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await client.get("/bug", headers={"Origin": "https://page.example", "traceparent": given})
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert answer.headers["traceparent"] == given
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "traceparent" in answer.headers["access-control-expose-headers"]
    [line] = lines
    assert (line["event"], line["path"], line["trace"]) == ("request failed", "/bug", given[3:35])


async def test_an_answer_that_has_begun_is_broken_off(client: httpx.AsyncClient, lines: list[EventDict]) -> None:
    with pytest.raises(RuntimeError, match="bug"):
        await client.get("/late")
    [line] = lines
    assert "trace" in line


async def test_the_page_of_docs_has_all_it_needs_from_the_service(client: httpx.AsyncClient) -> None:
    page = lxml.html.fromstring((await client.get("/docs")).text)
    wanted = [str(address) for address in page.xpath("//@src | //@href")]
    assert {address.rpartition(".")[2] for address in wanted} == {"js", "css", "png"}
    for address in wanted:
        assert address.startswith("/"), address
        assert (await client.get(address)).status_code == 200, address
