"""A desk that posts through faults, and what must be in ``news.articles`` whatever happened."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from news_shared.article_ids import article_id
from news_shared.articles import Article, ArticleEvent, Withdrawal, decode_event
from news_shared.clock import epoch_ms, rfc3339
from news_shared.topics import ARTICLES
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles
from tests.testbed.topics import records_of
from tests.testbed.waiting import until


@dataclass
class Poster:
    """Posts and withdraws, repeating what was not answered 2xx, and knows what must be there at the end."""

    ingest: str
    client: httpx.AsyncClient
    acknowledged: int = 0
    repeated: int = 0
    expected: dict[str, str | None] = field(default_factory=dict)  # guid -> last title; None: withdrawn
    embargoes: dict[str, datetime] = field(default_factory=dict)  # guid -> its end, in every version

    async def post(self, guid: str, version: int) -> None:
        until = self.embargoes.get(guid)
        item = {
            **({"embargoed_until": rfc3339(until)} if until else {}),
            "id": guid,
            "title": f"{guid} version {version}",
            "content_text": "Text.\n\n" * 3,
            "version": version,
            "date_published": "2026-01-01T00:00:00Z",
            "tags": ["Fault"],
        }
        await self._until_accepted("POST", "/v1/articles?source=fault", json=item)

    async def withdraw(self, guid: str) -> None:
        await self._until_accepted("DELETE", f"/v1/articles/fault:{guid}?reason=wrong")

    async def outcome(self, guid: str) -> dict[str, object]:
        """What the ingest API says of the article; nothing while it does not know it."""
        answer = await self.client.get(f"{self.ingest}/v1/articles/fault:{guid}/outcome")
        return dict(answer.json()) if answer.status_code == 200 else {}

    async def has_revision(self, guid: str, revision: int) -> bool:
        return (await self.outcome(guid)).get("revision") == revision

    async def is_withdrawn(self, guid: str) -> bool:
        return (await self.outcome(guid)).get("state") == "withdrawn"

    async def is_all_decided(self) -> bool:
        """Whether every article is where it must end, those under embargo too."""
        for guid, title in self.expected.items():
            if (await self.outcome(guid)).get("state") != ("withdrawn" if title is None else "published"):
                return False
        return True

    async def _until_accepted(self, method: str, path: str, **arguments: object) -> None:
        async def accepted() -> bool:
            try:
                answer = await self.client.request(method, f"{self.ingest}{path}", **arguments)  # type: ignore[arg-type]
            except httpx.TransportError:
                self.repeated += 1
                return False
            if answer.status_code == 503:
                self.repeated += 1
                return False
            assert answer.status_code == 202, answer.text
            return True

        await until(accepted, f"{method} {path}", seconds=60)
        self.acknowledged += 1


@asynccontextmanager
async def posting(roles: Roles) -> AsyncIterator[Poster]:
    headers = {"Authorization": "Bearer dev"}
    async with plain_client(headers=headers, timeout=10) as client:
        yield Poster(roles.places.url("ingest-api"), client)


async def assert_nothing_came_early(backend: Backend, embargoes: dict[str, datetime]) -> int:
    """By the broker's clock no text is before its embargo's end, and no withdrawal names it; returns how many held."""
    ends = {article_id("fault", guid): epoch_ms(until) for guid, until in embargoes.items()}
    released: set[str] = set()
    for record in await records_of(backend, ARTICLES):
        event = decode_event(record.value, record.headers)
        assert event is not None
        if event.id not in ends:
            continue
        if isinstance(event.article, Article):
            assert record.timestamp >= ends[event.id], f"{event.article.guid} came before its embargo's end"
            released.add(event.id)
        elif event.id not in released and event.article.guid:
            assert record.timestamp >= ends[event.id], f"{event.article.guid} was named before its embargo's end"
    return len(released)


async def events_in_the_log(backend: Backend) -> dict[str, list[tuple[ArticleEvent, bytes]]]:
    found: dict[str, list[tuple[ArticleEvent, bytes]]] = defaultdict(list)
    for record in await records_of(backend, ARTICLES):
        event = decode_event(record.value, record.headers)
        assert event is not None
        found[event.id].append((event, record.value))
    return found


def assert_invariants(events: dict[str, list[tuple[ArticleEvent, bytes]]], expected: dict[str, str | None]) -> None:
    assert set(events) == {article_id("fault", guid) for guid in expected}
    for guid, title in expected.items():
        history = events[article_id("fault", guid)]
        revisions = [event.article.revision for event, _ in history]
        assert revisions == sorted(revisions), f"{guid}: revisions decrease: {revisions}"
        by_revision: dict[int, set[bytes]] = defaultdict(set)
        for event, value in history:
            by_revision[event.article.revision].add(value)
        assert all(len(values) == 1 for values in by_revision.values()), f"{guid}: one revision, several bytes"
        assert sorted(by_revision) == list(range(1, max(by_revision) + 1)), f"{guid}: a revision is missing"
        last = history[-1][0].article
        if title is None:
            assert isinstance(last, Withdrawal), f"{guid} was withdrawn, but the last event is {history[-1][0].type}"
        else:
            assert isinstance(last, Article)
            assert last.title == title
        titles = [event.article.title for event, _ in history if isinstance(event.article, Article)]
        versions = [int(t.rsplit(" ", 1)[1]) for t in titles]
        assert versions == sorted(set(versions)), f"{guid}: published out of order or twice: {versions}"
