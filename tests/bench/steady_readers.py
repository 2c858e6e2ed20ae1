"""Readers who open articles over HTTP at a steady pace."""

import asyncio
from collections.abc import Iterator
from itertools import count
from random import Random
from time import monotonic
from urllib.parse import urlsplit

from tests.views.readers import BROWSER, Opening, beacon_request, read_status

_CONNECTIONS = 64
_NO_BOUND = str(10**9)
UNBOUNDED = {"NEWS_VIEWS_BURST_PER_MINUTE": _NO_BOUND, "NEWS_VIEWS_LIMIT_PER_MINUTE": _NO_BOUND}


class SteadyReaders:
    """Send over kept connections; latencies count from the moment a beacon was due, so a stall counts in full."""

    def __init__(self, url: str, openings: Iterator[Opening], rate: int) -> None:
        self._place = urlsplit(url)
        self._openings = openings
        self._rate = rate
        self._begun = monotonic()
        self._numbers = count()
        self.latencies: list[float] = []
        self.refused = 0

    async def send_until(self, end: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_CONNECTIONS):
                tasks.create_task(self._one_connection(end))

    async def _one_connection(self, end: float) -> None:
        reader, writer = await asyncio.open_connection(self._place.hostname, self._place.port)
        try:
            while (due := self._begun + next(self._numbers) / self._rate) < end:
                await asyncio.sleep(max(0.0, due - monotonic()))
                writer.write(beacon_request(next(self._openings)))
                self.refused += await read_status(reader) != 202
                self.latencies.append(monotonic() - due)
        finally:
            writer.close()


def endless_openings(articles: list[str]) -> Iterator[Opening]:
    random = Random(4)
    while True:
        reader = random.randrange(200_000)
        address = f"10.{reader >> 16}.{reader >> 8 & 255}.{reader & 255}"
        article = articles[int(len(articles) * random.random() ** 3)]
        yield Opening(article, address, f"{BROWSER} {reader % 40}")  # type: ignore[arg-type]  # ids as text
