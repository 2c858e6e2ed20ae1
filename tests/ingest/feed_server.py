"""A web server of many hosts on loopback addresses, each with a behaviour of its own, good or bad."""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

from tests.testbed.ports import reserved_port


@dataclass(frozen=True)
class Asked:
    """One request that came in."""

    host: str
    path: str
    headers: Mapping[str, str]
    at: float
    method: str = "GET"
    body: bytes = b""


@dataclass
class Answer:
    """What is sent back; without a length the body goes until the connection ends."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    announced: bool = True


Writing = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]
Behaviour = Callable[[Asked], Answer] | Writing


class FeedServer:
    """Answers by the Host header; remembers what it was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.behaviours: dict[str, Behaviour] = {}
        self.asked: dict[str, list[Asked]] = defaultdict(list)
        self.open_now: dict[str, int] = defaultdict(int)
        self.open_most: dict[str, int] = defaultdict(int)
        self.tasks: set[asyncio.Task[None]] = set()

    def url(self, host: str, path: str = "/feed.xml", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):  # the server ends
            asked = await _request(reader)
            host = asked.host
            self.asked[host].append(asked)
            self.open_now[host] += 1
            self.open_most[host] = max(self.open_most[host], self.open_now[host])
            answering = asyncio.create_task(self._answer(asked, writer))
            hanging_up = asyncio.create_task(reader.read(1))
            try:
                await asyncio.wait({answering, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
                if answering.done():
                    answering.result()
            finally:
                self.open_now[host] -= 1
                answering.cancel()
                hanging_up.cancel()
                await asyncio.wait({answering, hanging_up})
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        behaviour = self.behaviours.get(asked.host)
        if behaviour is None:
            return
        if asyncio.iscoroutinefunction(behaviour):
            await behaviour(asked, writer)
            return
        answer = behaviour(asked)  # type: ignore[call-arg]
        assert isinstance(answer, Answer)
        writer.write(head(answer.status, answer.headers, len(answer.body) if answer.announced else None) + answer.body)
        await writer.drain()


def head(status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", "Connection: close", *(f"{name}: {value}" for name, value in headers.items())]
    if length is not None and status != 304:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


async def _request(reader: asyncio.StreamReader) -> Asked:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(headers["host"].rpartition(":")[0], path, headers, monotonic(), method, body)


@asynccontextmanager
async def feed_server(*, context: ssl.SSLContext | None = None) -> AsyncIterator[FeedServer]:
    """The server, on every loopback address at one port."""
    server = FeedServer(reserved_port())
    listening = await asyncio.start_server(server.handle, "0.0.0.0", server.port, ssl=context, backlog=1000)
    try:
        yield server
    finally:
        listening.close()
        for task in server.tasks:
            task.cancel()
        if server.tasks:
            await asyncio.wait(server.tasks, timeout=5)


def rss(*titles: str, head: str = "", guid: str = "") -> bytes:
    """A feed with items of these titles; ``guid`` makes their guids differ from those of another feed."""
    items = "".join(
        f"<item><title>{title}</title><guid isPermaLink='false'>{guid}{title}</guid>"
        f"<link>http://example.org/{title}</link><pubDate>Thu, 15 Jan 2026 12:00:00 GMT</pubDate>"
        f"<description>About {title}.</description></item>"
        for title in titles
    )
    return (
        f"<?xml version='1.0' encoding='utf-8'?><rss version='2.0'><channel><title>Feed</title>{head}{items}"
        "</channel></rss>"
    ).encode()
