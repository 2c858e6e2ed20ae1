"""The services behind the pages: every question has a deadline, and a service that is down is an answer, too."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

import httpx
import structlog

from news_web.public_paths import Service

log = structlog.get_logger()

Status = Literal["ok", "missing", "gone", "refused", "unavailable"]
Parameters = Mapping[str, str | int | Sequence[str]]


@dataclass(frozen=True)
class Part:
    """What a service answered to one question; `body` is its JSON, empty unless there was any."""

    status: Status
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        """There is an answer that may be shown."""
        return self.status == "ok"


UNAVAILABLE = Part("unavailable")

Closing: TypeAlias = Callable[[], Awaitable[None]]

_OPENING_AT_ONCE = 50
"""Event streams. When a thousand pages open them in one moment, as after a restart, no connection waits so long for its
turn at the service that it is taken for dead."""

_STATUSES: Mapping[int, Status] = {200: "ok", 404: "missing", 410: "gone"}


class Peers:
    """Asks the services over HTTP.

    Args:
        client: shared by all; it owns the connections.
        addresses: base URL of each service.
        deadline: of one question, from the first byte sent to the last one read.
        connect: makes a transport for one event stream. In a shared pool a thousand streams that stay open would make
            each other request look through them all.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        addresses: Mapping[Service, str],
        *,
        deadline: timedelta,
        connect: Callable[[], httpx.AsyncBaseTransport],
    ) -> None:
        self.client = client
        self._connect = connect
        self._opening = asyncio.Semaphore(_OPENING_AT_ONCE)
        self._addresses = {service: httpx.URL(url) for service, url in addresses.items()}
        self._deadline = deadline.total_seconds()

    def url(self, service: Service, target: bytes) -> httpx.URL:
        """The URL of a raw request target (path and query as on the wire) at a service."""
        return self._addresses[service].copy_with(raw_path=target)

    async def open_events(self, request: httpx.Request) -> tuple[httpx.Response, Closing]:
        """An event stream with what closes it; of very many asked for at once each is opened in its turn.

        Raises:
            httpx.HTTPError: the service does not answer.
        """
        alone = self._connect()
        closing = AsyncExitStack()
        closing.push_async_callback(alone.aclose)
        try:
            async with self._opening:
                response = await alone.handle_async_request(request)
        except BaseException:
            await closing.aclose()
            raise
        response.request = request
        closing.push_async_callback(response.aclose)
        return response, closing.aclose

    async def ask(
        self, service: Service, path: str, parameters: Parameters | None = None, *, language: str | None = None
    ) -> Part:
        """A service's answer, in the reader's language where it has words; never raises for what the network does."""
        query = str(httpx.QueryParams(parameters or {}))
        target = quote(path, safe="/:@!$&'()*+,;=-._~%") + (f"?{query}" if query else "")
        try:
            async with asyncio.timeout(self._deadline):
                headers = {"accept-language": language} if language else None
                response = await self.client.get(self.url(service, target.encode()), headers=headers)
            body = response.json()
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            log.info("a part is left out", service=service, path=path, reason=repr(error))
            return UNAVAILABLE
        status = _STATUSES.get(response.status_code, "refused" if response.is_client_error else "unavailable")
        if status == "unavailable":
            log.info("a part is left out", service=service, path=path, status=response.status_code)
        if not isinstance(body, dict):
            return UNAVAILABLE if status == "ok" else Part(status)
        return Part(status, body)
