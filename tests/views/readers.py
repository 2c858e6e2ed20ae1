"""Readers who open articles over HTTP, quickly enough for thousands, and who remember what they were answered."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from news_shared.article_ids import ArticleId

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@dataclass(frozen=True)
class Opening:
    """One opened article; who it was is the address and the user agent."""

    article: ArticleId
    address: str
    user_agent: str = BROWSER
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def is_opted_out(self) -> bool:
        return ("Sec-GPC", "1") in self.headers


@dataclass
class Crowd:
    """Sends openings over some connections; an opening that was not answered 202 is sent again.

    Attributes:
        sent: how often each opening left for the server.
        accepted: how often each was answered 202.
        statuses: all answers.
    """

    url: str
    sent: Counter[Opening] = field(default_factory=Counter)
    accepted: Counter[Opening] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)

    async def send(self, openings: Sequence[Opening], *, connections: int = 24) -> None:
        waiting = list(reversed(openings))

        async def one_connection() -> None:
            while waiting:
                try:
                    await self._talk(waiting)
                except (OSError, asyncio.IncompleteReadError, ValueError):
                    await asyncio.sleep(0.05)  # the server is being killed or started

        async with asyncio.TaskGroup() as tasks:
            for _ in range(connections):
                tasks.create_task(one_connection())

    async def _talk(self, waiting: list[Opening]) -> None:
        place = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            while waiting:
                opening = waiting.pop()
                try:
                    writer.write(beacon_request(opening))
                    self.sent[opening] += 1
                    status = await read_status(reader)
                except BaseException:
                    waiting.append(opening)
                    raise
                self.statuses[status] += 1
                if status == 202:
                    self.accepted[opening] += 1
                else:
                    waiting.append(opening)
                    await asyncio.sleep(0.05)
        finally:
            writer.close()


def beacon_request(opening: Opening) -> bytes:
    body = json.dumps({"article": opening.article}).encode()
    lines = [
        "POST /v1/views HTTP/1.1",
        "Host: views",
        f"User-Agent: {opening.user_agent}",
        f"X-Forwarded-For: {opening.address}",
        f"Content-Length: {len(body)}",
        "Content-Type: text/plain",
        *(f"{name}: {value}" for name, value in opening.headers),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def read_status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            await reader.readexactly(int(value))
    return int(head.split(b" ", 2)[1])
