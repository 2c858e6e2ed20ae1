"""Articles that the ingest API takes per second, durably: single posts and NDJSON, beside servers that only hand them
to Kafka (`bare_intake`) and the bare Kafka producer; and how far the publisher is behind meanwhile and at the end.

Run: ``uv run python -m tests.bench.bench_ingest [--articles N] [--json FILE]`` (NEWS_TEST_BACKEND as in tests).
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from statistics import mean
from time import monotonic

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from news_shared.producer import Outgoing, open_producer
from news_shared.topics import VECTORS
from tests.bench.article_posts import post_all, post_request
from tests.testbed.backends import PARTITIONS, Backend, backend_name, backends
from tests.testbed.ports import reserved_port
from tests.testbed.role import Roles, running_roles
from tests.testbed.waiting import until

_CONNECTIONS = (16, 64)
_LAG = re.compile(r'^news_projection_lag\{group="news\.ingest-publisher".*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True)
class Figure:
    """One measurement; CPU seconds are those of the API process."""

    what: str
    articles: int
    wall_seconds: float
    cpu_seconds: float | None
    behind_seconds: float | None = None  # until the publisher had decided the last one
    behind_records: tuple[int, ...] = ()  # the publisher's lag, sampled from the first post to the last

    @property
    def per_second(self) -> int:
        return round(self.articles / self.wall_seconds)


def an_article(number: int) -> dict[str, object]:
    """3 KB of text with five links."""
    links = "".join(f'<p>See <a href="https://wire.example/{number - n}">report {n}</a>.</p>' for n in range(1, 6))
    return {
        "id": f"a{number}",
        "url": f"https://wire.example/{number}",
        "title": f"Report {number}",
        "content_html": f"<p>{'All quiet on the river. ' * 110}</p>{links}",
        "date_published": "2026-11-01T10:00:00Z",
        "tags": ["River", f"Theme {number % 50}"],
    }


async def bare_producer(backend: Backend, articles: int) -> Figure:
    values = [json.dumps(an_article(n)).encode() for n in range(articles)]
    async with open_producer(backend.kafka_settings) as producer:
        begun = monotonic()
        for start in range(0, articles, 500):
            part = enumerate(values[start : start + 500])
            await producer.send_many([Outgoing(VECTORS, n % PARTITIONS, b"key", value) for n, value in part])
        return Figure("aiokafka alone, 500 at a time", articles, monotonic() - begun, None)


async def bare_server(kind: str, backend: Backend, articles: int) -> list[Figure]:
    port = reserved_port()
    arguments = [kind, str(port), backend.kafka_bootstrap, VECTORS]
    server = subprocess.Popen([sys.executable, "-m", "tests.bench.bare_intake", *arguments])
    url = f"http://127.0.0.1:{port}/"
    requests = [post_request("/", an_article(n), {}) for n in range(articles)]
    try:

        async def is_there() -> bool:
            try:
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
            except OSError:
                return False
            return True

        await until(is_there, "the bare server", seconds=90)
        await post_all(url, requests[:100], 1)
        process = psutil.Process(server.pid)
        figures = []
        for connections in _CONNECTIONS:
            cpu, begun = _cpu(process), monotonic()
            await post_all(url, requests, connections)
            what = f"{kind} to Kafka and nothing else, {connections} connections"
            figures.append(Figure(what, articles, monotonic() - begun, _cpu(process) - cpu))
        return figures
    finally:
        server.kill()
        server.wait()


async def posted(roles: Roles, articles: int) -> list[Figure]:
    api = await roles.start("ingest-api")
    publisher = await roles.start("ingest-publisher")
    process = psutil.Process(api.pid)
    headers = {"Authorization": "Bearer dev"}
    target = "/v1/articles?source=bench"
    async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=120, trust_env=False) as client:

        async def post_lines(numbers: range) -> None:
            lines = b"".join(json.dumps(an_article(n)).encode() + b"\n" for n in numbers)
            answer = await client.post(target, content=lines, headers={"Content-Type": "application/x-ndjson"})
            assert answer.json()["accepted"] == articles, answer.text[:500]

        async def is_decided(number: int) -> bool:
            answer = await client.get(f"/v1/articles/bench:a{number}/outcome")
            return answer.status_code == HTTPStatus.OK

        async def lag() -> int:
            metrics = (await client.get(f"{publisher.url}/metrics")).text
            return round(sum(float(value) for value in _LAG.findall(metrics)))

        async def measured(what: str, work: Coroutine[object, object, None], last: int) -> Figure:
            cpu, begun, lags = _cpu(process), monotonic(), []
            working = asyncio.create_task(work)
            while not (await asyncio.wait({working}, timeout=1))[0]:
                lags.append(await lag())
            working.result()
            taken, used = monotonic() - begun, _cpu(process) - cpu
            behind = await until(lambda: is_decided(last), "the publisher", seconds=120)
            return Figure(what, articles, taken, used, behind, tuple(lags))

        (await client.post(target, json=an_article(0))).raise_for_status()  # the source is made
        figures = []
        for turn, connections in enumerate(_CONNECTIONS):
            numbers = range(turn * articles + 1, (turn + 1) * articles + 1)
            requests = [post_request(target, an_article(n), headers) for n in numbers]
            what = f"single posts, {connections} connections"
            figures.append(await measured(what, post_all(api.url, requests, connections), numbers[-1]))
        numbers = range(len(_CONNECTIONS) * articles + 1, (len(_CONNECTIONS) + 1) * articles + 1)
        return [*figures, await measured("NDJSON, one request", post_lines(numbers), numbers[-1])]


def _halves(lags: tuple[int, ...]) -> str:
    """Mean lag of the first and of the second half of the time: alike when it is flat."""
    half = len(lags) // 2
    return f"{mean(lags[:half]):.0f} {mean(lags[half:]):.0f} records, " if half else ""


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=3000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with backends(backend_name()) as fresh, tempfile.TemporaryDirectory() as folder:
        backend = fresh()
        with running_roles(backend, Path(folder)) as roles:

            async def measure() -> list[Figure]:
                return [
                    await bare_producer(backend, chosen.articles),
                    *await bare_server("fastapi", backend, chosen.articles),
                    *await bare_server("asgi", backend, chosen.articles),
                    *await posted(roles, chosen.articles),
                ]

            figures = asyncio.run(measure())
    columns = ("Intake", "articles", "per second", "per CPU second", "publisher's lag: halves, at the end")
    table = Table(*columns, title=f"Ingest, {backend_name()}")
    for figure in figures:
        per_cpu = f"{round(figure.articles / figure.cpu_seconds):,}" if figure.cpu_seconds else "–"
        behind = (
            "–" if figure.behind_seconds is None else f"{_halves(figure.behind_records)}{figure.behind_seconds:.2f} s"
        )
        table.add_row(figure.what, f"{figure.articles:,}", f"{figure.per_second:,}", per_cpu, behind)
    Console().print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        rows = [asdict(figure) for figure in figures]
        chosen.json.write_text(json.dumps({"bench": "ingest", "backend": backend_name(), "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
