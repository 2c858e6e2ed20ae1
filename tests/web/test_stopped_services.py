"""The article page in front of running services that are stopped one after the other; time is that of a reader."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx
import pytest
import pytest_asyncio

from newsfeed.embedded import EmbeddedServer, embedded_redis
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.ports import reserved_port
from tests.testbed.role import RoleProcess, Roles, running_roles
from tests.testbed.waiting import until

pytestmark = pytest.mark.timeout(240)

ROLES = ("ingest-api", "ingest-publisher", "views-api", "views-projector", "related-api", "related-linker")
ITEMS = [
    {
        "id": guid,
        "url": f"https://desk.example/{guid}",
        "language": "en",
        "title": f"Story {guid}",
        "content_html": html,
        "tags": ["Harbour"],
        "date_published": f"2026-11-2{day}T09:00:00Z",
    }
    for day, (guid, html) in enumerate(
        [("older", "<p>It began.</p>"), ("newer", '<p>As <a href="https://desk.example/older">we said</a>.</p>')]
    )
]


@dataclass
class Site:
    """Running services, the feed with a Redis of its own."""

    client: httpx.AsyncClient
    url: str
    ingest: str
    processes: dict[str, RoleProcess]
    feeds_redis: EmbeddedServer

    async def page(self, path: str = "/articles/desk:newer") -> str:
        answer = await self.client.get(self.url + path)
        return answer.text if answer.status_code == 200 else ""

    async def is_whole(self) -> bool:
        page = await self.page()
        return all(part in page for part in ("As <a href", "Story older", "views=", "News by theme"))

    async def is_without_count(self) -> bool:
        return "views=" not in await self.page()

    async def has_old_list(self) -> bool:
        answer = await self.client.get(f"{self.url}/v1/pages/desk:newer")
        return bool(answer.json()["related"]["status"] == "stale")

    async def answered(self) -> tuple[int, str, float]:
        """Status, text, and the seconds of the middle one of some visits: the machine is shared."""
        taken = []
        for _ in range(5):
            begun = perf_counter()
            answer = await self.client.get(f"{self.url}/articles/desk:newer")
            taken.append(perf_counter() - begun)
        return answer.status_code, answer.text, median(taken)


@pytest_asyncio.fixture
async def site(backend: Backend, tmp_path: Path) -> AsyncIterator[Site]:
    with running_roles(backend, tmp_path, warm=True) as roles, embedded_redis(reserved_port()) as redis:
        processes = await _started(roles, redis)
        async with plain_client(follow_redirects=True, timeout=10) as client:
            site = Site(client, roles.places.url("web"), roles.places.url("ingest-api"), processes, redis)
            posted = await client.post(
                f"{site.ingest}/v1/articles?source=desk",
                json={"items": ITEMS},
                headers={"authorization": "Bearer dev", "prefer": "wait=10"},
            )
            assert posted.status_code == 200, posted.text
            await until(site.is_whole, "the page with all its parts", seconds=60)
            yield site


async def _started(roles: Roles, redis: EmbeddedServer) -> dict[str, RoleProcess]:
    of_the_feed = {"NEWS_REDIS_URL": f"redis://{redis.address}/0", "NEWS_REDIS_CLUSTER": "false"}
    processes = {name: roles.make(name, NEWS_RELATED_EMBEDDING="off") for name in ROLES}
    processes |= {name: roles.make(name, **of_the_feed) for name in ("feed-api", "feed-projector")}
    processes["web"] = roles.make("web")
    for process in processes.values():
        process.launch()
    for process in processes.values():
        await process.ready()
    return processes


async def test_the_article_is_there_within_half_a_second_whoever_is_stopped(site: Site) -> None:
    site.processes["related-api"].freeze()  # worse than dead: it takes connections and says nothing
    await until(site.has_old_list, "each page to wait for the related list", seconds=5)
    status, page, seconds = await site.answered()
    assert status == 200
    assert 'href="/articles/' in page  # the copy's card: views knows that the story is still there
    assert seconds < 0.5

    site.processes["related-api"].kill()
    site.processes["views-api"].kill()
    await until(site.is_without_count, "a count that was known a moment ago to be gone", seconds=2)
    status, page, seconds = await site.answered()
    assert status == 200
    assert "we said" in page
    assert "views=" not in page
    assert seconds < 0.5

    site.feeds_redis.kill()
    status, page, seconds = await site.answered()
    assert status == 200
    assert "we said" in page
    assert "could not be checked" in page
    assert seconds < 0.5


async def test_a_story_withdrawn_while_the_feed_is_away_is_gone(site: Site) -> None:
    site.processes["feed-api"].kill()
    assert "could not be checked" in await site.page()
    taken = await site.client.delete(
        f"{site.ingest}/v1/articles/desk:newer?reason=a%20mistake", headers={"authorization": "Bearer dev"}
    )
    assert taken.status_code == 202, taken.text

    async def is_gone() -> bool:
        return (await site.client.get(f"{site.url}/articles/desk:newer")).status_code == 410

    await until(is_gone, "the page to say that it is gone", seconds=20)
