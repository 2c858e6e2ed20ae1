"""What it costs to link an article by meaning when the window is full, and to read a window back after a restart.

Run: ``uv run python -m tests.bench.bench_related_window [--articles N] [--dimensions N] [--json FILE]``
(NEWS_TEST_BACKEND as in tests). Vectors are perturbed centres: some near, most far. To search the lists of a full
window takes half an hour, so they are made up, of those next in time with scores as a search finds them: what a change
costs does not depend on who is in them.
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

from news_related.graph.positions import Position
from news_related.neighbours.changes import encode_meaning
from news_related.neighbours.meanings import PACKED, Meaning
from news_related.neighbours.similarity import NEIGHBOURS
from news_related.neighbours.window import Window
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


def filled(size: int, news: News) -> Window:
    """A window as a linker has it after a restart: lists have nothing to spare."""
    window = Window()
    meanings = [meaning for _ in range(size // 1000) for meaning in news.make(1000)]
    window.put(meanings)
    ids = np.array([(UUID(m.id).int >> 64, UUID(m.id).int % 2**64, 0) for m in meanings], PACKED)
    scores = np.linspace(800_000, 570_000, NEIGHBOURS)
    near = np.array([n for n in range(-NEIGHBOURS // 2, NEIGHBOURS // 2 + 1) if n])
    for start in range(0, size, 1000):
        lists = {}
        for n in range(start, start + 1000):
            packed = ids[(n + near) % size]
            packed["score"] = scores
            lists[meanings[n].id] = packed.tobytes()
        window.put_neighbours(lists)
    return window


def window_figures(window: Window, news: News) -> list[Figure]:
    """Changes of a full window; whenever articles come, as many of the oldest leave."""
    size = len(window)
    figures = []
    for what, parts in (
        ("one more, just after a restart", [news.make(1) for _ in range(50)]),
        ("one more", [news.make(1) for _ in range(100)]),
        ("32 more at once", [news.make(32) for _ in range(10)]),
    ):
        figures.append(measured(what, sum(map(len, parts)), partial(_add, window, parts, size)))
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
    first = News(asked.dimensions)
    from_nothing = partial(_add, Window(), [first.make(32) for _ in range(100)])
    figures = [measured("the first 3,200, 32 at once", 3200, from_nothing)]
    news = News(asked.dimensions)
    window = filled(asked.articles, news)
    resident = psutil.Process().memory_info().rss >> 20
    figures.append(await read_back(window))
    figures += window_figures(window, news)
    table = Table("", "articles", "CPU ms each", "wall ms each", title=f"a window of {asked.articles:,}; {resident} MB")
    for figure in figures:
        table.add_row(figure.what, f"{figure.articles:,}", f"{figure.cpu_ms:,.1f}", f"{figure.wall_ms:,.1f}")
    Console(width=120).print(table)
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2))


if __name__ == "__main__":
    asyncio.run(main())
