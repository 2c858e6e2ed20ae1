"""Embedding: how soon an article has its vector, a backlog, memory, and how fast an emptied Redis is filled again.

Run: ``uv run python -m tests.bench.bench_embedder [--backlog N] [--stored N] [--json FILE]``. Articles have a
headline and 300 characters. For the restore, made-up vectors are written beside the articles, as many as ``--stored``.
"""

import argparse
import asyncio
import base64
import json
import os
import random
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from news_related.embedding.model import Text, model_name
from news_related.vectors import REVISION, Vector
from news_shared.article_ids import partition_of
from news_shared.articles import Article, ArticleEvent
from news_shared.producer import Outgoing, open_producer
from news_shared.redis_client import open_redis
from news_shared.topics import ARTICLES, VECTORS
from tests.related.builders import an_article
from tests.related.publishing import publish
from tests.testbed.backends import PARTITIONS, Backend, backend_name, backends
from tests.testbed.role import RoleProcess, Roles, running_roles
from tests.testbed.topics import records_of

_TEXT = """
parliament harbour ministers river storm prices energy workers region border budget court election railway hospital
school company forecast police village market island airport museum bridge minister council
"""
_SINGLE, _A_SECOND = 40, 2.0


def _articles(prefix: str, count: int) -> list[ArticleEvent]:
    chance, known = random.Random(prefix), _TEXT.split()

    def words(number: int) -> str:
        return " ".join(chance.choice(known) for _ in range(number))

    return [an_article(f"{prefix}{n}", title=words(9), content_text=words(60)) for n in range(count)]


def _vector(event: ArticleEvent) -> Outgoing:
    assert isinstance(event.article, Article)
    vector = Vector(
        article=event.id,
        model=model_name() or "",
        text_sha256=Text.of(event.article).sha256,
        dimensions=384,
        scale=0.001,
        int8=base64.b64encode(os.urandom(384)).decode(),
    )
    key = event.id.encode()
    return Outgoing(VECTORS, partition_of(key, PARTITIONS), key, vector.encode(), [(REVISION, b"1")])


async def _series(embedder: RoleProcess, pattern: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        said = (await client.get(f"{embedder.url}/metrics")).text
    found = re.search(pattern + r" (\S+)", said)
    return round(float(found[1])) if found else 0


_EMBEDDED = r'news_related_texts_total\{done="embedded"\}'


def _cpu(process: psutil.Process) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children()))


async def _freshness(backend: Backend, events: Sequence[ArticleEvent]) -> list[float]:
    """Seconds from Kafka's time of an article to that of its vector, articles coming one by one."""
    for event in events:
        await publish(backend, [event])
        await asyncio.sleep(1 / _A_SECOND)  # the pace is what is asked for
    wanted = {event.id for event in events}
    vectors: dict[str, int] = {}
    while wanted - vectors.keys():
        vectors = {record.key.decode(): record.timestamp for record in await records_of(backend, VECTORS)}
    articles = {record.key.decode(): record.timestamp for record in await records_of(backend, ARTICLES)}
    return sorted((vectors[key] - articles[key]) / 1000 for key in wanted)


async def _measure_embedding(roles: Roles, backend: Backend, backlog: int) -> dict[str, float]:
    embedder = await roles.start("related-embedder")
    process = psutil.Process(embedder.pid)
    empty = process.memory_full_info().pss
    first = await _freshness(backend, _articles("first", 1))
    waits = await _freshness(backend, _articles("single", _SINGLE))
    begun, cpu = monotonic(), _cpu(process)
    await publish(backend, _articles("backlog", backlog))
    while await _series(embedder, _EMBEDDED) < 1 + _SINGLE + backlog:
        await asyncio.sleep(0.1)
    wall, spent = monotonic() - begun, _cpu(process) - cpu
    workers = sum(child.memory_full_info().pss for child in process.children())
    return {
        "first article, s": first[0],
        "freshness p50, s": waits[len(waits) // 2],
        "freshness p99, s": waits[int(len(waits) * 0.99)],
        "backlog, articles a second": backlog / wall,
        "backlog, articles a CPU second": backlog / spent,
        "PSS of the embedder, MB": empty / 1e6,
        "PSS of its processes, MB": workers / 1e6,
    }


async def _measure_restore(roles: Roles, backend: Backend, stored: int) -> dict[str, float]:
    events = _articles("stored", stored)
    async with open_producer(backend.kafka_settings) as producer:
        for start in range(0, stored, 5_000):
            await producer.send_many([_vector(event) for event in events[start : start + 5_000]])
            await publish(backend, events[start : start + 5_000])
    async with open_redis(backend.redis_settings) as redis:
        await redis.flushall()
    embedder = roles.make("related-embedder")
    begun = monotonic()
    embedder.launch()
    process = psutil.Process(embedder.pid)
    await embedder.ready(seconds=600)
    wall, cpu = monotonic() - begun, _cpu(process)
    embedded = await _series(embedder, _EMBEDDED)
    assert embedded == 0, f"{embedded} texts were embedded again"
    return {"restored, articles a second": stored / wall, "restored, articles a CPU second": stored / cpu}


async def _measure(backlog: int, stored: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    with backends(backend_name()) as fresh:
        for measure, number in ((_measure_embedding, backlog), (_measure_restore, stored)):
            with tempfile.TemporaryDirectory() as folder:
                backend = fresh()
                with running_roles(backend, Path(folder)) as roles:
                    figures |= await measure(roles, backend, number)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backlog", type=int, default=200)
    parser.add_argument("--stored", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures = asyncio.run(_measure(arguments.backlog, arguments.stored))
    table = Table("What", "Figure")
    for what, figure in figures.items():
        table.add_row(what, f"{figure:,.2f}")
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
