"""Beacons that the views projector applies per CPU second, in batches of 50 and singly.

Run: ``uv run python -m tests.bench.bench_views_projector [--beacons N] [--json FILE]`` (NEWS_TEST_BACKEND as in tests).
"""

import argparse
import asyncio
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, process_time

import psutil
from rich.console import Console
from rich.table import Table

from news_shared.article_ids import ArticleId
from news_shared.clock import epoch_ms, system_clock
from news_shared.producer import open_producer
from news_shared.redis_client import RedisClient, open_redis
from news_shared.topics import VIEWS
from news_views.counting.events import event_of, told_apart, weight
from news_views.counting.partition import PartitionCounting, Rules
from news_views.counting.standing import Standing
from news_views.view_log import PlacedMarker
from tests.testbed.backends import Backend, backend_name, backends
from tests.testbed.role import Roles, running_roles
from tests.testbed.waiting import until
from tests.views.partitions import is_caught_up, whole_log
from tests.views.workload import Newsroom, write

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Figure:
    """One measurement; all seconds are of the projector's process, except the wall's."""

    what: str
    beacons: int
    cpu_seconds: float
    wall_seconds: float

    @property
    def per_cpu_second(self) -> int:
        return round(self.beacons / self.cpu_seconds)


async def projected(backend: Backend, redis: RedisClient, roles: Roles, beacons: int, batch: int) -> Figure:
    """Write everything, start the projector, wait until it is applied; less what a start on an empty log takes."""
    idle_cpu, idle_wall = await _started(backend, redis, roles)
    begin_ms = epoch_ms(system_clock()) - 7 * HOUR_MS
    newsroom = Newsroom(batch, begin_ms=begin_ms, spread_ms=6 * HOUR_MS, articles=2000, readers=100_000)
    async with open_producer(backend.kafka_settings) as producer:
        await write(producer, newsroom.announcements())
        await write(producer, newsroom.records(beacons, batch=batch))
    cpu, wall = await _started(backend, redis, roles)
    return Figure(f"applied, {_called(batch)}", beacons, cpu - idle_cpu, wall - idle_wall)


async def _started(backend: Backend, redis: RedisClient, roles: Roles) -> tuple[float, float]:
    """CPU and wall seconds of a projector from its start until everything is applied.

    It is asked whether it is ready when it has caught up: answering that all the time took a twentieth of its CPU.
    """
    begun = monotonic()
    projector = roles.make("views-projector")
    projector.launch()
    process = psutil.Process(projector.pid)
    await until(lambda: is_caught_up(backend, redis), "the projector to catch up", seconds=900)
    await projector.ready()
    taken = _cpu_seconds(process), monotonic() - begun
    projector.kill()
    return taken


async def counted(backend: Backend, batch: int) -> Figure:
    """Decoding and the rules alone, in this process: no Kafka, no Redis."""
    logs = await whole_log(backend.kafka_settings, VIEWS)
    begun, cpu, beacons = monotonic(), process_time(), 0
    for records in logs.values():
        counting, standings = PartitionCounting(Rules()), _Standings()
        for start in range(0, len(records), 2000 // batch):
            decoded = map(event_of, records[start : start + 2000 // batch])
            events = [event for event in decoded if event is not None]
            counting.count(told_apart(events, together=True)[0], standings)
            beacons += sum(0 if isinstance(event, PlacedMarker) else weight(event) for event in events)
    return Figure(f"decode and rules alone, {_called(batch)}", beacons, process_time() - cpu, monotonic() - begun)


class _Standings(dict[ArticleId, Standing]):
    def __missing__(self, article: ArticleId) -> Standing:
        return Standing()


def _called(batch: int) -> str:
    return "singly" if batch == 1 else f"batches of {batch}"


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def measure(beacons: int) -> list[Figure]:
    figures = []
    with backends(backend_name()) as fresh:
        for batch in (50, 1):
            backend = await asyncio.to_thread(fresh)
            with tempfile.TemporaryDirectory() as folder, running_roles(backend, Path(folder)) as roles:
                async with open_redis(backend.redis_settings) as redis:
                    figures.append(await projected(backend, redis, roles, beacons, batch))
                figures.append(await counted(backend, batch))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beacons", type=int, default=2_000_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    figures = asyncio.run(measure(chosen.beacons))
    table = Table("what", "beacons", "per CPU second", "wall s", title=f"views projector, {backend_name()}")
    for figure in figures:
        table.add_row(figure.what, f"{figure.beacons:,}", f"{figure.per_cpu_second:,}", f"{figure.wall_seconds:.1f}")
    Console().print(table)
    if chosen.json:
        rows = [{**asdict(figure), "per_cpu_second": figure.per_cpu_second} for figure in figures]
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(
            json.dumps({"bench": "views_projector", "backend": backend_name(), "rows": rows}, indent=2)
        )


if __name__ == "__main__":
    main()
