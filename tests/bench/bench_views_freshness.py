"""How long after Kafka has a beacon its count is there, at a steady rate.

Run: ``uv run python -m tests.bench.bench_views_freshness [--rate N] [--seconds N] [--json FILE]``.
"""

import argparse
import asyncio
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import monotonic

import psutil
from rich.console import Console
from rich.table import Table

from news_shared.article_ids import ArticleId, article_id, partition_of
from news_shared.clock import epoch_ms, system_clock
from news_shared.producer import Outgoing, Producer, open_producer
from news_shared.redis_client import RedisClient, open_redis
from news_shared.topics import VIEWS
from news_views.view_log import BATCH_HEADERS, MARKER_HEADERS, Beacon, Marker, encode_batch, encode_marker
from tests.testbed.backends import PARTITIONS, Backend, backend_name, backends
from tests.testbed.role import running_roles
from tests.testbed.waiting import until

_TURNS_A_SECOND = 50
_BATCH = 10


@dataclass(frozen=True)
class Figure:
    """One measurement; milliseconds between the acknowledgement and the count in Redis, which queries read."""

    rate: int
    probes: int
    p50_ms: float
    p99_ms: float
    cpu_share: float  # of one core, the projector's


class Traffic:
    """Announced articles and readers who open them."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._random = Random(1)
        self.articles = [article_id("herald", f"story-{n}") for n in range(2000)]

    async def announce(self) -> None:
        markers = [Marker(id=article, revision=1, state="known") for article in self.articles]
        await self._producer.send_many(
            [_to(marker.id, encode_marker(marker), MARKER_HEADERS) for marker in markers],
        )

    async def open(self, beacons: int) -> tuple[int, int]:
        """Write so many at once, in batches; returns where the last record stands, as partition and offset."""
        now = epoch_ms(system_clock())
        records = []
        for _ in range(max(1, beacons // _BATCH)):
            article = self._random.choice(self.articles)
            readers = [self._random.getrandbits(63) + 1 for _ in range(min(beacons, _BATCH))]
            batch = [Beacon(article, reader, 0, now, 0) for reader in readers]
            records.append(_to(article, encode_batch("2026-01-15.abcd", batch), BATCH_HEADERS))
        positions = await self._producer.send_many(records)
        return positions[-1].partition, positions[-1].offset


def _to(article: ArticleId, value: bytes, headers: tuple[tuple[str, bytes], ...]) -> Outgoing:
    return Outgoing(VIEWS, partition_of(article, PARTITIONS), None, value, headers)


async def seen_after(redis: RedisClient, partition: int, offset: int) -> float:
    """Seconds until the partition's state has passed the offset."""
    key = f"{{views-{partition}}}:1:state:{VIEWS}:{partition}"
    begun = monotonic()
    while int(await redis.hget(key, "next") or 0) <= offset:
        if monotonic() - begun > 10:
            raise TimeoutError("the projector does not keep up")
        await asyncio.sleep(0.0005)
    return monotonic() - begun


async def measure(backend: Backend, rate: int, seconds: float) -> Figure:
    lags: list[float] = []
    with tempfile.TemporaryDirectory() as folder, running_roles(backend, Path(folder)) as roles:
        projector = await roles.start("views-projector")
        process = psutil.Process(projector.pid)
        async with open_producer(backend.kafka_settings) as producer, open_redis(backend.redis_settings) as redis:
            traffic = Traffic(producer)
            await traffic.announce()
            partition, offset = await traffic.open(_BATCH)
            await until(lambda: _passed(redis, partition, offset), "the projector to begin")
            probes: list[asyncio.Task[float]] = []
            before, begun = sum(process.cpu_times()[:2]), monotonic()
            turns = round(seconds * _TURNS_A_SECOND)
            for turn in range(turns):
                partition, offset = await traffic.open(rate // _TURNS_A_SECOND)
                if turn % 5 == 0:
                    probes.append(asyncio.create_task(seen_after(redis, partition, offset)))
                await asyncio.sleep(max(0.0, begun + (turn + 1) / _TURNS_A_SECOND - monotonic()))
            lags = [await probe for probe in probes]
            share = (sum(process.cpu_times()[:2]) - before) / (monotonic() - begun)
    cuts = quantiles(lags, n=100)
    return Figure(rate, len(lags), round(median(lags) * 1000, 1), round(cuts[98] * 1000, 1), round(share, 2))


async def _passed(redis: RedisClient, partition: int, offset: int) -> bool:
    return await seen_after(redis, partition, offset) >= 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with backends(backend_name()) as fresh:
        figure = asyncio.run(measure(fresh(), chosen.rate, chosen.seconds))
    table = Table("beacons/s", "p50 ms", "p99 ms", "projector, cores", title=f"freshness of counts, {backend_name()}")
    table.add_row(f"{figure.rate:,}", str(figure.p50_ms), str(figure.p99_ms), str(figure.cpu_share))
    Console().print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        content = {"bench": "views_freshness", "backend": backend_name(), "rows": [asdict(figure)]}
        chosen.json.write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
