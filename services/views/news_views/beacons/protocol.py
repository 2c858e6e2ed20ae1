"""Plain beacons, answered from the HTTP parser's callbacks: no scope, no task and no messages for each of them.

uvicorn's cycle of a request costs three times what reading and answering it does (docs/adr/0010). Everything that is
not plain, and every other request, goes the normal way, through `door`.
"""

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from news_shared.article_ids import ArticleId
from news_views.beacons.answers import ACCEPTED_HEADERS, ACCEPTED_STATUS, accepted_body, refusal
from news_views.beacons.door import PATH
from news_views.beacons.intake import BeaconIntake
from news_views.beacons.metrics import BeaconMetrics
from news_views.beacons.request import BODY_LIMIT

_TARGET: Final = PATH.encode()

_Headers = Iterable[tuple[bytes, bytes]]


class BeaconProtocol(HttpToolsProtocol):
    """A connection of uvicorn's, with a short way for plain beacons.

    Plain is a ``POST`` to exactly the path, with a length within the limit, that waits for nothing: no request before
    it on the connection, no ``Expect``, no upgrade, and a peer that reads its answers. The order of answers, keep-alive
    and its end, and the drain at the stop are uvicorn's: a beacon stands where it keeps the request in progress.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._beacon: _Beacon | None = None  # whose body is being read

    def on_message_begin(self) -> None:
        """Uvicorn makes the scope here; that waits until somebody needs one."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Here the ways part."""
        if self._is_plain_beacon():
            keep_alive = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
            self._beacon = _Beacon(self, keep_alive)
            self.cycle = self._beacon  # type: ignore[assignment]  # all that uvicorn asks of one is there
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers  # the list that the scope has
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._beacon is None:
            super().on_body(body)
        else:
            self._beacon.body += body

    def on_message_complete(self) -> None:
        """The request's last byte."""
        if self._beacon is None:
            super().on_message_complete()
        else:
            beacon, self._beacon = self._beacon, None
            beacon.take(self.headers)

    def _is_plain_beacon(self) -> bool:
        return (
            self.url == _TARGET
            and self.parser.get_method() == b"POST"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and not self.flow.write_paused
            and self.limit_concurrency is None
            and 0 <= _length(self.headers) <= BODY_LIMIT
        )


class _Beacon:
    """A beacon between its headers and its answer; to uvicorn it is the connection's request in progress."""

    __slots__ = ("_article", "_protocol", "body", "disconnected", "keep_alive", "response_complete")

    message_event = asyncio.Event()
    """Set when the peer is gone; nobody waits for it here."""

    def __init__(self, protocol: BeaconProtocol, keep_alive: bool) -> None:
        self._protocol = protocol
        self._article: ArticleId
        self.body = b""
        self.keep_alive = keep_alive  # uvicorn takes it back when it stops
        self.response_complete = False
        self.disconnected = False

    def take(self, headers: _Headers) -> None:
        """Hand it on; the answer comes when Kafka has it."""
        protocol = self._protocol
        intake: BeaconIntake = protocol.app_state["intake"]
        peer = protocol.client[0] if protocol.client else ""
        try:
            self._article = intake.begin(peer, headers, self.body, self.answer)
        except Exception as error:  # noqa: BLE001  # to the parser it would look like a malformed request
            protocol.loop.call_soon(self.answer, error)  # no answer is finished while the parser is at work

    def answer(self, error: Exception | None) -> None:
        """Say what became of it, and let the connection go on."""
        protocol = self._protocol
        metrics: BeaconMetrics = protocol.app_state["metrics"]
        common = tuple(protocol.server_state.default_headers)
        if error is None:
            metrics.beacon("accepted")
            content = _accepted_head(common, self.keep_alive) + accepted_body(self._article)
        else:
            response = refusal(error, metrics)
            content = _head(response.status_code, (*common, *response.raw_headers), self.keep_alive) + response.body
        self.response_complete = True
        transport = protocol.transport
        if not transport.is_closing():
            transport.write(content)
            if not self.keep_alive:
                transport.close()
        protocol.on_response_complete()


def _length(headers: _Headers) -> int:
    """The announced length of the body, which the parser has looked at; -1 when there is none."""
    for name, value in headers:
        if name == b"content-length":
            return int(value)
    return -1


def _head(status: int, headers: _Headers, keep_alive: bool) -> bytes:
    lines = [STATUS_LINE[status], *(b"%s: %s\r\n" % header for header in headers)]
    if not keep_alive:
        lines.append(b"connection: close\r\n")
    return b"".join([*lines, b"\r\n"])


@lru_cache(4)  # the date changes once a second
def _accepted_head(common: tuple[tuple[bytes, bytes], ...], keep_alive: bool) -> bytes:
    return _head(ACCEPTED_STATUS, (*common, *ACCEPTED_HEADERS), keep_alive)
