"""How long the views API takes to answer: counts of 100 articles, and lists of 10, over HTTP, one question at a time.

Beside it on the embedded server what Redis alone takes for the counts and for the best ten of each partition, asked in
one write by a client that does nothing with the answers. CPU is the API's, of each question.

Run: ``uv run python -m tests.bench.bench_views_queries [--articles N] [--json FILE]`` (NEWS_TEST_BACKEND as in tests).
"""

import argparse
import asyncio
import json
import socket
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter
from urllib.parse import urlsplit

import hiredis
from rich.console import Console
from rich.table import Table

from news_shared.article_ids import ArticleId, partition_of
from news_shared.clock import epoch_ms, system_clock
from news_shared.producer import open_producer
from news_shared.redis_client import RedisClient, open_redis
from news_views.counting.trending import WINDOWS, Window
from news_views.view_counts import ask_totals, index_name
from tests.bench.asking import WARMING_UP, Asking, Figure
from tests.testbed.backends import PARTITIONS, backend_name, backends
from tests.testbed.role import running_roles
from tests.testbed.waiting import until
from tests.views.partitions import applied_offsets, is_caught_up, written_progress
from tests.views.workload import Newsroom, write

HOUR_MS = 3_600_000
BEACONS_PER_ARTICLE = 4
QUESTIONS = (
    *(f"{path}?window={window}" for path in ("trending", "most-read") for window in ("1h", "24h", "7d")),
    "trending?theme=theme-1&language=uk",
)


class RedisAlone:
    """A connection that writes commands as they are and reads until the last answer is there."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self._socket = socket.create_connection((host, int(port)))

    def ask(self, what: str, commands: Callable[[], list[tuple[str | int | bytes, ...]]], times: int) -> Figure:
        taken = []
        for n in range(times + WARMING_UP):
            asked = commands()
            packed = b"".join(hiredis.pack_command(command) for command in asked)  # type: ignore[arg-type]  # its stub says one item
            reader = hiredis.Reader()
            left = len(asked)
            begun = perf_counter()
            self._socket.sendall(packed)
            while left:
                if reader.gets() is not False:
                    left -= 1
                else:
                    reader.feed(self._socket.recv(1 << 20))
            if n >= WARMING_UP:
                taken.append(1000 * (perf_counter() - begun))
        return Figure.of(f"{what}, Redis alone", taken)


async def is_written(redis: RedisClient) -> bool:
    """Whether the projector has nothing to do: writing its changelog it takes a core, and Redis, from what is asked."""
    applied, written = await applied_offsets(redis), await written_progress(redis)
    return all(written[partition].next_offset >= applied[partition] for partition in applied)


def counts_commands(articles: list[ArticleId]) -> list[tuple[str | int | bytes, ...]]:
    today = epoch_ms(system_clock()) // (24 * HOUR_MS)
    by_partition: dict[int, list[ArticleId]] = {}
    for article in articles:
        by_partition.setdefault(partition_of(article, PARTITIONS), []).append(article)
    return [
        tuple(command)
        for partition, some in by_partition.items()
        for command in ask_totals(f"{{views-{partition}}}:1:", some, today)
    ]


def best_commands(window: Window) -> list[tuple[str | int | bytes, ...]]:
    keys = [f"{{views-{partition}}}:1:{index_name(window, 'all')}" for partition in range(PARTITIONS)]
    return [("ZRANGE", key, 0, 9, "WITHSCORES") for key in keys]


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
                await until(lambda: is_written(redis), "the changelog to be written", seconds=300)

            def hundred() -> list[ArticleId]:
                return random.sample(newsroom.articles, 100)

            asking = Asking(api, times)
            figures = [
                asking.ask(
                    "counts of 100 articles", lambda: "/v1/views?" + "&".join(f"article={a}" for a in hundred())
                ),
                *[asking.ask(question, partial(str, f"/v1/{question}")) for question in QUESTIONS],
            ]
            if not backend.redis_cluster:
                redis_alone = RedisAlone(urlsplit(backend.redis_url).netloc)
                figures += [
                    redis_alone.ask("counts of 100 articles", lambda: counts_commands(hundred()), times),
                    *[redis_alone.ask(f"best ten, {w}", partial(best_commands, w), times) for w in WINDOWS],
                ]
            return figures


def _shown(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=2_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    figures = asyncio.run(measure(chosen.articles, chosen.times))
    table = Table(
        *("what", "asked", "p50 ms", "p99 ms", "CPU ms"),
        title=f"views API, {chosen.articles:,} articles, {backend_name()}",
    )
    for figure in figures:
        table.add_row(figure.what, f"{figure.asked:,}", *map(_shown, (figure.p50_ms, figure.p99_ms, figure.cpu_ms)))
    Console().print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        rows = [asdict(figure) for figure in figures]
        chosen.json.write_text(
            json.dumps({"bench": "views_queries", "backend": backend_name(), "rows": rows}, indent=2)
        )


if __name__ == "__main__":
    main()
