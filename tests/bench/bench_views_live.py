"""What open pages cost that watch counts: CPU of the process at rest and with readers, and how late they are told.

Run: ``uv run python -m tests.bench.bench_views_live [--pages N] [--json FILE]`` (NEWS_TEST_BACKEND as in tests).
"""

import argparse
import asyncio
import json
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import quantiles
from time import monotonic
from urllib.parse import urlsplit

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from news_shared.article_ids import ArticleId
from tests.testbed.backends import backend_name, backends
from tests.testbed.role import RoleProcess, running_roles
from tests.testbed.waiting import until
from tests.views.newsroom_events import announce, published
from tests.views.readers import Crowd, Opening

ARTICLES = 1000
OPENINGS_PER_SECOND = 100
SECONDS = 8
HEADERS = "Host: views\r\nAccept: text/event-stream\r\n"


@dataclass(frozen=True)
class Figure:
    """One measurement; percentages are of one core."""

    through: str
    pages: int
    first_counts_seconds: float
    cpu_at_rest_percent: float
    cpu_with_readers_percent: float
    told_after_ms_p50: float
    told_after_ms_p99: float
    memory_mb: float


@dataclass
class Pages:
    """Open pages, each with one article, and when each heard of which count."""

    heard: dict[int, tuple[int, float]] = field(default_factory=dict)

    async def watch(self, url: str, number: int, article: ArticleId) -> None:
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(f"GET /v1/views/live?article={article} HTTP/1.1\r\n{HEADERS}\r\n".encode())
        try:
            while line := await reader.readline():
                if line.startswith(b'data: {"article"'):
                    self.heard[number] = (json.loads(line[6:])["views"], monotonic())
        finally:
            writer.close()


async def measure(pages_open: int) -> list[Figure]:
    with backends(backend_name()) as fresh:
        backend = await asyncio.to_thread(fresh)
        with tempfile.TemporaryDirectory() as folder, running_roles(backend, Path(folder)) as roles:
            await roles.start("views-projector")
            api = await roles.start("views-api", NEWS_VIEWS_BURST_PER_MINUTE=str(10**9))
            web = await roles.start("web")
            articles = await announce(backend, [published(f"story-{n}") for n in range(ARTICLES)])
            async with httpx.AsyncClient(timeout=10, trust_env=False) as http:

                async def known() -> bool:
                    wanted = [await http.get(f"{api.url}/v1/articles/{a}/views") for a in articles[-20:]]
                    return all(answer.status_code == 200 for answer in wanted)

                await until(known, "the articles")
            return [await one(door, api, pages_open, articles) for door in (api, web)]


async def one(door: RoleProcess, api: RoleProcess, pages_open: int, articles: list[ArticleId]) -> Figure:
    pages, process = Pages(), psutil.Process(door.pid)
    begun = monotonic()
    watching = [
        asyncio.create_task(pages.watch(door.url, number, articles[number % ARTICLES])) for number in range(pages_open)
    ]
    try:
        first = await until(lambda: len(pages.heard) == pages_open, "every page to have a count", seconds=60)
        at_rest = await _percent(process, SECONDS)
        late: list[float] = []
        readers = asyncio.create_task(_read(api, pages, articles, late, int(begun) % 200))
        with_readers = await _percent(process, SECONDS)
        await readers
    finally:
        for task in watching:
            task.cancel()
        await asyncio.wait(watching)
    cuts = quantiles(late, n=100)
    memory = process.memory_info().rss / 1e6
    return Figure(door.name, pages_open, first, at_rest, with_readers, cuts[49] * 1000, cuts[98] * 1000, memory)


async def _read(api: RoleProcess, pages: Pages, articles: list[ArticleId], late: list[float], network: int) -> None:
    """Readers open articles one after the other; notes how long after each 202 its page heard of it."""
    crowd = Crowd(api.url)
    for number in range(min(OPENINGS_PER_SECOND * SECONDS, ARTICLES, len(pages.heard))):
        begun = monotonic()
        before = pages.heard[number][0]
        address = f"10.{network}.{number // 250}.{number % 250}"
        await crowd.send([Opening(articles[number], address)], connections=1)
        taken = monotonic()
        if number % 10 == 0:
            await until(lambda n=number, v=before: pages.heard[n][0] > v, "the page to be told")
            late.append(pages.heard[number][1] - taken)
        await asyncio.sleep(max(0, begun + 1 / OPENINGS_PER_SECOND - monotonic()))


async def _percent(process: psutil.Process, seconds: float) -> float:
    before, begun = process.cpu_times(), monotonic()
    await asyncio.sleep(seconds)
    after = process.cpu_times()
    return 100 * (after.user + after.system - before.user - before.system) / (monotonic() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    figures = asyncio.run(measure(chosen.pages))
    table = Table(title=f"Pages that watch counts ({backend_name()})")
    for name in ("through", "pages", "first counts", "CPU at rest", "with readers", "told p50", "p99", "memory"):
        table.add_column(name, justify="right")
    for f in figures:
        table.add_row(
            f.through,
            f"{f.pages:,}",
            f"{f.first_counts_seconds:.2f} s",
            f"{f.cpu_at_rest_percent:.0f} %",
            f"{f.cpu_with_readers_percent:.0f} %",
            f"{f.told_after_ms_p50:.0f} ms",
            f"{f.told_after_ms_p99:.0f} ms",
            f"{f.memory_mb:.0f} MB",
        )
    Console().print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2))


if __name__ == "__main__":
    main()
