"""What it costs to link an article by meaning when the window is full, and to read a window back after a restart.

Run: ``uv run python -m tests.bench.bench_related_window [--articles N] [--dimensions N] [--stored N] [--json FILE]``
(NEWS_TEST_BACKEND as in tests). Vectors are perturbed centres, as many near to each as a list has places. To search the
lists of a full window takes half an hour, so they are made up, with scores as a search finds them, of articles all over
the window: as many name the one that leaves as any other. In a real window fewer name the oldest. ``--stored`` cuts
the lists that a restart finds: with 50 they have nothing to spare.
"""

import argparse
import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import monotonic, process_time
from typing import Any
from uuid import UUID

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from news_related.graph.positions import Position
from news_related.neighbours.changes import LINK_NEIGHBOURS_LUA, Relinking, encode_meaning
from news_related.neighbours.meanings import PACKED, Meaning
from news_related.neighbours.similarity import SHOWN_NEIGHBOURS, SPARE
from news_related.neighbours.window import Window
from news_shared.article_ids import ArticleId
from news_shared.redis_client import open_redis
from tests.related.graph_on_redis import PREFIX, GraphOnRedis
from tests.testbed.backends import Backend, backend_name, backends

_KEPT = SHOWN_NEIGHBOURS + SPARE
_MINUTE_MS = 60_000
_PROTOCOL = "local NKEYS, NARGS = #KEYS, #ARGV\n"


@dataclass(frozen=True)
class Figure:
    """One measurement."""

    what: str
    articles: int
    cpu_ms: float
    wall_ms: float


class News:
    """Synthetic meanings, a minute apart."""

    def __init__(self, size: int, dimensions: int) -> None:
        self._chance = np.random.default_rng(7)
        self._centres = self._chance.normal(size=(size // _KEPT, dimensions))
        self._made = 0

    def make(self, count: int) -> list[Meaning]:
        centres = self._centres[self._chance.integers(0, len(self._centres), count)]
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


def filled(size: int, news: News, stored: int) -> Window:
    """A window as a linker has it after a restart that found so many places of each list."""
    window = Window()
    meanings = [meaning for _ in range(size // 1000) for meaning in news.make(1000)]
    window.put(meanings)
    ids = np.array([(UUID(m.id).int >> 64, UUID(m.id).int % 2**64, 0) for m in meanings], PACKED)
    scores = np.linspace(800_000, 570_000, stored)
    one_way = np.random.default_rng(9).choice(np.arange(1, size // 2), stored // 2, replace=False)
    near = np.stack([one_way, -one_way], axis=1).reshape(-1)  # who names another is named by it
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


async def redis_figures(window: Window, news: News) -> list[Figure]:
    """Store what the window holds, take it over as a linker does after a restart, and store what changes afterwards.

    Of what is stored for a change, CPU is that of Redis.
    """
    with backends(backend_name()) as fresh:
        backend: Backend = fresh()
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
                await stored.redis.hset(PREFIX + "neighbours", mapping=window.neighbours(some))
            cpu, wall = process_time(), monotonic()
            await stored.neighbours()
            cpu_ms, wall_ms = 1000 * (process_time() - cpu), 1000 * (monotonic() - wall)
            memory = (await stored.redis.info("memory"))["used_memory"] >> 20
            read = Figure(f"a restart reads all of it back ({memory} MB in Redis)", 1, cpu_ms, wall_ms)
            alone, together = [news.make(1) for _ in range(50)], [news.make(32) for _ in range(10)]
            return [read, *[await _stored(stored.redis, window, parts) for parts in (alone, together)]]


async def _stored(redis: Any, window: Window, parts: list[list[Meaning]]) -> Figure:
    server = psutil.Process((await redis.info("server"))["process_id"])
    lists = size = 0
    cpu_ms = wall_ms = 0.0
    for part in parts:
        leaving = [position.id for position in window.oldest(len(part))]
        changed = window.neighbours(window.change(leaving, part))
        effects = Relinking(lists=changed).effects(PREFIX)
        lists, size = lists + len(changed), size + sum(len(arg) for arg in effects.args if isinstance(arg, bytes))
        cpu, wall = server.cpu_times(), monotonic()
        await redis.eval(_PROTOCOL + LINK_NEIGHBOURS_LUA, len(effects.keys), *effects.keys, *effects.args)
        wall_ms += 1000 * (monotonic() - wall)
        cpu_ms += 1000 * sum(now - before for now, before in zip(server.cpu_times()[:2], cpu[:2], strict=True))
    count = sum(map(len, parts))
    what = f"Redis, {len(parts[0])} at once: {lists // count} lists, {size // count >> 10} kB each"
    return Figure(what, count, cpu_ms / count, wall_ms / count)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=200_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--stored", type=int, default=_KEPT, help="places of each list that a restart finds")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    first = News(asked.articles, asked.dimensions)
    from_nothing = partial(_add, Window(), [first.make(32) for _ in range(100)])
    figures = [measured("the first 3,200, 32 at once", 3200, from_nothing)]
    news = News(asked.articles, asked.dimensions)
    window = filled(asked.articles, news, asked.stored)
    resident = psutil.Process().memory_info().rss >> 20
    figures += window_figures(window, news)
    figures += await redis_figures(window, news)
    table = Table("", "articles", "CPU ms each", "wall ms each", title=f"a window of {asked.articles:,}; {resident} MB")
    for figure in figures:
        table.add_row(figure.what, f"{figure.articles:,}", f"{figure.cpu_ms:,.1f}", f"{figure.wall_ms:,.1f}")
    Console(width=120).print(table)
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2))


if __name__ == "__main__":
    asyncio.run(main())
