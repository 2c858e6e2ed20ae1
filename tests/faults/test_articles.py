"""Articles under kills: what was answered 2xx is in the log, once, in the source's order, and a kill stays a kill."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from news_shared.article_ids import article_id
from news_shared.clock import system_clock
from tests.faults.posting import (
    Poster,
    assert_invariants,
    assert_nothing_came_early,
    events_in_the_log,
    posting,
)
from tests.testbed.backends import Backend
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.waiting import until

pytestmark = pytest.mark.fault

_API_DEATH = "after-kafka-before-answer"
_PUBLISHER_DEATH = "after-kafka-commit-before-redis"


async def life_of(poster: Poster, guid: str, random_order: random.Random) -> None:
    """One article's life: versions, some twice, older after newer; some under embargo, some withdrawn."""
    versions = list(range(1, random_order.randint(2, 6)))
    highest = max(versions)
    random_order.shuffle(versions)
    if random_order.random() < 0.1:
        poster.embargoes[guid] = system_clock() + timedelta(seconds=random_order.uniform(1, 8))
    for version in versions:
        await poster.post(guid, version)
        if random_order.random() < 0.3:
            await poster.post(guid, version)
    poster.expected[guid] = f"{guid} version {highest}"
    if random_order.random() < 0.25:
        await poster.withdraw(guid)
        poster.expected[guid] = None
        await poster.post(guid, highest + 1)  # the feed still lists it, even in a newer version


@dataclass
class Troubles:
    """Ends one of the processes again and again, and starts it again: killed, told to stop, dead at a named place."""

    api: RoleProcess
    publishers: list[RoleProcess]
    random: random.Random
    kills: int = 0
    stops: int = 0
    deaths: Counter[str] = field(default_factory=Counter)
    """At named places, by their names."""

    async def run(self, done: asyncio.Event) -> None:
        while not done.is_set():
            process = self.random.choice([self.api, *self.publishers])
            if len(self.publishers) > 1 and self.random.random() < 0.25:
                await process.stop(seconds=60)
                self.stops += 1
            else:
                process.kill()
                self.kills += 1
            if len(self.publishers) > 1:
                await self._absent(done)
            if len(self.publishers) > 1 and self.random.random() < 0.3:
                await self._die_at(_API_DEATH if process is self.api else _PUBLISHER_DEATH, process)
            await process.start()
            await self._pause(done, 1.0)

    async def _absent(self, done: asyncio.Event) -> None:
        """Long enough, now and then, that the others take over; its partitions are theirs for a while."""
        if self.random.random() < 0.5:
            await self._pause(done, 3.0)

    async def _die_at(self, point: str, process: RoleProcess) -> None:
        """Start it armed; where the work gives it nothing to do in time, it is told to stop instead."""
        plain = process.environment
        process.environment = {**plain, "NEWS_CRASH_AT": f"{point}:{self.random.randint(1, 5)}"}
        process.launch()
        try:
            await process.ended(seconds=10)
            self.deaths[point] += 1
        except TimeoutError:
            await process.stop(seconds=60)
        finally:
            process.environment = plain

    async def _pause(self, done: asyncio.Event, longest: float) -> None:
        try:
            async with asyncio.timeout(self.random.uniform(0.1, longest)):
                await done.wait()
        except TimeoutError:
            pass


@pytest.mark.parametrize(
    ("articles", "publishers", "kills"),
    [
        (150, 1, 4),
        pytest.param(2500, 5, 60, marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),  # some 10,000 posts
    ],
)
async def test_articles_survive_kills_of_api_and_publishers_that_come_and_go(
    roles: Roles,
    fresh_backend: Backend,
    record_property: Callable[[str, object], None],
    articles: int,
    publishers: int,
    kills: int,
) -> None:
    api = await roles.start("ingest-api")
    working = [await roles.start("ingest-publisher", instance=str(n)) for n in range(publishers)]
    done = asyncio.Event()
    troubles = Troubles(api, working, random.Random(8))
    numbers = itertools.count()
    async with posting(roles) as poster:
        troubling = asyncio.create_task(troubles.run(done), name="troubles")

        async def lives() -> None:
            for n in numbers:
                if n >= articles and troubles.kills >= kills:
                    return
                await life_of(poster, f"g{n}", random.Random(n))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(6):
                tasks.create_task(lives())
        done.set()
        await troubling
        assert poster.repeated > 0, "no request met a kill"
        await until(poster.is_all_decided, "every submission to be decided", seconds=120)
    events = await events_in_the_log(fresh_backend)
    assert_invariants(events, poster.expected)
    released = await assert_nothing_came_early(fresh_backend, poster.embargoes)
    assert released > 0, "no embargo ended"
    if publishers > 1:
        assert set(troubles.deaths) == {_API_DEATH, _PUBLISHER_DEATH}, "a named place was never reached"
    record_property(
        "happened",
        f"{poster.acknowledged:,} posts and withdrawals acknowledged, {poster.repeated:,} repeated; {publishers} "
        f"publishers and the API killed {troubles.kills} times, told to stop {troubles.stops} times, dead by name: "
        + (
            ", ".join(f"{n} times {point.replace('-', ' ')}" for point, n in sorted(troubles.deaths.items()))
            or "nowhere"
        )
        + f"; {sum(map(len, events.values())):,} events of {len(events):,} articles, {released} released from embargo",
    )


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
