"""A site that listens, in front of services played from a list."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn

from tests.testbed.waiting import until
from tests.web.ferry_newsroom import CABLE, STORY, path_of
from tests.web.newsroom import Newsroom, a_site, an_article

OLDER = an_article("older", title="The harbour burns", date_published="2026-01-12T07:00:00Z")
COPIES = [
    an_article(f"copy-{n}", source=source, title=f"A harbour burns {n}", date_published=f"2026-01-12T0{n}:00:00Z")
    for n, source in ((8, "tribune"), (9, "courier"))
]
"""Of the older one, which is on every list with links to them."""
ARABIC = an_article(
    "cranes",
    language="ar",
    title="الرافعات تعود إلى العمل في بورت مورو",
    summary="بعد أسبوع من التوقف، عادت الحبوب إلى السفن.",
    content_html="<p>عادت <em>الرافعات</em> إلى العمل.</p><blockquote>الصمت كان غريبا.</blockquote>",
    tags=["Port Morrow"],
    date_published="2026-01-11T08:00:00Z",
)
GONE = "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b99"
KINDS = {
    "home": "/",
    "older stories": "/?cursor=x",
    "article": path_of(STORY),
    "article in Ukrainian": path_of(CABLE),
    "article from right to left": path_of(ARABIC),
    "most read": "/most-read",
    "themes": "/themes",
    "theme": "/themes/port-morrow",
    "source": "/sources/herald",
    "story": f"/stories/{OLDER['id']}",
    "counting": "/counting",
    "missing": "/nowhere",
    "gone": f"/articles/{GONE}",
}
"""An address for every kind of page."""


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
        await server.lifespan.shutdown()  # a forced exit leaves it open, and what holds it until it is collected
        door.close()
