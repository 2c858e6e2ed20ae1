"""Ten thousand feeds on one poller: polls per CPU-second, memory, and how late the last feed is.

Run: ``uv run python -m tests.bench.bench_poller [--feeds N] [--seconds N] [--json FILE]``. Each feed is on a host
of its own, has 20 items, and answers 304 from the second poll on. Needs the loopback network 127.1.0.0/16, so Linux.
"""

import argparse
import asyncio
import json
import multiprocessing
import re
import tempfile
from pathlib import Path
from time import monotonic

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from tests.ingest.feed_server import Answer, Asked, feed_server, rss
from tests.testbed.backends import backend_name, backends
from tests.testbed.role import RoleProcess, running_roles

_ITEMS = [f"item {number}" for number in range(20)]


def _host(number: int) -> str:
    return f"127.1.{number // 250}.{number % 250 + 1}"


def _serve(feeds: int, port: "multiprocessing.Queue[int]") -> None:
    async def serve() -> None:
        async with feed_server() as server:

            def behaviour(asked: Asked) -> Answer:
                server.asked.clear()
                if "if-none-match" in asked.headers:
                    return Answer(304)
                return Answer(
                    200, {"ETag": '"1"', "Content-Type": "application/rss+xml"}, rss(*_ITEMS, guid=asked.host)
                )

            for number in range(feeds):
                server.behaviours[_host(number)] = behaviour
            port.put(server.port)
            await asyncio.Event().wait()

    asyncio.run(serve())


async def _polls(client: httpx.AsyncClient, poller: RoleProcess, outcome: str) -> int:
    said = (await client.get(f"{poller.url}/metrics")).text
    found = re.search(rf'news_ingest_polls_total{{outcome="{outcome}"}} ([\d.e+]+)', said)
    return round(float(found[1])) if found else 0


async def _measure(feeds: int, seconds: int) -> dict[str, float]:
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=_serve, args=(feeds, ports), daemon=True)
    server.start()
    port = await asyncio.to_thread(ports.get)
    with (
        backends(backend_name()) as fresh,
        tempfile.TemporaryDirectory() as folder,
        running_roles(fresh(), Path(folder)) as roles,
    ):
        api = await roles.start("ingest-api")
        poller = await roles.start(
            "ingest-poller",
            NEWS_INGEST_FETCH_ALLOW="127.1.0.0/16",
            NEWS_INGEST_POLL_SHORTEST="PT10S",
            NEWS_INGEST_POLL_LONGEST="PT10S",
        )
        process = psutil.Process(poller.pid)
        empty = process.memory_full_info().pss
        outlines = "".join(f'<outline xmlUrl="http://{_host(n)}:{port}/feed.xml"/>' for n in range(feeds))
        async with httpx.AsyncClient(headers={"Authorization": "Bearer dev"}, timeout=300, trust_env=False) as client:
            begun, cpu = monotonic(), sum(process.cpu_times()[:2])
            answer = await client.post(f"{api.url}/v1/sources.opml", content=f"<opml><body>{outlines}</body></opml>")
            answer.raise_for_status()
            while await _polls(client, poller, "new-items") < feeds:
                await asyncio.sleep(0.2)
            first, first_cpu = monotonic() - begun, sum(process.cpu_times()[:2]) - cpu
            begun, cpu = monotonic(), sum(process.cpu_times()[:2])
            before = await _polls(client, poller, "not-modified")
            await asyncio.sleep(seconds)
            after = await _polls(client, poller, "not-modified")
            wall, spent = monotonic() - begun, sum(process.cpu_times()[:2]) - cpu
            full = process.memory_full_info().pss
    server.kill()
    return {
        "feeds": feeds,
        "first_polls_per_second": feeds / first,
        "first_polls_per_cpu_second": feeds / first_cpu,
        "not_modified_per_second": (after - before) / wall,
        "not_modified_per_cpu_second": (after - before) / spent,
        "pss_mb_empty": empty / 1e6,
        "pss_mb": full / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures = asyncio.run(_measure(arguments.feeds, arguments.seconds))
    table = Table("What", "Figure")
    for what, figure in figures.items():
        table.add_row(what.replace("_", " "), f"{figure:,.0f}")
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
