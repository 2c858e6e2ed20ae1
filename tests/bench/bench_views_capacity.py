"""What so many beacons a second take: cores and memory of each process, bytes in Kafka.

Run: ``uv run python -m tests.bench.bench_views_capacity [--rates N,N] [--seconds N] [--json FILE]``, with
NEWS_TEST_BACKEND=kafka for bytes as Apache Kafka keeps them.
"""

import argparse
import asyncio
import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from news_shared.redis_client import open_redis
from news_shared.topics import VIEW_COUNTS, VIEWS
from tests.bench.steady_readers import UNBOUNDED, SteadyReaders, endless_openings
from tests.testbed.apache_kafka import ApacheKafka
from tests.testbed.backends import Backend, backend_name, backends
from tests.testbed.role import running_roles
from tests.testbed.waiting import until
from tests.views.newsroom_events import announce, published
from tests.views.partitions import is_caught_up

_ARTICLES = 500
_WARM_SECONDS = 10.0


@dataclass(frozen=True)
class Load:
    """One rate; cores and memory by process, of several of a kind together."""

    rate: int
    sent: int
    cores: Mapping[str, float]
    megabytes: Mapping[str, int]  # proportional set size
    bytes_a_beacon: Mapping[str, float]  # by topic, replicas not counted; empty where it cannot be told


def _processes() -> dict[str, list[psutil.Process]]:
    """The children of this process by what they are."""
    found: dict[str, list[psutil.Process]] = defaultdict(list)
    for process in psutil.Process().children(recursive=True):
        command = " ".join(process.cmdline())
        for kind, trace in (("Kafka", "kafka.Kafka"), ("Kafka", "tansu"), ("Redis", "valkey-server")):
            if trace in command and "python" not in process.name():
                found[kind].append(process)
        for role in ("api", "projector"):
            if f"news_views {role}" in command:
                found[f"views-{role}"].append(process)
    return found


def _cpu(processes: Mapping[str, list[psutil.Process]]) -> dict[str, float]:
    return {kind: sum(sum(p.cpu_times()[:2]) for p in some) for kind, some in processes.items()}


def _topic_bytes(backend: Backend) -> dict[str, int]:
    kafka = backend.kafka
    return {t: kafka.bytes_of(t) for t in (VIEWS, VIEW_COUNTS)} if isinstance(kafka, ApacheKafka) else {}


async def measure(backend: Backend, rate: int, seconds: int) -> Load:
    with tempfile.TemporaryDirectory() as folder, running_roles(backend, Path(folder)) as roles:
        api = await roles.start("views-api", **UNBOUNDED)
        await roles.start("views-projector")
        articles = await announce(backend, [published(f"story-{rate}-{n}") for n in range(_ARTICLES)])
        readers = SteadyReaders(api.url, endless_openings([*articles]), rate)
        sending = asyncio.create_task(readers.send_until(monotonic() + _WARM_SECONDS + seconds), name="readers")
        await asyncio.wait({sending}, timeout=_WARM_SECONDS)
        processes, begun = _processes(), monotonic()
        cpu, stored, before = _cpu(processes), _topic_bytes(backend), len(readers.latencies)
        await sending
        taken, sent = monotonic() - begun, len(readers.latencies) - before
        cores = {kind: round((used - cpu[kind]) / taken, 3) for kind, used in _cpu(processes).items()}
        megabytes = {kind: sum(p.memory_full_info().pss for p in some) >> 20 for kind, some in processes.items()}
        async with open_redis(backend.redis_settings) as redis:
            await until(lambda: is_caught_up(backend, redis), "the projector to have everything", seconds=60)
        grown = {topic: round((size - stored[topic]) / sent, 1) for topic, size in _topic_bytes(backend).items()}
        return Load(rate, sent, cores, megabytes, grown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", default="100,1000,3000")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    console = Console()
    rates = [int(rate) for rate in chosen.rates.split(",")]
    with backends(backend_name()) as fresh:
        loads = [asyncio.run(measure(fresh(), rate, chosen.seconds)) for rate in track(rates, "rates", console=console)]
    table = Table("beacons/s", "sent", "cores", "MB", "bytes a beacon", title=f"capacity, {backend_name()}")
    for load in loads:
        cells = (
            ", ".join(f"{k} {v}" for k, v in of.items()) for of in (load.cores, load.megabytes, load.bytes_a_beacon)
        )
        table.add_row(f"{load.rate:,}", f"{load.sent:,}", *cells)
    console.print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        content = {"bench": "views_capacity", "backend": backend_name(), "rows": [asdict(load) for load in loads]}
        chosen.json.write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
