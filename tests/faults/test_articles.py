"""Articles under kills: what was answered 2xx is in the log, once, in the source's order, and a kill stays a kill."""

import asyncio
import itertools
import json
import random

import pytest

from news_shared.article_ids import article_id
from tests.faults.posting import Poster, assert_invariants, events_in_the_log, posting
from tests.testbed.backends import Backend
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.waiting import until

pytestmark = pytest.mark.fault


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

        async def both_decided() -> bool:
            return await poster.has_revision("a", 2) and await poster.is_withdrawn("b")

        await until(both_decided, "the first decisions")
        fresh_backend.redis.kill()
        fresh_backend.redis.start()
        await poster.post("a", 3)  # accepted while the publisher restores its state

        async def restored() -> bool:
            return await poster.has_revision("a", 3) and await poster.is_withdrawn("b")

        await until(restored, "the restored decisions", seconds=60)
        await poster.post("b", 1)
        poster.expected |= {"a": "a version 3", "b": None}

        async def stays_withdrawn() -> bool:
            outcome = await poster.outcome("b")
            return outcome.get("outcome") == "withdrawn" and outcome.get("why") is not None

        await until(stays_withdrawn, "the kill to hold")
    assert_invariants(await events_in_the_log(fresh_backend), poster.expected)
