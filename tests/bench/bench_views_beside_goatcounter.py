"""Beacons of our views API beside hits of GoatCounter's ``/count``: one machine, one run, one client.

Acknowledged is not stored: our 202 means that Kafka has the beacon; GoatCounter answers from memory and writes its
database later, so its stored hits are counted in the database. It closes the connection after each hit; ours are
measured both ways. CPU seconds are the server's, from /proc.

Run: ``uv run python -m tests.bench.bench_views_beside_goatcounter [--beacons N] [--json FILE] [--plot FILE.svg]``
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table

from news_shared.article_ids import article_id
from tests.bench.goatcounter import HOST, NotBuiltError, program, running_goatcounter
from tests.bench.plots import bars
from tests.testbed.backends import backend_name, backends
from tests.testbed.role import running_roles
from tests.testbed.waiting import until
from tests.views.readers import BROWSER

_CONNECTIONS = 64
_NO_BOUND = str(10**9)
_ARTICLES = [article_id("herald", f"story-{n}") for n in range(500)]


@dataclass(frozen=True)
class Figure:
    """One measurement; every beacon is another reader's."""

    what: str
    acknowledged: int
    stored: int
    acknowledging_seconds: float
    storing_seconds: float
    cpu_seconds: float

    @property
    def acknowledged_per_second(self) -> int:
        return round(self.acknowledged / self.acknowledging_seconds)

    @property
    def stored_per_second(self) -> int:
        return round(self.stored / self.storing_seconds)

    @property
    def stored_per_cpu_second(self) -> int:
        return round(self.stored / self.cpu_seconds)


def _address(number: int) -> str:
    # Public ones: from private ones GoatCounter takes the proxy's for the reader's.
    return f"81.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def our_request(number: int, *, close: bool) -> bytes:
    body = b'{"article": "%s"}' % _ARTICLES[number % 500].encode()
    closing = "Connection: close\r\n" if close else ""
    return (
        f"POST /v1/views HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: {BROWSER}\r\nX-Forwarded-For: {_address(number)}\r\n"
        f"{closing}Content-Length: {len(body)}\r\nContent-Type: text/plain\r\n\r\n"
    ).encode() + body


def their_request(number: int) -> bytes:
    return (
        f"GET /count?p=/{_ARTICLES[number % 500]} HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: {BROWSER}\r\n"
        f"X-Forwarded-For: {_address(number)}\r\n\r\n"
    ).encode()


async def send_all(url: str, numbers: range, request: Callable[[int], bytes]) -> int:
    """Send requests over some connections, anew where the server closes them; how many were answered 2xx."""
    waiting, place = iter(numbers), urlsplit(url)
    acknowledged = 0

    async def one_connection() -> None:
        nonlocal acknowledged
        writer: asyncio.StreamWriter | None = None
        for number in waiting:
            if writer is None:
                reader, writer = await asyncio.open_connection(place.hostname, place.port)
            writer.write(request(number))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            await reader.readexactly(length)
            acknowledged += head.split(b" ", 2)[1].startswith(b"2")
            if b"\r\nconnection: close" in head:
                writer.close()
                writer = None
        if writer is not None:
            writer.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(_CONNECTIONS):
            tasks.create_task(one_connection())
    return acknowledged


async def ours(beacons: int) -> list[Figure]:
    with backends(backend_name()) as fresh:
        backend = await asyncio.to_thread(fresh)
        with tempfile.TemporaryDirectory() as folder, running_roles(backend, Path(folder)) as roles:
            unbounded = {"NEWS_VIEWS_BURST_PER_MINUTE": _NO_BOUND, "NEWS_VIEWS_LIMIT_PER_MINUTE": _NO_BOUND}
            api = await roles.start("views-api", **unbounded)
            await send_all(api.url, range(1000), partial(our_request, close=False))
            figures = []
            for close, what in ((False, "newsfeed, connections kept"), (True, "newsfeed, a connection each")):
                before, begun = _cpu_seconds(api.pid), monotonic()
                taken = await send_all(api.url, range(1000, 1000 + beacons), partial(our_request, close=close))
                wall = monotonic() - begun
                figures.append(Figure(what, taken, taken, wall, wall, _cpu_seconds(api.pid) - before))
    return figures


async def theirs(beacons: int) -> Figure:
    with tempfile.TemporaryDirectory() as folder, running_goatcounter(Path(folder)) as goatcounter:
        await goatcounter.ready()
        warm = await send_all(goatcounter.url, range(1000), their_request)
        await until(lambda: goatcounter.stored() >= warm, "GoatCounter to store the first hits", seconds=30)
        before, begun = _cpu_seconds(goatcounter.pid), monotonic()
        acknowledged = await send_all(goatcounter.url, range(1000, 1000 + beacons), their_request)
        acknowledging = monotonic() - begun
        try:
            await until(lambda: goatcounter.stored() >= warm + acknowledged, "GoatCounter to store all", seconds=60)
        except TimeoutError:
            print("GoatCounter did not store all within a minute", file=sys.stderr)
        return Figure(
            "GoatCounter, SQLite",
            acknowledged,
            goatcounter.stored() - warm,
            acknowledging,
            monotonic() - begun,
            _cpu_seconds(goatcounter.pid) - before,
        )


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def show(figures: Sequence[Figure]) -> None:
    table = Table(
        "what", "acknowledged/s", "stored/s", "stored per CPU second", "not stored", title=f"Beacons, {backend_name()}"
    )
    for figure in figures:
        table.add_row(
            figure.what,
            f"{figure.acknowledged_per_second:,}",
            f"{figure.stored_per_second:,}",
            f"{figure.stored_per_cpu_second:,}",
            f"{figure.acknowledged - figure.stored:,}",
        )
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beacons", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    chosen = parser.parse_args()
    figures = asyncio.run(ours(chosen.beacons))
    try:
        program()
    except NotBuiltError as error:
        print(f"WITHOUT GOATCOUNTER, which could not be built: {error}", file=sys.stderr)
    else:
        figures.append(asyncio.run(theirs(chosen.beacons)))
    show(figures)
    if chosen.json:
        rows = [
            {
                **asdict(figure),
                "acknowledged_per_second": figure.acknowledged_per_second,
                "stored_per_second": figure.stored_per_second,
                "stored_per_cpu_second": figure.stored_per_cpu_second,
            }
            for figure in figures
        ]
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps({"bench": "beside_goatcounter", "backend": backend_name(), "rows": rows}))
    if chosen.plot:
        chosen.plot.write_text(
            bars("Stored beacons per CPU second of the server", [(f.what, f.stored_per_cpu_second) for f in figures])
        )


if __name__ == "__main__":
    main()
