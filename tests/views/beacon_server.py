"""An HTTP server with the beacons' door whose Kafka is the test: it decides when a beacon is written."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.responses import PlainTextResponse

from news_shared.article_ids import ArticleId
from news_views.beacons.batches import BeaconSettled
from news_views.beacons.door import BeaconDoor
from news_views.beacons.intake import BeaconIntake
from news_views.beacons.metrics import BeaconMetrics
from news_views.beacons.protocol import BeaconProtocol
from news_views.beacons.request import read_article, read_headers
from tests.testbed.waiting import until

SECONDS = 30
_Headers = Iterable[tuple[bytes, bytes]]


class HeldIntake(BeaconIntake):
    """Takes beacons and leaves it to the test when Kafka has them.

    Attributes:
        open: of the beacons that wait for Kafka, in order.
        refusing: raised instead of taking one.
        holds: otherwise each is settled at once.
        long_ways: how many came through ASGI.
    """

    def __init__(self) -> None:
        self.open: list[BeaconSettled] = []
        self.taken = 0
        self.refusing: Exception | None = None
        self.holds = True
        self.long_ways = 0

    async def take(self, peer: str, headers: _Headers, body: bytes) -> ArticleId:
        self.long_ways += 1
        return await super().take(peer, headers, body)

    def begin(self, peer: str, headers: _Headers, body: bytes, settled: BeaconSettled) -> ArticleId:
        assert peer == "127.0.0.1"
        article, _ = read_article(read_headers(headers).content_type, body, 12)
        if self.refusing is not None:
            raise self.refusing
        self.taken += 1
        if self.holds:
            self.open.append(settled)
        else:
            asyncio.get_running_loop().call_soon(settled, None)
        return article

    async def waiting(self, count: int) -> None:
        await until(lambda: len(self.open) == count, f"{count} beacons to wait for Kafka", seconds=SECONDS)

    def settle(self, error: Exception | None = None) -> None:
        self.open.pop(0)(error)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Talk:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def say(self, *pieces: bytes) -> None:
        self.writer.write(b"".join(pieces))

    async def hear(self) -> Answer:
        async with asyncio.timeout(SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status_line, *lines = head.decode().split("\r\n")[:-2]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(status_line.split(" ")[1]), headers, body)

    async def is_closed(self) -> bool:
        async with asyncio.timeout(SECONDS):
            return await self.reader.read() == b""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are pytest's."""
        yield


class Service:
    """An HTTP server with the door, on a free port."""

    def __init__(self, server: _Server, intake: HeldIntake, registry: CollectorRegistry) -> None:
        self.server, self.intake, self._registry = server, intake, registry
        self._talks: list[Talk] = []

    async def call(self, *, receive_buffer: int | None = None) -> Talk:
        peer = socket.socket()
        peer.setblocking(False)
        if receive_buffer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.get_running_loop().sock_connect(peer, self.server.servers[0].sockets[0].getsockname())
        talk = Talk(*await asyncio.open_connection(sock=peer))
        self._talks.append(talk)
        return talk

    def counted(self, outcome: str) -> float | None:
        return self._registry.get_sample_value("news_views_beacons_total", {"outcome": outcome})

    @property
    def connections(self) -> list[BeaconProtocol]:
        return [one for one in self.server.server_state.connections if isinstance(one, BeaconProtocol)]

    async def hang_up(self) -> None:
        for talk in self._talks:
            talk.writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Service]:
    registry = CollectorRegistry()
    intake, metrics = HeldIntake(), BeaconMetrics(registry)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        yield {"intake": intake, "metrics": metrics}

    app = FastAPI(lifespan=lifespan)

    @app.api_route("/{path:path}", methods=["GET", "HEAD", "POST", "OPTIONS"])
    async def rest(path: str) -> PlainTextResponse:
        return PlainTextResponse(f"the rest: {path}")

    config = uvicorn.Config(
        BeaconDoor(app),
        host="127.0.0.1",
        port=0,
        http=BeaconProtocol,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=SECONDS,
        timeout_keep_alive=60,  # what closes a connection in a test is the test's subject
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started, "the server to listen", seconds=SECONDS)
    service = Service(server, intake, registry)
    try:
        yield service
    finally:
        await service.hang_up()
        while intake.open:
            intake.settle()
        server.should_exit = True
        await running
