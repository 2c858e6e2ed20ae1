"""Related at a million stored articles: linking all of them, lists over HTTP, linking one more, a restart, memory.
Beside it tantivy's more-like-this over the same articles.

The articles are synthetic (`million_articles`), and brought into Redis by the linker's own calls (`stored_graph` says
which short cuts that takes). What is measured is the running service: API and linker as processes, more articles and
their vectors through Kafka. That happens at several sizes of one store that grows, so that what grows with it is seen.

Run: ``uv run python -m tests.bench.bench_related_million [--sizes 10000,100000,1000000] [--gold DIR] [--json FILE]``.
A million take 4 GB of memory for Redis, 2 GB of disk for tantivy, and half an hour of CPU.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import monotonic, perf_counter
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from news_related.neighbours.similarity import WINDOW_SIZE
from news_shared.redis_client import RedisClient, open_redis
from tests.bench.million_articles import Newsroom, embedded, real_articles
from tests.bench.more_like_this import MoreLikeThis
from tests.bench.plots import bars
from tests.bench.stored_graph import PREFIX, StoredGraph
from tests.related.publishing import publish, publish_vectors
from tests.testbed.backends import Backend, backend_name, backends
from tests.testbed.role import RoleProcess, Roles, running_roles
from tests.testbed.waiting import until

_FOLDER = Path(".cache/bench")
_QUESTIONS, _WARMING_UP = 1_500, 100
_MORE, _MORE_WITH_VECTORS = 1_000, 96
_ANY, _PEER = "related list, any article", "tantivy: more like this"
_NAMES = {_ANY: "related list", _PEER: "tantivy"}
_LAST = 5_000  # articles of the store whose cost is told


@dataclass(frozen=True)
class Figure:
    """One measurement; milliseconds of CPU are those of the process that is named, for each."""

    stored: int
    what: str
    number: int
    p50_ms: float | None = None
    p99_ms: float | None = None
    cpu_ms: float | None = None
    redis_cpu_ms: float | None = None
    a_second: float | None = None
    megabytes: float | None = None


class Measured:
    """CPU of a process and of Redis, and the time, from one moment to the next."""

    def __init__(self, pid: int | None, redis: psutil.Process) -> None:
        self._process = psutil.Process(pid) if pid else psutil.Process()
        self._redis = redis
        self._begun, self._cpu, self._redis_cpu = monotonic(), _cpu(self._process), _cpu(redis)

    def figure(self, stored: int, what: str, number: int, **more: float) -> Figure:
        return Figure(
            stored,
            what,
            number,
            cpu_ms=round(1000 * (_cpu(self._process) - self._cpu) / number, 3),
            redis_cpu_ms=round(1000 * (_cpu(self._redis) - self._redis_cpu) / number, 3),
            a_second=round(number / (monotonic() - self._begun), 1),
            **more,
        )


class Bench:
    """One backend, whose store grows."""

    def __init__(self, newsroom: Newsroom, backend: Backend, roles: Roles, redis: RedisClient) -> None:
        self._newsroom, self._backend, self._roles, self._stored = newsroom, backend, roles, 0
        self._redis: Any = redis  # redis-py types its answers as «awaitable or not»
        self.figures: list[Figure] = []

    async def run(self, sizes: Sequence[int]) -> None:
        info = await self._redis.info("server")
        self._server = psutil.Process(info["process_id"])
        linker = await self._roles.start("related-linker")  # makes the state of a graph that is empty and live
        linker.kill()
        api = await self._roles.start("related-api")
        for size in sizes:
            await self._store(range(self._stored, size))
            await self._linked_anew(linker, api)
            linker.kill()
            self._alone(api)
            self._lists(api, _ANY, range(size))
            self._lists(api, "related list, the newest tenth", range(size * 9 // 10, size))
            await self._linking(linker)
            linker.kill()

    async def _store(self, numbers: range) -> None:
        graph = StoredGraph(self._redis, self._newsroom)
        self._stored = numbers.stop
        await graph.store(range(numbers.start, numbers.stop - _LAST))
        measured = Measured(None, self._server)
        await graph.store(range(self._stored - _LAST, self._stored))
        self._tell(measured.figure(self._stored, "linker's calls for one more article, alone", _LAST))

    async def _memory(self, what: str) -> None:
        used = (await self._redis.info("memory"))["used_memory"]
        self._tell(Figure(self._stored, what, self._stored, megabytes=used >> 20))

    def _alone(self, api: RoleProcess) -> None:
        """What an answer takes that asks for nothing: of this machine, today."""
        connection = HTTPConnection(urlsplit(api.url).netloc, timeout=30)
        measured, taken = Measured(api.pid, self._server), []
        for _ in range(_QUESTIONS):
            begun = perf_counter()
            _get(connection, "/livez")
            taken.append(1000 * (perf_counter() - begun))
        self._tell(measured.figure(self._stored, "an answer to no question", _QUESTIONS, **_percentiles(taken)))

    def _lists(self, api: RoleProcess, what: str, numbers: range) -> None:
        chance = Random(1)
        paths = [
            f"/v1/articles/{self._newsroom.id_of(chance.choice(numbers))}/related"
            for _ in range(_QUESTIONS + _WARMING_UP)
        ]
        connection = HTTPConnection(urlsplit(api.url).netloc, timeout=30)
        for path in paths[:_WARMING_UP]:
            _get(connection, path)
        known = set(paths[:_WARMING_UP])
        asked = [path for path in dict.fromkeys(paths[_WARMING_UP:]) if path not in known]
        self._asked(api, connection, what, asked)
        self._asked(api, connection, f"{what}, asked again", asked)

    def _asked(self, api: RoleProcess, connection: HTTPConnection, what: str, paths: Sequence[str]) -> None:
        measured = Measured(api.pid, self._server)
        taken, shown = [], 0
        for path in paths:
            begun = perf_counter()
            body = _get(connection, path)
            taken.append(1000 * (perf_counter() - begun))
            shown += len(json.loads(body)["items"])
        if shown < 5 * len(paths):
            raise RuntimeError(f"{shown} cards in {len(paths)} lists: the newsroom is not as it should be")
        self._tell(measured.figure(self._stored, what, len(paths), **_percentiles(taken)))

    async def _linking(self, linker: RoleProcess) -> None:
        begun = monotonic()
        linker.launch()
        await linker.ready(seconds=900)
        process = psutil.Process(linker.pid)
        seconds, cpu = monotonic() - begun, _cpu(process)
        self._tell(
            Figure(
                self._stored,
                "linker: a restart until it is ready",
                1,
                p50_ms=round(1000 * seconds),
                cpu_ms=round(1000 * cpu),
                megabytes=process.memory_info().rss >> 20,
            )
        )
        more = range(self._stored, self._stored + _MORE)
        before = await self._redis.hlen(f"{PREFIX}cards")
        measured = Measured(linker.pid, self._server)
        await publish(self._backend, [self._newsroom.event(n) for n in more])

        async def all_there() -> bool:
            return bool(await self._redis.hlen(f"{PREFIX}cards") >= before + _MORE)

        await until(all_there, "all articles to be linked", seconds=600)
        self._tell(measured.figure(self._stored, "linker: articles through Kafka, without vectors", _MORE))
        some = more[:_MORE_WITH_VECTORS]
        places = await self._redis.hlen(f"{PREFIX}places")
        measured = Measured(linker.pid, self._server)
        await publish_vectors(self._backend, self._newsroom.vector_records(some))

        async def all_linked() -> bool:
            linked = await self._redis.hlen(f"{PREFIX}places") >= places + len(some)
            return bool(linked and not await self._redis.zcard(f"{PREFIX}unlinked"))

        await until(all_linked, "all of them to be linked by meaning", seconds=900)
        self._tell(measured.figure(self._stored, "linker: their vectors, at once", len(some)))

    async def _linked_anew(self, linker: RoleProcess, api: RoleProcess) -> None:
        """As after Redis was emptied, once articles and vectors are read back: everything is marked, nothing linked."""
        keys = ("places", "linkable", "window", "neighbours", "unlinked", "state:neighbours:0")
        await self._redis.unlink(*(f"{PREFIX}{key}" for key in keys))
        await self._redis.hdel(f"{PREFIX}as-of", f"{PREFIX}state:neighbours:0")
        await self._memory("Redis without neighbours")
        ids = [key async for key in self._redis.hscan_iter(f"{PREFIX}vectors", count=1000, no_values=True)]
        for start in range(0, len(ids), 1000):
            await self._redis.zadd(f"{PREFIX}unlinked", {key: start + n for n, key in enumerate(ids[start:][:1000])})
        begun, redis_cpu = monotonic(), _cpu(self._server)
        linker.launch()
        path = f"{api.url}/v1/articles/{self._newsroom.id_of(self._stored - 1)}/related"
        async with httpx.AsyncClient(timeout=30) as client:

            async def answered() -> bool:
                return (await client.get(path)).status_code == HTTPStatus.OK

            await until(answered, "lists to be answered again", seconds=600)
        answered_after = monotonic() - begun
        await linker.ready(seconds=3600)
        process = psutil.Process(linker.pid)
        self._tell(
            Figure(
                self._stored,
                "linker: all linked anew (p50: until lists are answered, p99: until all are there)",
                min(WINDOW_SIZE, len(ids)),
                p50_ms=round(1000 * answered_after),
                p99_ms=round(1000 * (monotonic() - begun)),
                cpu_ms=round(1000 * _cpu(process)),
                redis_cpu_ms=round(1000 * (_cpu(self._server) - redis_cpu)),
                megabytes=process.memory_info().rss >> 20,
            )
        )
        await self._memory("Redis")

    def _tell(self, figure: Figure) -> None:
        self.figures.append(figure)
        print({name: value for name, value in asdict(figure).items() if value is not None}, flush=True)


async def measure(newsroom: Newsroom, sizes: Sequence[int]) -> list[Figure]:
    with backends(backend_name()) as fresh:
        backend = await asyncio.to_thread(fresh)
        with tempfile.TemporaryDirectory() as folder, running_roles(backend, Path(folder)) as roles:
            async with open_redis(backend.redis_settings) as redis:
                bench = Bench(newsroom, backend, roles, redis)
                await bench.run(sizes)
                return bench.figures


def peer(newsroom: Newsroom, stored: int) -> list[Figure]:
    """What tantivy takes for the same articles."""
    chance = Random(1)
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        index = MoreLikeThis(newsroom, range(stored), Path(folder))
        taken, cpu_ms = index.asked([chance.randrange(stored) for _ in range(_QUESTIONS)])
        indexed = round(1000 * index.cpu_seconds / stored, 3)
        return [
            Figure(stored, "tantivy: one more, its text made too", stored, cpu_ms=indexed, megabytes=index.megabytes),
            Figure(stored, _PEER, _QUESTIONS, cpu_ms=round(cpu_ms, 2), **_percentiles(taken)),
        ]


def _percentiles(taken: Sequence[float]) -> dict[str, float]:
    return {"p50_ms": round(median(taken), 2), "p99_ms": round(quantiles(taken, n=100)[98], 2)}


def _get(connection: HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"{path}: {answer.status} {body[:500]!r}")
    return body


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _table(figures: Sequence[Figure]) -> Table:
    table = Table("stored", "what", "of", "p50 ms", "p99 ms", "CPU ms", "of Redis", "a second", "MB")
    for one in figures:
        parts = (one.p50_ms, one.p99_ms, one.cpu_ms, one.redis_cpu_ms, one.a_second, one.megabytes)
        shown = ("–" if part is None else f"{part:,.4g}" if part < 1000 else f"{part:,.0f}" for part in parts)
        table.add_row(f"{one.stored:,}", one.what, f"{one.number:,}", *shown)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--gold", type=Path, default=Path("../shared/gold"), help="where the real articles lie")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="an SVG of the CPU that a list takes")
    chosen = parser.parse_args()
    if not chosen.gold.is_dir():
        sys.exit(f"{chosen.gold}: there are no articles to begin with; say where with --gold")
    real = real_articles(chosen.gold)
    newsroom = Newsroom(real, embedded(real, _FOLDER / "real_articles.npz"))
    sizes = sorted(map(int, chosen.sizes.split(",")))
    figures = asyncio.run(measure(newsroom, sizes))
    for stored in sizes:
        figures += peer(newsroom, stored)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2))
    Console(width=150).print(_table(figures))
    if chosen.plot:
        lists = [one for one in figures if one.what in (_ANY, _PEER)]
        bars_of = [(f"{_NAMES[one.what]}, {one.stored:,}", 1000 * (one.cpu_ms or 0.0)) for one in lists]
        chosen.plot.write_text(bars("CPU microseconds of a list of ten, by stored articles", bars_of))


if __name__ == "__main__":
    main()
