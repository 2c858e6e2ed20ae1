"""Starting totals from a file, through the command and the services to what readers see."""

import asyncio
import gzip
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from news_shared.article_ids import article_id
from news_shared.articles import ArticleEvent
from news_shared.projection.log import PartitionLog
from news_shared.redis_client import open_redis
from news_shared.topics import VIEWS
from news_views.settings import ViewsSettings
from tests.cli.test_totals_files import EXPORT, a_file
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.effort import often
from tests.testbed.plain_http import plain_client
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.waiting import until
from tests.views.newsroom_events import announce, published, withdrawn
from tests.views.partitions import (
    applied_offsets,
    expected_fields,
    is_caught_up,
    read_by_the_oracle,
    stored_fields,
    whole_log,
)


@dataclass
class Desk:
    """The command as an operator gives it, and the numbers that come of it."""

    views: RoleProcess
    projector: RoleProcess
    http: httpx.AsyncClient
    feed_url: str = "http://127.0.0.1:9"  # nobody

    async def start(self, file: Path, *options: str) -> Process:
        addresses = {"NEWS_VIEWS_URL": self.views.url, "NEWS_FEED_URL": self.feed_url, "COLUMNS": "200"}
        command = [sys.executable, "-m", "newsfeed", "views", "import", str(file), *options]
        return await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **addresses}, stdout=PIPE, stderr=STDOUT
        )

    async def imported(self, file: Path, *options: str) -> tuple[int, str]:
        process = await self.start(file, *options)
        said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode()

    async def counts(self, articles: Sequence[str]) -> list[tuple[Any, Any]]:
        answer = await self.http.get(f"{self.views.url}/v1/views", params={"article": [*articles]})
        return [(item["views"], item["readers"]) for item in answer.json()["items"]] if answer.is_success else []

    async def show(self, counts: dict[str, tuple[Any, Any]]) -> None:
        found: list[tuple[Any, Any]] = []

        async def is_so() -> bool:
            nonlocal found
            found = await self.counts(list(counts))
            return found == list(counts.values())

        try:
            await until(is_so, "the counts", seconds=20)
        except TimeoutError:
            assert dict(zip(counts, found, strict=True)) == counts


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with plain_client(timeout=15) as client:
        yield client


@pytest_asyncio.fixture
async def desk(roles: Roles, http: httpx.AsyncClient) -> Desk:
    """The views service alone; no feed answers."""
    api, projector = roles.make("views-api"), roles.make("views-projector", NEWS_VIEWS_FLUSH="PT1S")
    for process in (api, projector):
        process.launch()
    for process in (api, projector):
        await process.ready()
    return Desk(api, projector, http)


def at(guid: str, url: str) -> ArticleEvent:
    event = published(guid)
    return event.model_copy(update={"article": event.article.model_copy(update={"url": url})})


async def test_a_table_and_goatcounters_export_become_counts_by_whatever_name(
    desk: Desk, roles: Roles, fresh_backend: Backend, tmp_path: Path
) -> None:
    feed = [roles.make("feed-api"), roles.make("feed-projector")]
    for process in feed:
        process.launch()
    for process in feed:
        await process.ready()
    desk.feed_url = feed[0].url
    site = "https://herald.example"
    events = [at("f", f"{site}/ferry"), published("/bridge"), at("s", f"{site}/slash/"), published("known")]
    articles = await announce(fresh_backend, events)

    async def is_in_the_feed() -> bool:
        answer = await desk.http.get(f"{desk.feed_url}/v1/articles", params={"url": f"{site}/slash/"})
        return answer.is_success and len(answer.json()["items"]) == 1

    await until(is_in_the_feed, "the feed to have the articles", seconds=20)
    await desk.show(dict.fromkeys(articles, (0, 0)))
    table = a_file(
        tmp_path,
        f"article,day,views,readers\n{site}/slash,2025-06-30,7,5\nherald:known,,100,90\n{articles[3]},2025-06-30,1,1\n"
        f"herald:later,2025-06-30,3,3\n{site}/never,2025-06-30,9,9\n",
    )
    code, said = await desk.imported(table)
    assert code == 0, said
    assert "4 lines with 111 views, 99 readers of 3 articles on 1 days, counted by csv" in said
    assert "1 lines with 3 views, 3 readers of articles that are not known here yet" in said
    assert "line 5: herald:later" in said
    assert "left out: 1 lines with 9 views, 9 readers" in said
    assert f"line 6: {site}/never" in said
    code, said = await desk.imported(EXPORT, "--site", site, "--source", "herald")
    assert code == 0, said
    assert "4 lines with 4 views, 3 readers of 2 articles on 2 days, counted by goatcounter" in said
    counts: dict[str, tuple[Any, Any]] = {
        articles[0]: (3, 2),
        articles[1]: (1, 1),
        articles[2]: (7, 5),
        articles[3]: (101, 91),
    }
    await desk.show({**counts, article_id("herald", "later"): (None, None)})
    await announce(fresh_backend, [published("later")])
    await desk.show({**counts, article_id("herald", "later"): (3, 3)})


async def test_a_file_with_a_wrong_line_writes_nothing(desk: Desk, fresh_backend: Backend, tmp_path: Path) -> None:
    [article] = await announce(fresh_backend, [published("ferry")])
    await desk.show({article: (0, 0)})
    lines = [f"herald:ferry,2025-{month:02}-{day:02},1\n" for month in range(1, 13) for day in range(1, 29)] * 2
    future, many = "herald:ferry,9999-12-31,1\n", "herald:bridge,2025-06-30,1000000001\n"
    for wrong, errors in (
        ("herald:ferry,2025-06-31,1\n", ["line 674: day"]),
        (future + many, ["line 674: day: 9999-12-31 has not come yet", "line 675: views"]),
    ):
        code, said = await desk.imported(a_file(tmp_path, "article,day,views\n" + "".join([*lines, wrong])))
        assert (code, "Nothing was written" in said) == (1, True), said
        assert [error for error in errors if error not in said] == [], said
    good = a_file(tmp_path, "article,day,views\nherald:ferry,2025-06-30,1\n")
    code, said = await desk.imported(good, "--dry-run")
    assert (code, "1 lines with 1 views" in said, "Nothing was written" in said) == (0, True, True), said
    code, said = await desk.imported(EXPORT)
    assert (code, "--site" in said) == (1, True), said
    code, said = await desk.imported(good, "--key", "nobody.0000.secret")
    assert (code, "401" in said) == (1, True), said
    await asyncio.gather(*(desk.imported(good, "--origin", origin) for origin in ("a", "b")))
    await desk.show({article: (2, 0)})


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_an_import_through_kills_of_everything_counts_each_line_once(
    desk: Desk, fresh_backend: Backend, tmp_path: Path
) -> None:
    """The command dies and is run again, projector and API die under it, Redis is emptied, articles come late."""
    guids = [f"story-{n}" for n in range(40)]
    late, gone = guids[30:], guids[29]
    await announce(fresh_backend, [*(published(guid) for guid in guids[:30]), withdrawn(gone, 2)])
    days = [date(2023, 1, 1) + timedelta(days=n) for n in range(often(800))]
    rows = [f"herald:{guid},{day},{n},1" for guid in guids for n, day in enumerate(days)]
    file = tmp_path / "totals.csv.gz"
    file.write_bytes(gzip.compress("\n".join(["article,day,views,readers", *rows]).encode()))

    first = await desk.start(file)
    async with open_redis(fresh_backend.redis_settings) as redis:

        async def some_are_applied() -> bool:
            return sum((await applied_offsets(redis)).values()) > 200

        await until(some_are_applied, "the import to write", seconds=90)
    first.kill()
    await first.wait()
    assert not await _has_records(fresh_backend, len(rows))
    second = await desk.start(file)
    for victim in (desk.projector, desk.views):
        victim.kill()
        await victim.start()
    said, _ = await second.communicate()
    assert second.returncode == 0, said.decode()
    assert await _has_records(fresh_backend, len(rows) + 200)

    await announce(fresh_backend, [published(guid) for guid in late])
    each = sum(range(len(days))), len(days)
    await desk.show({article_id("herald", guid): (None, None) if guid == gone else each for guid in guids})
    desk.projector.kill()
    async with open_redis(fresh_backend.redis_settings) as redis:
        await redis.flushall()
        await desk.projector.start()
        await announce(fresh_backend, [published(gone, 3)])
        await desk.show({article_id("herald", guid): each for guid in guids})
        await until(lambda: is_caught_up(fresh_backend, redis), "the projector to catch up", seconds=60)
        oracles = read_by_the_oracle(await whole_log(fresh_backend.kafka_settings, VIEWS), ViewsSettings())
        assert await stored_fields(redis) == await expected_fields(oracles, redis)


async def _has_records(backend: Backend, count: int) -> bool:
    """Whether ``news.views`` has more than so many records, markers among them."""
    bounds = [await PartitionLog(backend.kafka_settings, VIEWS, partition).bounds() for partition in range(PARTITIONS)]
    return sum(one.end for one in bounds) > count
