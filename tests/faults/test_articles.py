"""Articles under kills: what was answered 2xx is in the log, once, in the source's order, and a kill stays a kill."""

import asyncio
import itertools
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from news_shared.article_ids import article_id
from news_shared.articles import Article, ArticleEvent, Withdrawal, decode_event
from news_shared.topics import ARTICLES
from tests.testbed.backends import Backend
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.topics import records_of
from tests.testbed.waiting import until

Step = Callable[[], Awaitable[None]]


@dataclass
class Poster:
    """Posts and withdraws, repeating what was not answered 2xx, and knows what must be there at the end."""

    ingest: str
    client: httpx.AsyncClient
    acknowledged: int = 0
    repeated: int = 0
    expected: dict[str, str | None] = field(default_factory=dict)  # guid -> last title; None: withdrawn

    async def post(self, guid: str, version: int) -> None:
        item = {
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
    async with httpx.AsyncClient(headers=headers, timeout=10, trust_env=False) as client:
        yield Poster(roles.places.url("ingest-api"), client)


async def life_of(poster: Poster, guid: str, random_order: random.Random) -> None:
    """One article's life: versions, some twice, older after newer, some withdrawn and then listed again."""
    versions = list(range(1, random_order.randint(2, 6)))
    highest = max(versions)
    random_order.shuffle(versions)
    for version in versions:
        await poster.post(guid, version)
        if random_order.random() < 0.3:
            await poster.post(guid, version)
    poster.expected[guid] = f"{guid} version {highest}"
    if random_order.random() < 0.25:
        await poster.withdraw(guid)
        poster.expected[guid] = None
        await poster.post(guid, highest + 1)  # the feed still lists it, even in a newer version


class Killer:
    """Kills one of the processes again and again, and starts it again."""

    def __init__(self, processes: list[RoleProcess], random_order: random.Random) -> None:
        self._processes = processes
        self._random = random_order
        self.kills = 0

    async def run(self, done: asyncio.Event) -> None:
        while not done.is_set():
            process = self._random.choice(self._processes)
            process.kill()
            self.kills += 1
            await process.start()
            try:
                async with asyncio.timeout(self._random.uniform(0.1, 1.0)):
                    await done.wait()
            except TimeoutError:
                continue


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


@pytest.mark.parametrize(
    ("articles", "kills"), [(150, 4), pytest.param(700, 40, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
async def test_articles_survive_kills_of_api_and_publisher(
    roles: Roles, fresh_backend: Backend, articles: int, kills: int
) -> None:
    api, publisher = await roles.start("ingest-api"), await roles.start("ingest-publisher")
    done = asyncio.Event()
    killer = Killer([api, publisher], random.Random(8))
    numbers = itertools.count()
    async with posting(roles) as poster:
        killing = asyncio.create_task(killer.run(done), name="killer")

        async def lives() -> None:
            for n in numbers:
                if n >= articles and killer.kills >= kills:
                    return
                await life_of(poster, f"g{n}", random.Random(n))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(6):
                tasks.create_task(lives())
        done.set()
        await killing
        assert poster.repeated > 0, "no request met a kill"

        async def decided() -> bool:
            for guid, title in poster.expected.items():
                answer = await poster.client.get(f"{poster.ingest}/v1/articles/fault:{guid}/outcome")
                if answer.status_code != 200 or (answer.json()["state"] == "withdrawn") != (title is None):
                    return False
            return not json.loads((await poster.client.get(f"{publisher.url}/readyz")).text)["reasons"]

        await until(decided, "every submission to be decided", seconds=60)
    assert_invariants(await events_in_the_log(fresh_backend), poster.expected)


async def test_a_publisher_that_dies_between_kafka_and_redis_decides_nothing_twice(
    roles: Roles, fresh_backend: Backend
) -> None:
    await roles.start("ingest-api")
    doomed = await roles.start("ingest-publisher", NEWS_CRASH_AT="after-kafka-commit-before-redis:3")
    async with posting(roles) as poster:
        for version in range(1, 5):
            await poster.post("a", version)
        poster.expected["a"] = "a version 4"
        await poster.withdraw("b")
        await poster.post("b", 1)
        poster.expected["b"] = None
        for n in range(40):  # enough batches to reach the third commit
            await poster.post(f"c{n}", 1)
            poster.expected[f"c{n}"] = f"c{n} version 1"
            if not doomed.is_alive:
                break
        assert await doomed.ended() == -9, "the crash point was not reached"
        successor = roles.make("ingest-publisher", instance="0")
        await successor.start()

        async def decided() -> bool:
            answers = [
                (await poster.client.get(f"{poster.ingest}/v1/articles/fault:{guid}/outcome"))
                for guid in poster.expected
            ]
            return all(answer.status_code == 200 for answer in answers)

        await until(decided, "every submission to be decided", seconds=60)
        await poster.post("a", 5)
        poster.expected["a"] = "a version 5"

        async def updated() -> bool:
            events = await events_in_the_log(fresh_backend)
            return events[article_id("fault", "a")][-1][0].article.revision == 5

        await until(updated, "the fifth revision")
    assert_invariants(await events_in_the_log(fresh_backend), poster.expected)


async def test_after_redis_is_emptied_an_old_article_gets_its_next_revision(
    roles: Roles, fresh_backend: Backend
) -> None:
    await roles.start("ingest-api")
    await roles.start("ingest-publisher")
    async with posting(roles) as poster:
        await poster.post("a", 1)
        await poster.post("a", 2)
        await poster.withdraw("b")

        async def outcome(guid: str) -> dict[str, object]:
            answer = await poster.client.get(f"{poster.ingest}/v1/articles/fault:{guid}/outcome")
            return dict(answer.json()) if answer.status_code == 200 else {}

        async def both_decided() -> bool:
            return (await outcome("a")).get("revision") == 2 and (await outcome("b")).get("state") == "withdrawn"

        await until(both_decided, "the first decisions")
        fresh_backend.redis.kill()
        fresh_backend.redis.start()
        await poster.post("a", 3)  # accepted while the publisher restores its state

        async def restored() -> bool:
            return (await outcome("a")).get("revision") == 3 and (await outcome("b")).get("state") == "withdrawn"

        await until(restored, "the restored decisions", seconds=60)
        await poster.post("b", 1)
        poster.expected |= {"a": "a version 3", "b": None}

        async def stays_withdrawn() -> bool:
            return (await outcome("b")).get("outcome") == "withdrawn" and (await outcome("b")).get("why") is not None

        await until(stays_withdrawn, "the kill to hold")
    assert_invariants(await events_in_the_log(fresh_backend), poster.expected)
