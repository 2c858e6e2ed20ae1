"""What it costs to link an article by meaning when the window is full, and to read a window back after a restart.

Run: ``uv run python -m tests.bench.bench_related_window [--articles N] [--dimensions N] [--json FILE]``
(NEWS_TEST_BACKEND as in tests). Vectors are perturbed centres, so that lists look like those of news: some near, most
far.
"""

import argparse
import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import monotonic, process_time
from uuid import UUID

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from news_related.neighbour_changes import encode_meaning
from news_related.positions import Position
from news_related.window import Meaning, Window
from news_shared.article_ids import ArticleId
from news_shared.redis_client import open_redis
from tests.related.graph_on_redis import PREFIX, GraphOnRedis
from tests.testbed.backends import backend_name, backends

_CENTRES = 2_000
_MINUTE_MS = 60_000


@dataclass(frozen=True)
class Figure:
    """One measurement."""

    what: str
    articles: int
    cpu_ms: float
    wall_ms: float


class News:
    """Synthetic meanings, a minute apart."""

    def __init__(self, dimensions: int) -> None:
        self._chance = np.random.default_rng(7)
        self._centres = self._chance.normal(size=(_CENTRES, dimensions))
        self._made = 0

    def make(self, count: int) -> list[Meaning]:
        centres = self._centres[self._chance.integers(0, _CENTRES, count)]
        vectors = centres + 0.5 * self._chance.normal(size=centres.shape)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        scales = np.abs(vectors).max(axis=1) / 127
        packed = np.rint(vectors / scales[:, None]).astype(np.int8)
        made = []
        for vector, scale in zip(packed, scales, strict=True):
            self._made += 1
            key = ArticleId(str(UUID(int=self._made * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**128)))
            made.append(Meaning(Position(self._made * _MINUTE_MS, key), "en", "bench", float(scale), vector.tobytes()))
        return made


def measured(what: str, articles: int, work: Callable[[], object]) -> Figure:
    cpu, wall = process_time(), monotonic()
    work()
    return Figure(what, articles, 1000 * (process_time() - cpu) / articles, 1000 * (monotonic() - wall) / articles)


def window_figures(window: Window, news: News, size: int) -> list[Figure]:
    """Fill the window in three parts, and after each link one article at a time; at last with the window full."""
    figures = []
    for wanted in (size // 20, size // 4, size):
        missing = wanted - len(window)
        parts = [news.make(min(32, missing - start)) for start in range(0, missing, 32)]
        figures.append(measured(f"32 at once, {len(window):,} to {wanted:,}", missing, partial(_add, window, parts)))
        singles = [news.make(1) for _ in range(50)]
        if wanted < size:
            figures.append(measured("one more", 50, partial(_add, window, singles)))
    figures.append(measured("one more, the oldest leaves", 50, partial(_add, window, singles, size)))
    some = list(window)[size // 2 : size // 2 + 20]
    figures.append(measured("a withdrawal", 20, lambda: [window.change([key], []) for key in some]))
    return figures


def _add(window: Window, parts: list[list[Meaning]], size: int | None = None) -> None:
    for part in parts:
        leaving = window.oldest(len(window) + len(part) - size) if size is not None else []
        window.change([position.id for position in leaving], part)


async def read_back(window: Window) -> Figure:
    """Store what the window holds and take it over as a linker does after a restart."""
    with backends(backend_name()) as fresh:
        backend = fresh()
        async with open_redis(backend.redis_settings) as redis:
            stored = GraphOnRedis(redis)
            await stored.empty()
            await stored.neighbours()
            keys = list(window)
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                await stored.redis.hset(
                    PREFIX + "window", mapping={key: encode_meaning(window.meaning(key)) for key in some}
                )
                await stored.redis.hset(PREFIX + "neighbours", mapping={key: window.neighbours(key) for key in some})
            cpu, wall = process_time(), monotonic()
            await stored.neighbours()
            cpu_ms, wall_ms = 1000 * (process_time() - cpu), 1000 * (monotonic() - wall)
            memory = await stored.redis.info("memory")
            return Figure(
                f"a restart reads all of it back ({memory['used_memory'] >> 20} MB in Redis)",
                1,
                cpu_ms,
                wall_ms,
            )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=200_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    window = Window()
    figures = window_figures(window, News(asked.dimensions), asked.articles)
    resident = psutil.Process().memory_info().rss >> 20
    figures.append(await read_back(window))
    table = Table("", "articles", "CPU ms each", "wall ms each", title=f"a window of {asked.articles:,}; {resident} MB")
    for figure in figures:
        table.add_row(figure.what, f"{figure.articles:,}", f"{figure.cpu_ms:,.1f}", f"{figure.wall_ms:,.1f}")
    Console(width=120).print(table)
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2))


if __name__ == "__main__":
    asyncio.run(main())
