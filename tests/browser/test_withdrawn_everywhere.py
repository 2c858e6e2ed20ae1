"""A withdrawn article is gone from every place at once, and stays gone when the projections are rebuilt."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, Page

from newsfeed.roles import choose_places, shared_environment
from tests.browser.chromium import reading
from tests.browser.everywhere import SECONDS, Victim, gone_after, showing, shows
from tests.end_to_end.running_up import newsfeed_up
from tests.related.wire_texts import a_wire_text
from tests.testbed.backends import Backend
from tests.testbed.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

THEME = "Withdrawals"
READERS = 3
PATIENT = {"NEWS_WEB_PART_DEADLINE": "PT5S", "NEWS_WEB_PAGE_DEADLINE": "PT10S"}
"""What pages show is looked at here, not how they do without: a busy machine may take its time."""


class Desk:
    """An editor, and programs that look everywhere."""

    def __init__(self, client: httpx.AsyncClient, ingest: str, admin_key: str) -> None:
        self.client = client
        self._ingest = ingest
        self._key = {"Authorization": f"Bearer {admin_key}"}

    async def post(self, source: str, *items: dict[str, Any]) -> list[str]:
        """Ids of what was published."""
        answer = await self.client.post(
            f"{self._ingest}/v1/articles",
            params={"source": source},
            json={"items": items},
            headers={**self._key, "Prefer": "wait=10"},
        )
        assert [item["outcome"] for item in answer.json()["items"]] == ["published"] * len(items), answer.text
        return [str(item["id"]) for item in answer.json()["items"]]

    async def withdraw(self, victim: Victim) -> float:
        """The moment at which the request left."""
        begun = perf_counter()
        answer = await self.client.delete(
            f"{self._ingest}/v1/articles/{victim.id}", params={"reason": "a test"}, headers=self._key
        )
        assert answer.status_code == 202, answer.text
        return begun

    async def victims(self, names: tuple[str, ...]) -> list[Victim]:
        """One for each name, with articles around it, in every place where it can be."""
        mark = uuid4().hex[:8]
        source, other = f"desk{mark}", f"other{mark}"
        now = datetime.now(UTC)

        def an_item(guid: str, minute: int, **fields: Any) -> dict[str, Any]:
            return {
                "id": guid,
                "url": f"https://{source}.example/{guid}",
                "title": f"{guid.capitalize()} of {mark}",
                "language": "en",
                "tags": [f"{THEME} {mark}"],
                "date_published": (now - timedelta(minutes=20 - minute)).isoformat(),
                **fields,
            }

        def a_text(guid: str) -> str:
            link = f'<p>It began with <a href="https://{source}.example/linked">another one</a>.</p>'
            return f"<p>{a_wire_text(names.index(guid))}</p>{link}"

        links = "".join(f'<p><a href="https://{source}.example/{guid}">Before</a>.</p>' for guid in names)
        [linked] = await self.post(source, an_item("linked", 0))
        ids = await self.post(
            source, *(an_item(guid, 1 + n, content_html=a_text(guid)) for n, guid in enumerate(names))
        )
        [linking] = await self.post(source, an_item("linking", 10, content_html=links))
        copied = [an_item(guid, 11, url=None, title=f"What {guid} said", content_html=a_text(guid)) for guid in names]
        copies = await self.post(other, *copied)
        theme = f"{THEME} {mark}".casefold().replace(" ", "-")
        victims = [
            Victim(key, f"{guid.capitalize()} of {mark}", linking, linked, copy, theme, source)
            for guid, key, copy in zip(names, ids, copies, strict=True)
        ]
        for victim in victims:
            await until(lambda victim=victim: self._is_counted(victim), f"the counts of {victim.title}")
            for reader in range(READERS):
                agent = f"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0 {reader}"
                read = await self.client.post("/v1/views", json={"article": victim.id}, headers={"User-Agent": agent})
                assert read.status_code == 202, read.text
        return victims

    async def is_everywhere(self, victim: Victim) -> None:
        """Wait until every place shows it, so that one that never does proves nothing."""
        left: set[str] = set()

        async def complete() -> bool:
            left.clear()
            left.update(victim.places.keys() - await showing(self.client, victim))
            return not left

        try:
            await until(complete, "", seconds=SECONDS)
        except TimeoutError:
            raise AssertionError(f"{victim.title} is not shown by {left}") from None

    async def is_nowhere(self, victim: Victim) -> bool:
        """Whether no place shows it."""
        return await showing(self.client, victim) == set()

    async def _is_counted(self, victim: Victim) -> bool:
        return (await self.client.get(f"/v1/articles/{victim.id}/views")).status_code == 200


@asynccontextmanager
async def open_tabs(browser: Browser, web: str, victim: Victim) -> AsyncIterator[dict[str, Page]]:
    """Tabs that show it, each with its stream open."""
    addresses = {
        "its tab": f"/articles/{victim.id}?lang=en",
        "a tab of lists": "/?lang=en",
        "a tab of a story": f"/articles/{victim.linked}?lang=en",
    }
    async with AsyncExitStack() as stack:
        tabs = {}
        for name, address in addresses.items():
            reader = await stack.enter_async_context(reading(browser, web))
            async with reader.page.expect_response("**/v1/stream"):
                await reader.open(address)
            tabs[name] = reader.page
            assert not await is_gone_from(reader.page, victim), name
        yield tabs


async def is_gone_from(tab: Page, victim: Victim) -> bool:
    return await tab.get_by_text(victim.title).count() == 0


async def gone_from_tabs(tabs: dict[str, Page], victim: Victim, begun: float) -> dict[str, float]:
    async def watch(name: str, tab: Page) -> tuple[str, float]:
        await until(lambda: is_gone_from(tab, victim), f"{victim.title} to leave {name}", seconds=SECONDS)
        return name, perf_counter() - begun

    return dict(await asyncio.gather(*(watch(name, tab) for name, tab in tabs.items())))


@asynccontextmanager
async def never_seen(client: httpx.AsyncClient, victims: list[Victim]) -> AsyncIterator[None]:
    """Look all the time: what was withdrawn is in none of the watched places, not for a moment."""
    seen: list[tuple[str, str]] = []
    is_over = asyncio.Event()

    async def look() -> int:
        rounds = 0
        while not is_over.is_set():
            rounds += 1
            for victim in victims:
                for name, address in victim.watched.items():
                    if await shows(client, address, victim):
                        seen.append((victim.title, name))
            await asyncio.sleep(0.01)
        return rounds

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        is_over.set()
    assert await looking > 1
    assert seen == []


def rebuild(name: str, backend: Backend) -> None:
    """As an operator does it, beside what runs."""
    places = choose_places(
        port_base=0,
        kafka=backend.kafka_bootstrap,
        redis=backend.redis_url,
        host="127.0.0.1",
        free_port=lambda port: port,
    )
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("NEWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "newsfeed", "rebuild", name],
        env=shared_environment(places, surroundings | backend.environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def test_a_withdrawn_article_is_gone_everywhere_also_after_a_rebuild(
    fresh_backend: Backend, browser: Browser, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with newsfeed_up(tmp_path, backend=fresh_backend, **PATIENT) as up:
        places = up.ready
        async with httpx.AsyncClient(base_url=places["web"], timeout=20, trust_env=False) as client:
            desk = Desk(client, places["ingest"], places["admin_key"])
            before, during, after = await desk.victims(("before", "during", "after"))
            for victim in (before, during, after):
                await desk.is_everywhere(victim)

            async def measured(victim: Victim, when: str, after: Awaitable[object]) -> None:
                async with open_tabs(browser, places["web"], victim) as tabs:
                    await after
                    begun = await desk.withdraw(victim)
                    found = await asyncio.gather(gone_after(client, victim, begun), gone_from_tabs(tabs, victim, begun))
                    taken = {name: round(seconds, 2) for some in found for name, seconds in some.items()}
                await until(lambda: desk.is_nowhere(victim), f"{victim.title} to be gone from all places")
                record_property(when, taken)

            await measured(before, "before a rebuild", asyncio.sleep(0))
            async with never_seen(client, [before]):
                rebuilding = asyncio.gather(
                    *(asyncio.to_thread(rebuild, name, fresh_backend) for name in ("feed", "views", "related"))
                )
                await gone_after(client, during, await desk.withdraw(during))
                async with never_seen(client, [during]):
                    await measured(after, "after a rebuild", rebuilding)
            for victim in (before, during, after):
                assert await showing(client, victim) == set()
