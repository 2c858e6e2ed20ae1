"""Durable beacons that the views API takes per CPU second: 202 means that Kafka has it; all rules are switched on.

Beside it what the HTTP server alone takes, with an application that does nothing.

Run: ``uv run python -m tests.bench.bench_views_beacons [--beacons N] [--json FILE]`` (NEWS_TEST_BACKEND as in tests).
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from time import monotonic

import psutil
from rich.console import Console
from rich.table import Table

from news_shared.article_ids import article_id
from tests.testbed.backends import backend_name, backends
from tests.testbed.ports import reserved_port
from tests.testbed.role import running_roles
from tests.views.readers import BROWSER, Crowd, Opening

READERS = 5000
_CONNECTIONS = (32, 256)
_NO_BOUND = str(10**9)


@dataclass(frozen=True)
class Figure:
    """One measurement."""

    what: str
    connections: int
    beacons: int
    cpu_seconds: float
    wall_seconds: float

    @property
    def per_cpu_second(self) -> int:
        return round(self.beacons / self.cpu_seconds)


def openings(count: int) -> list[Opening]:
    random = Random(1)
    articles = [article_id("herald", f"story-{n}") for n in range(500)]
    readers = [(f"10.0.{n // 250}.{n % 250}", f"{BROWSER} {n % 40}") for n in range(READERS)]
    return [Opening(random.choice(articles), *random.choice(readers)) for _ in range(count)]


async def measure(beacons: int) -> list[Figure]:
    with backends(backend_name()) as fresh:
        backend = await asyncio.to_thread(fresh)
        with tempfile.TemporaryDirectory() as folder, running_roles(backend, Path(folder)) as roles:
            unbounded = {"NEWS_VIEWS_BURST_PER_MINUTE": _NO_BOUND, "NEWS_VIEWS_LIMIT_PER_MINUTE": _NO_BOUND}
            api = await roles.start("views-api", **unbounded)
            process = psutil.Process(api.pid)
            await Crowd(api.url).send(openings(1000))  # connections, caches, the topic's metadata
            ours = [await _answered("views API", api.url, process, beacons, number) for number in _CONNECTIONS]
    return [*ours, *await bare(beacons)]


async def bare(beacons: int) -> list[Figure]:
    port = reserved_port()
    server = subprocess.Popen([sys.executable, "-m", "tests.bench.bare_asgi", str(port)])
    url = f"http://127.0.0.1:{port}"
    try:
        await Crowd(url).send(openings(100))  # sends again until it is there
        process = psutil.Process(server.pid)
        return [await _answered("server alone", url, process, beacons, connections) for connections in _CONNECTIONS]
    finally:
        server.kill()
        server.wait()


async def _answered(what: str, url: str, process: psutil.Process, beacons: int, connections: int) -> Figure:
    sent, crowd = openings(beacons), Crowd(url)
    before, begun = _cpu_seconds(process), monotonic()
    await crowd.send(sent, connections=connections)
    cpu, wall = _cpu_seconds(process) - before, monotonic() - begun
    return Figure(what, connections, crowd.accepted.total(), cpu, wall)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beacons", type=int, default=50_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    figures = asyncio.run(measure(chosen.beacons))
    table = Table("what", "connections", "beacons", "per CPU second", "wall s", title=f"views API, {backend_name()}")
    for figure in figures:
        table.add_row(
            figure.what,
            str(figure.connections),
            f"{figure.beacons:,}",
            f"{figure.per_cpu_second:,}",
            f"{figure.wall_seconds:.1f}",
        )
    Console().print(table)
    if chosen.json:
        rows = [{**asdict(figure), "per_cpu_second": figure.per_cpu_second} for figure in figures]
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(
            json.dumps({"bench": "views_beacons", "backend": backend_name(), "rows": rows}, indent=2)
        )


if __name__ == "__main__":
    main()
