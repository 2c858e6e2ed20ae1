"""How long the feed API takes to answer from 100,000 stored articles: one, several, and lists of 20, over HTTP, one
question at a time. CPU is the API's, of each question.

Run: ``uv run python -m tests.bench.bench_feed_lists [--articles N] [--json FILE]`` (NEWS_TEST_BACKEND as in tests).
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from urllib.parse import urlencode, urlsplit

import httpx
from rich.console import Console
from rich.table import Table

from news_shared.articles import ArticleEvent
from tests.bench.asking import Asking, Figure
from tests.bench.bench_feed import BODY, write
from tests.feed.builders import published
from tests.testbed.backends import backend_name, backends
from tests.testbed.role import RoleProcess, running_roles
from tests.testbed.waiting import until

THEMES = 300
_AT_ONCE = 5_000
_PAGES = 30  # how deep the deep list lies


def article(number: int, of: int) -> ArticleEvent:
    """The articles are a minute apart; the last one is of now. Each has one of 300 themes and one of two languages."""
    at = datetime.now(UTC) - timedelta(minutes=of - number)
    return published(
        f"a{number}",
        content_html=BODY,
        date_published=at,
        tags=(f"theme {number % THEMES}",),
        language=("en", "uk")[number % 2],
    )


async def measure(articles: int, times: int) -> list[Figure]:
    random = Random(1)
    with backends(backend_name()) as fresh:
        backend = await asyncio.to_thread(fresh)
        with tempfile.TemporaryDirectory() as folder, running_roles(backend, Path(folder)) as roles:
            await roles.start("feed-projector")
            api = await roles.start("feed-api")
            ids: list[str] = []
            for start in range(0, articles, _AT_ONCE):
                events = [article(n, articles) for n in range(start, min(start + _AT_ONCE, articles))]
                await write(backend, events)
                ids += [event.id for event in events]
            await until(lambda: _has(api, ids[-100:]), "the last articles to be stored", seconds=900)
            deep = await asyncio.to_thread(_deep_cursor, api)
            asking = Asking(api, times)
            questions: dict[str, Callable[[], str]] = {
                "one article": lambda: f"/v1/articles/{random.choice(ids)}",
                "20 articles by id": lambda: (
                    "/v1/articles?" + urlencode({"article": random.sample(ids, 20)}, doseq=True)
                ),
                "the newest 20": lambda: "/v1/articles?limit=20",
                f"20 behind {20 * _PAGES}": lambda: f"/v1/articles?limit=20&cursor={deep}",
                "20 of a theme": lambda: f"/v1/articles?limit=20&theme=theme-{random.randrange(THEMES)}",
                "20 of a theme in a language": lambda: (
                    f"/v1/articles?limit=20&language=uk&theme=theme-{random.randrange(THEMES)}"
                ),
            }
            return [asking.ask(what, url) for what, url in questions.items()]


def _has(api: RoleProcess, last: list[str]) -> bool:
    """Whether these, which are of all partitions, are stored."""
    answer = httpx.get(f"{api.url}/v1/articles", params={"article": last}, trust_env=False)
    return answer.is_success and sum("title" in item for item in answer.json()["items"]) == len(last)


def _deep_cursor(api: RoleProcess) -> str:
    connection = HTTPConnection(urlsplit(api.url).netloc, timeout=30)
    cursor = ""
    for _ in range(_PAGES):
        connection.request("GET", "/v1/articles?limit=20" + (f"&cursor={cursor}" if cursor else ""))
        cursor = str(json.loads(connection.getresponse().read())["next"])
    return cursor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    figures = asyncio.run(measure(chosen.articles, chosen.times))
    table = Table("what", "asked", "p50 ms", "p99 ms", "CPU ms", title=f"feed API, {chosen.articles:,} articles")
    for one in figures:
        table.add_row(one.what, f"{one.asked:,}", f"{one.p50_ms:.2f}", f"{one.p99_ms:.2f}", f"{one.cpu_ms or 0:.2f}")
    Console().print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        rows = [asdict(one) for one in figures]
        chosen.json.write_text(json.dumps({"articles": chosen.articles, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
