"""One GET of JSON from a service, as cheaply as can be: a page asks nine questions.

aiohttp takes a sixth of httpx's time for it; what passes through unread (`passing`) goes through httpx all the same.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, TypeAlias

import aiohttp
import httpx
from yarl import URL

IDLE_SECONDS: Final = 4
"""How long a connection to a service is kept unused: uvicorn closes one after five, and who writes to it at that moment
is not answered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    etag: str | None
    content: bytes


Get: TypeAlias = Callable[[str, Mapping[str, str]], Awaitable[Answer]]
"""Gets a percent-encoded URL with some headers; ConnectionError when there is no whole answer."""


def connections() -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    """Connections to the services, kept open between questions; no proxy, no cookies."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"accept-encoding": "identity"},  # the services are near: packing takes longer than sending
        timeout=aiohttp.ClientTimeout(),  # who asks has a limit
    )


def get_with(session: aiohttp.ClientSession) -> Get:
    """Gets over these connections."""

    async def get(url: str, headers: Mapping[str, str]) -> Answer:
        try:
            async with session.get(URL(url, encoded=True), headers=headers, allow_redirects=False) as response:
                return Answer(response.status, response.headers.get("etag"), await response.read())
        except aiohttp.ClientError as error:
            raise ConnectionError(repr(error)) from error

    return get


def get_through(client: httpx.AsyncClient) -> Get:
    """Gets through a client with a transport of its own, which tests have instead of the network."""

    async def get(url: str, headers: Mapping[str, str]) -> Answer:
        try:
            response = await client.get(url, headers=headers)
        except httpx.HTTPError as error:
            raise ConnectionError(repr(error)) from error
        return Answer(response.status_code, response.headers.get("etag"), response.content)

    return get
