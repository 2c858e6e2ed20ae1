from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from tests.web.newsroom import Newsroom, a_site

Open = Callable[..., Any]


@asynccontextmanager
async def _client_of(app: FastAPI, peer: str) -> AsyncIterator[httpx.AsyncClient]:
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(with_state, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://web") as client:
            yield client


@pytest_asyncio.fixture
async def open_site() -> AsyncIterator[Open]:
    """A function that opens a reader's client of the site in front of a newsroom."""
    async with AsyncExitStack() as stack:

        async def opened(newsroom: Newsroom, *, peer: str = "127.0.0.1", **settings: Any) -> httpx.AsyncClient:
            return await stack.enter_async_context(_client_of(a_site(newsroom, **settings), peer))

        yield opened
