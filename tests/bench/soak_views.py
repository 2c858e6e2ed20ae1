"""Minutes of beacons over HTTP with a short session: memory and latency of every process must stay flat.

Run: ``uv run python -m tests.bench.soak_views [--minutes N] [--rate N] [--json FILE]``; ten minutes by default.
"""

import argparse
import asyncio
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from time import monotonic

import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from news_shared.redis_client import open_redis
from tests.bench.steady_readers import UNBOUNDED, SteadyReaders, endless_openings
from tests.testbed.backends import Backend, backend_name, backends
from tests.testbed.role import running_roles
from tests.testbed.waiting import until
from tests.views.newsroom_events import announce, published
from tests.views.partitions import is_caught_up

_SETTINGS = {"NEWS_VIEWS_SESSION": "PT1M", **UNBOUNDED}


@dataclass(frozen=True)
class Minute:
    """What one minute looked like; latencies from the moment a beacon was due, so a stall counts in full."""

    minute: int
    beacons: int
    refused: int
    p50_ms: float
    p99_ms: float
    megabytes: dict[str, int]  # proportional set size, by process
    cores: dict[str, float]


async def measure(backend: Backend, minutes: int, rate: int, console: Console) -> list[Minute]:
    found: list[Minute] = []
    with tempfile.TemporaryDirectory() as folder, running_roles(backend, Path(folder)) as roles:
        watched = {name: await roles.start(name, **_SETTINGS) for name in ("views-api", "views-projector")}
        processes = {name: psutil.Process(process.pid) for name, process in watched.items()}
        articles = await announce(backend, [published(f"story-{n}") for n in range(500)])
        readers = SteadyReaders(watched["views-api"].url, endless_openings([*articles]), rate)
        begun = monotonic()
        sending = asyncio.create_task(readers.send_until(begun + 60 * minutes), name="readers")
        for minute in track(range(1, minutes + 1), "minutes", console=console):
            cpu = {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}
            await asyncio.wait({sending}, timeout=begun + 60 * minute - monotonic())
            latencies, readers.latencies = readers.latencies, []
            refused, readers.refused = readers.refused, 0
            cuts = quantiles(latencies, n=100)
            found.append(
                Minute(
                    minute,
                    len(latencies),
                    refused,
                    round(cuts[49] * 1000, 1),
                    round(cuts[98] * 1000, 1),
                    {name: process.memory_full_info().pss >> 20 for name, process in processes.items()},
                    {name: round((sum(p.cpu_times()[:2]) - cpu[name]) / 60, 2) for name, p in processes.items()},
                )
            )
        await sending
        async with open_redis(backend.redis_settings) as redis:
            await until(lambda: is_caught_up(backend, redis), "the projector to have everything", seconds=60)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    console = Console()
    with backends(backend_name()) as fresh:
        found = asyncio.run(measure(fresh(), chosen.minutes, chosen.rate, console))
    table = Table("minute", "beacons", "refused", "p50 ms", "p99 ms", "MB", "cores", title=f"soak, {backend_name()}")
    for m in found:
        megabytes = ", ".join(f"{name} {value}" for name, value in m.megabytes.items())
        cores = ", ".join(f"{name} {value}" for name, value in m.cores.items())
        table.add_row(str(m.minute), f"{m.beacons:,}", str(m.refused), str(m.p50_ms), str(m.p99_ms), megabytes, cores)
    console.print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        content = {"bench": "soak_views", "backend": backend_name(), "rows": [asdict(m) for m in found]}
        chosen.json.write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
