"""A poller as a process, feeds for it on loopback addresses, and what came of them."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from news_ingest.source_answers import SourceShown
from news_shared.articles import Article, decode_event
from news_shared.topics import ARTICLES
from tests.ingest.feed_server import FeedServer, feed_server
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles
from tests.testbed.topics import records_of
from tests.testbed.waiting import until

SETTINGS = {"NEWS_INGEST_FETCH_ALLOW": "127.0.1.0/24", "NEWS_INGEST_POLL_HOST_PAUSE": "PT0.05S"}
QUICK = {"NEWS_INGEST_POLL_SHORTEST": "PT0.3S", "NEWS_INGEST_POLL_LONGEST": "PT2S"}
SLOW = {"NEWS_INGEST_POLL_SHORTEST": "PT5M"}


@dataclass
class Newsroom:
    """The intake's API, a server of feeds, and the processes of the test."""

    client: httpx.AsyncClient
    feeds: FeedServer
    roles: Roles
    backend: Backend

    async def add(self, name: str, host: str, **more: object) -> None:
        """A source whose feed is on that host."""
        answer = await self.client.put(f"/v1/sources/{name}", json={"feed_url": self.feeds.url(host), **more})
        assert answer.status_code == 201, answer.text

    async def source(self, name: str) -> dict[str, Any]:
        told = dict((await self.client.get(f"/v1/sources/{name}")).raise_for_status().json())
        shown = _in_schema(told)
        assert told == shown, f"the answer has what its schema has not: {told} is not {shown}"
        return told

    async def polling(self, name: str) -> dict[str, Any]:
        """What is told of its polls."""
        return dict((await self.source(name))["polling"])

    async def polled(self, name: str, times: int = 1) -> dict[str, Any]:
        """Wait until it was polled so many times."""

        async def so_often() -> bool:
            return bool((await self.polling(name)).get("polls", 0) >= times)

        await until(so_often, f"{name} to be polled {times} times")
        return await self.polling(name)

    async def poll_now(self, name: str) -> dict[str, Any]:
        """Ask for a poll and wait for it."""
        before = (await self.polling(name)).get("polls", 0)
        answer = await self.client.post(f"/v1/sources/{name}/poll")
        assert answer.status_code == 202, answer.text
        return await self.polled(name, before + 1)

    async def titles(self) -> dict[str, list[str]]:
        """Of every version of every article that was ever published, by source."""
        found: dict[str, list[str]] = defaultdict(list)
        for record in await records_of(self.backend, ARTICLES):
            event = decode_event(record.value, record.headers)
            if event is not None and isinstance(event.article, Article):
                found[event.article.source].append(event.article.title)
        return {source: sorted(titles) for source, titles in found.items()}

    async def published(self, source: str, *titles: str) -> None:
        """Wait until these titles are published; others, or one of them twice, are an error."""
        await self.all_published({source: list(titles)})

    async def counted(self, expected: Mapping[str, int]) -> None:
        """Wait until there are so many versions of articles of each source, or more."""

        async def are_there() -> bool:
            found = await self.titles()
            return all(len(found.get(source, [])) >= count for source, count in expected.items())

        await until(are_there, f"the articles of {len(expected)} sources", seconds=60, every=0.2)

    async def all_published(self, expected: Mapping[str, Sequence[str]]) -> None:
        """The same for several sources."""

        await self.counted({source: len(titles) for source, titles in expected.items()})
        found = await self.titles()
        assert {source: found[source] for source in expected} == {s: sorted(titles) for s, titles in expected.items()}


def _in_schema(told: dict[str, Any]) -> dict[str, Any]:
    """What the published schema lets through."""
    shown = SourceShown.model_validate(told).model_dump(mode="json", exclude_unset=True)
    if shown.get("polling", {}).get("interval"):  # two ways to write the same length
        shown["polling"]["interval"] = told["polling"]["interval"]
    for key, same in zip(shown["keys"], told["keys"], strict=True):
        key["created_at"] = same["created_at"]  # with as many digits
    return shown


@asynccontextmanager
async def newsroom(
    roles: Roles, backend: Backend, settings: Mapping[str, str], *, pollers: int = 1, publisher: bool = True
) -> AsyncIterator[Newsroom]:
    """API, publisher and pollers, all ready."""
    async with feed_server() as feeds:
        api = roles.make("ingest-api", **SETTINGS)
        processes = [roles.make("ingest-poller", instance=str(n), **{**SETTINGS, **settings}) for n in range(pollers)]
        processes += [roles.make("ingest-publisher")] if publisher else []
        for process in (api, *processes):
            process.launch()
        for process in (api, *processes):
            await process.ready()
        headers = {"Authorization": "Bearer dev"}
        async with plain_client(base_url=api.url, headers=headers, timeout=30) as client:
            yield Newsroom(client, feeds, roles, backend)
