"""What the feed's stream costs with many readers and how late they are told, and what the feeds for the world cost.

Run: ``uv run python -m tests.bench.bench_feed [--readers N] [--json FILE]`` (NEWS_TEST_BACKEND as in tests).
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from time import monotonic
from urllib.parse import urlsplit

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from news_shared.article_ids import partition_of
from news_shared.articles import ArticleEvent, encode_event
from news_shared.producer import Outgoing, open_producer
from news_shared.topics import ARTICLES
from tests.feed.builders import published
from tests.testbed.backends import PARTITIONS, Backend, backend_name, backends
from tests.testbed.role import RoleProcess, running_roles
from tests.testbed.waiting import until

EVENTS = 100
EVENTS_PER_SECOND = 10
BODY = "".join(f"<p>{'Words of a paragraph. ' * 25}</p>" for _ in range(6))  # some 3 KB
FEEDS = ("/feed.json", "/feed.atom", "/feed.rss", "/sitemap-news.xml")
REQUESTS = 40


@dataclass(frozen=True)
class StreamFigure:
    """With so many readers; CPU is the feed-api's."""

    readers: int
    cpu_at_rest_percent: float
    cpu_ms_an_event: float
    told_after_ms_p50: float
    told_after_ms_p99: float
    memory_mb: float


@dataclass(frozen=True)
class FeedFigure:
    """One feed; CPU is the feed-api's."""

    path: str
    kilobytes: float
    cpu_ms: float
    cpu_ms_unchanged: float


@dataclass
class Heard:
    """When each reader heard of each article."""

    at: list[float] = field(default_factory=list)
    ready: int = 0

    async def listen(self, url: str) -> None:
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(b"GET /v1/stream HTTP/1.1\r\nHost: feed\r\nAccept: text/event-stream\r\n\r\n")
        try:
            while line := await reader.readline():
                if line == b"event: heartbeat\n":
                    self.ready += 1
                elif line.startswith(b'data: {"id"'):
                    self.at.append(monotonic())
        finally:
            writer.close()


async def write(backend: Backend, events: Iterable[ArticleEvent]) -> None:
    records = []
    for event in events:
        key, value, headers = encode_event(event)
        records.append(Outgoing(ARTICLES, partition_of(key, PARTITIONS), key, value, headers))
    async with open_producer(backend.kafka_settings) as producer:
        await producer.send_many(records)


async def measure(readers: int) -> tuple[StreamFigure, list[FeedFigure]]:
    with backends(backend_name()) as fresh:
        backend = await asyncio.to_thread(fresh)
        with tempfile.TemporaryDirectory() as folder, running_roles(backend, Path(folder)) as roles:
            await roles.start("feed-projector")
            api = await roles.start("feed-api")
            now = datetime.now(UTC)
            await write(backend, (published(f"old {n}", content_html=BODY, date_published=now) for n in range(200)))
            return await stream_figure(backend, api, readers), await feed_figures(api)


async def stream_figure(backend: Backend, api: RoleProcess, readers: int) -> StreamFigure:
    heard, process = Heard(), psutil.Process(api.pid)
    listening = [asyncio.create_task(heard.listen(api.url)) for _ in range(readers)]
    late: list[float] = []
    try:
        await until(lambda: heard.ready == readers, "every reader to be there", seconds=120)
        before, begun = _cpu(process), monotonic()
        await asyncio.sleep(5)
        at_rest = 100 * (_cpu(process) - before) / (monotonic() - begun)
        before = _cpu(process)
        async with open_producer(backend.kafka_settings) as producer:
            for n in range(EVENTS):
                heard.at.clear()
                key, value, headers = encode_event(published(f"new {n}", content_html=BODY))
                await producer.send(
                    ARTICLES, partition=partition_of(key, PARTITIONS), key=key, value=value, headers=headers
                )
                taken = monotonic()
                await until(lambda: len(heard.at) == readers, "every reader to be told", seconds=60)
                late += [moment - taken for moment in heard.at]
                await asyncio.sleep(max(0, taken + 1 / EVENTS_PER_SECOND - monotonic()))
        an_event = 1000 * (_cpu(process) - before) / EVENTS
        memory = process.memory_info().rss / 1e6
    finally:
        for task in listening:
            task.cancel()
        await asyncio.wait(listening)
    cuts = quantiles(late, n=100)
    return StreamFigure(readers, at_rest, an_event, cuts[49] * 1000, cuts[98] * 1000, memory)


async def feed_figures(api: RoleProcess) -> list[FeedFigure]:
    process, figures = psutil.Process(api.pid), []
    async with httpx.AsyncClient(base_url=api.url, timeout=30, trust_env=False) as http:
        for path in FEEDS:
            first = await http.get(path)
            costs = []
            for headers in ({}, {"If-None-Match": first.headers["etag"]}):
                before = _cpu(process)
                for _ in range(REQUESTS):
                    answer = await http.get(path, headers=headers)
                    assert answer.status_code == (304 if headers else 200)
                costs.append(1000 * (_cpu(process) - before) / REQUESTS)
            figures.append(FeedFigure(path, len(first.content) / 1000, *costs))
    return figures


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    stream, feeds = asyncio.run(measure(chosen.readers))
    streams = Table("Readers", "CPU at rest", "CPU an event", "told p50", "p99", "memory")
    streams.add_row(
        f"{stream.readers:,}",
        f"{stream.cpu_at_rest_percent:.0f} %",
        f"{stream.cpu_ms_an_event:.1f} ms",
        f"{stream.told_after_ms_p50:.0f} ms",
        f"{stream.told_after_ms_p99:.0f} ms",
        f"{stream.memory_mb:.0f} MB",
    )
    table = Table("Feed", "Size", "CPU", "CPU of 304")
    for one in feeds:
        table.add_row(one.path, f"{one.kilobytes:.0f} kB", f"{one.cpu_ms:.1f} ms", f"{one.cpu_ms_unchanged:.1f} ms")
    console = Console()
    console.print(streams, table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        content = {"stream": asdict(stream), "feeds": [asdict(one) for one in feeds]}
        chosen.json.write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
