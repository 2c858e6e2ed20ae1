"""How long the views API takes to answer: counts of 100 articles, and lists of 10, over HTTP, one question at a time.

Run: ``uv run python -m tests.bench.bench_views_queries [--articles N] [--json FILE]`` (NEWS_TEST_BACKEND as in tests).
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter

import httpx
from rich.console import Console
from rich.table import Table

from news_shared.clock import epoch_ms, system_clock
from news_shared.producer import open_producer
from news_shared.redis_client import open_redis
from tests.testbed.backends import backend_name, backends
from tests.testbed.role import running_roles
from tests.testbed.waiting import until
from tests.views.partitions import is_caught_up
from tests.views.workload import Newsroom, write

HOUR_MS = 3_600_000
BEACONS_PER_ARTICLE = 4
QUESTIONS = (
    *(f"{path}?window={window}" for path in ("trending", "most-read") for window in ("1h", "24h", "7d")),
    "trending?theme=theme-1&language=uk",
)


@dataclass(frozen=True)
class Figure:
    """One question; milliseconds as the caller sees them."""

    what: str
    asked: int
    p50_ms: float
    p99_ms: float


async def asked(http: httpx.AsyncClient, what: str, url: Callable[[], str], times: int) -> Figure:
    """Ask again and again, each time waiting for the answer."""
    taken = []
    for n in range(times + 20):
        address = url()
        begun = perf_counter()
        answer = await http.get(address)
        if n >= 20:  # the first few fill pools and caches
            taken.append(1000 * (perf_counter() - begun))
        answer.raise_for_status()
    return Figure(what, times, round(median(taken), 2), round(quantiles(taken, n=100)[98], 2))


async def measure(articles: int, times: int) -> list[Figure]:
    random = Random(1)
    with backends(backend_name()) as fresh:
        backend = await asyncio.to_thread(fresh)
        begin_ms = epoch_ms(system_clock()) - 30 * HOUR_MS
        newsroom = Newsroom(1, begin_ms=begin_ms, spread_ms=30 * HOUR_MS, articles=articles, readers=100_000)
        async with open_producer(backend.kafka_settings) as producer:
            await write(producer, newsroom.announcements())
            await write(producer, newsroom.records(BEACONS_PER_ARTICLE * articles, batch=50))
        with tempfile.TemporaryDirectory() as folder, running_roles(backend, Path(folder)) as roles:
            projector = roles.make("views-projector")
            projector.launch()
            await projector.ready(seconds=900)
            api = await roles.start("views-api")
            async with open_redis(backend.redis_settings) as redis:
                await until(lambda: is_caught_up(backend, redis), "the projector to catch up", seconds=900)
            async with httpx.AsyncClient(base_url=api.url, timeout=30, trust_env=False) as http:

                def hundred() -> str:
                    return "/v1/views?" + "&".join(f"article={a}" for a in random.sample(newsroom.articles, 100))

                return [
                    await asked(http, "counts of 100 articles", hundred, times),
                    *[await asked(http, question, partial(str, f"/v1/{question}"), times) for question in QUESTIONS],
                ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    figures = asyncio.run(measure(chosen.articles, chosen.times))
    table = Table(
        "what", "asked", "p50 ms", "p99 ms", title=f"views API, {chosen.articles:,} articles, {backend_name()}"
    )
    for figure in figures:
        table.add_row(figure.what, f"{figure.asked:,}", f"{figure.p50_ms:.1f}", f"{figure.p99_ms:.1f}")
    Console().print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        rows = [asdict(figure) for figure in figures]
        chosen.json.write_text(
            json.dumps({"bench": "views_queries", "backend": backend_name(), "rows": rows}, indent=2)
        )


if __name__ == "__main__":
    main()
