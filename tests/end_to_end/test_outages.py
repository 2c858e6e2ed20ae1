"""Kafka stopped or frozen, Redis stopped or full: what is answered meanwhile, and that all heals without a hand."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from news_shared.redis_client import open_redis
from tests.end_to_end.journeys import BROWSER
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.refusing import refusing_writes
from tests.testbed.role import Roles
from tests.testbed.waiting import until

pytestmark = pytest.mark.fault


class Site:
    """All roles, and one client."""

    def __init__(self, roles: Roles, client: httpx.AsyncClient) -> None:
        self.roles = roles
        self.client = client

    async def post(self, guid: str) -> httpx.Response:
        return await self.client.post(
            f"{self.roles.places.url('ingest-api')}/v1/articles?source=desk",
            json={"id": guid, "title": f"Title {guid}", "date_published": "2026-11-20T09:00:00Z"},
            headers={"Authorization": "Bearer dev"},
        )

    async def beacon(self, guid: str) -> httpx.Response:
        url = f"{self.roles.places.url('views-api')}/v1/views"
        return await self.client.post(url, json={"article": f"desk:{guid}"}, headers={"User-Agent": BROWSER})

    async def get(self, service: str, path: str) -> httpx.Response:
        return await self.client.get(f"{self.roles.places.url(service)}{path}")

    async def is_on_its_page(self, guid: str) -> bool:
        return (await self.get("web", f"/articles/desk:{guid}")).status_code == 200

    async def counts(self, guid: str) -> int | None:
        answer = await self.get("views-api", f"/v1/articles/desk:{guid}/views")
        return int(answer.json()["views"]) if answer.status_code == 200 else None


@pytest_asyncio.fixture
async def site(roles: Roles) -> AsyncIterator[Site]:
    await roles.start_all()
    async with plain_client(timeout=10, follow_redirects=True) as client:
        site = Site(roles, client)
        assert (await site.post("before")).status_code == 202
        await until(lambda: site.is_on_its_page("before"), "the first article")

        async def known() -> bool:
            return await site.counts("before") is not None

        await until(known, "the first article to be known to views")
        assert (await site.beacon("before")).status_code == 202

        async def counted() -> bool:
            return await site.counts("before") == 1

        await until(counted, "the first view")
        yield site


@pytest.mark.kafka
async def test_kafka_stopped_means_503_for_writes_while_reads_go_on(site: Site, fresh_backend: Backend) -> None:
    fresh_backend.kafka.kill()
    try:
        await _writes_are_refused_and_reads_go_on(site)
    finally:
        fresh_backend.kafka.start()
    await _healed(site)


@pytest.mark.kafka
async def test_kafka_frozen_means_503_for_writes_while_reads_go_on(site: Site, fresh_backend: Backend) -> None:
    fresh_backend.kafka.freeze()
    try:
        await _writes_are_refused_and_reads_go_on(site)
    finally:
        fresh_backend.kafka.thaw()
    await _healed(site)


async def test_redis_stopped_means_202_for_writes_and_503_for_queries(site: Site, fresh_backend: Backend) -> None:
    fresh_backend.redis.kill()
    try:
        assert (await site.post("without-redis")).status_code == 202
        assert (await site.beacon("before")).status_code == 202, "the salt is in memory"
        for service, path in (
            ("feed-api", "/v1/articles/desk:before"),
            ("views-api", "/v1/articles/desk:before/views"),
            ("related-api", "/v1/articles/desk:before/related"),
        ):
            answer = await site.get(service, path)
            assert answer.status_code == 503, f"{service}: {answer.text}"
            assert answer.headers["content-type"] == "application/problem+json"
    finally:
        fresh_backend.redis.start()
    await _healed(site)
    await until(lambda: site.is_on_its_page("without-redis"), "what was posted meanwhile", seconds=60)

    async def exact() -> bool:
        return await site.counts("before") == 1  # the second beacon came within the session

    await until(exact, "the count to be back", seconds=60)


async def test_redis_that_refuses_writes_ends_no_process(site: Site, fresh_backend: Backend) -> None:
    """As with a full disk, or too few replicas."""
    writing = {"ingest-publisher", "views-projector", "feed-projector", "related-linker"}
    async with open_redis(fresh_backend.redis_settings) as redis, refusing_writes(redis):
        assert (await site.post("without-redis")).status_code == 202
        assert (await site.beacon("before")).status_code == 202

        def all_noticed() -> bool:  # not by readiness: the linker soon loses its lease, and is ready to stand by
            logs = {process.name: process.log.read_text() for process in site.roles.processes}
            told = {name for name, log in logs.items() if "applying effects: Redis refuses" in log}
            return writing <= {name.removesuffix("-0") for name in told}

        await until(all_noticed, "every role that writes to be told no", seconds=60, every=0.2)
        assert await site.counts("before") == 1, "what is there is still told"
    await _healed(site)
    await until(lambda: site.is_on_its_page("without-redis"), "what was posted meanwhile", seconds=60)
    assert [process.name for process in site.roles.processes if not process.is_alive] == []


async def _writes_are_refused_and_reads_go_on(site: Site) -> None:
    for answer in (await site.post("refused"), await site.beacon("before")):
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.elapsed.total_seconds() < 6
    assert await site.is_on_its_page("before")
    assert await site.counts("before") == 1


async def _healed(site: Site) -> None:
    async def accepts() -> bool:
        return (await site.post("after")).status_code == 202

    await until(accepts, "posts to be accepted again", seconds=60)
    await until(lambda: site.is_on_its_page("after"), "the article that was posted after it", seconds=60)

    async def counted() -> bool:
        return (await site.beacon("after")).status_code == 202 and (await site.counts("after") or 0) >= 1

    await until(counted, "views to be counted again", seconds=60)
