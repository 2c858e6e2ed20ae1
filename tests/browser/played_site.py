"""A site that listens, in front of services played from a list."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn

from tests.testbed.waiting import until
from tests.web.newsroom import Newsroom, a_site


@dataclass
class Site:
    """A site that listens, and the newsroom behind it."""

    url: str
    newsroom: Newsroom


@asynccontextmanager
async def listening(newsroom: Newsroom) -> AsyncIterator[Site]:
    """The site on a port of its own; images of hosts that do not exist are taken away."""
    for article in newsroom.articles:
        article["image"] = None
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(a_site(newsroom), log_level="warning", lifespan="on"))
    serving = asyncio.create_task(server._serve([door]))  # serve() would take our signal handlers
    try:
        await until(lambda: server.started, "the site")
        yield Site(f"http://127.0.0.1:{door.getsockname()[1]}", newsroom)
    finally:
        server.should_exit = True
        server.force_exit = True  # event streams have no end of their own
        await serving
        door.close()
