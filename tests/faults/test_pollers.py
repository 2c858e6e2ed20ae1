"""Pollers that are killed: their feeds are another's, every item is published once, and no host is pressed."""

import asyncio
import random
import signal
from collections import defaultdict

import pytest

from news_shared.topics import SUBMISSIONS
from tests.ingest.feed_server import Answer, Asked, rss
from tests.ingest.polled import QUICK, Newsroom, newsroom
from tests.testbed.backends import Backend
from tests.testbed.effort import often
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles
from tests.testbed.topics import records_of
from tests.testbed.waiting import until

pytestmark = pytest.mark.fault

FEEDS = 40
ROUNDS = often(8)
LEASE = {"NEWS_INGEST_POLL_LEASE": "PT2S"}
HOSTS = [f"127.0.1.{number}" for number in range(1, FEEDS + 1)]


class GrowingFeeds:
    """Feeds that gain items, with validators that a poller must not store before Kafka has the items."""

    def __init__(self, room: Newsroom) -> None:
        self.room = room
        self.items: dict[str, list[str]] = defaultdict(list)
        for host in HOSTS:
            room.feeds.behaviours[host] = self._answer

    async def add_all(self) -> None:
        for host in HOSTS:
            self.items[host].append(f"{host} first")
            await self.room.add(_name(host), host)

    def grow(self, host: str) -> None:
        self.items[host].append(f"{host} item {len(self.items[host])}")

    async def assert_all_published_once(self) -> None:
        await self.room.all_published({_name(host): self.items[host] for host in HOSTS})
        assert max(self.room.feeds.open_most.values()) == 1, "a host had two requests at a time"

    async def assert_all_polled(self) -> None:
        """Everybody is asked again within ten seconds."""
        before = {host: len(self.room.feeds.asked[host]) for host in HOSTS}
        await until(
            lambda: all(len(self.room.feeds.asked[host]) > before[host] for host in HOSTS), "every feed", seconds=10
        )

    def _answer(self, asked: Asked) -> Answer:
        tag = f'"{len(self.items[asked.host])}"'
        if asked.headers.get("if-none-match") == tag:
            return Answer(304, {"ETag": tag})
        return Answer(headers={"ETag": tag}, body=rss(*self.items[asked.host][-3:]))


def _name(host: str) -> str:
    return f"feed-{host.rpartition('.')[2]}"


async def test_a_killed_pollers_feeds_are_polled_by_the_other(roles: Roles, fresh_backend: Backend) -> None:
    async with newsroom(roles, fresh_backend, QUICK | LEASE, pollers=2) as room:
        feeds = GrowingFeeds(room)
        await feeds.add_all()
        await feeds.assert_all_published_once()
        pollers = [process for process in roles.processes if process.name.startswith("ingest-poller")]
        chance = random.Random(1)
        for round_ in range(ROUNDS):
            for host in HOSTS:
                feeds.grow(host)
            await asyncio.sleep(chance.uniform(0, 1))  # a moment of chance in the middle of their work
            victim = pollers[round_ % 2]
            victim.kill()
            await feeds.assert_all_polled()
            await feeds.assert_all_published_once()
            await victim.start()
    submitted = await records_of(fresh_backend, SUBMISSIONS)
    assert len(submitted) >= FEEDS * (1 + ROUNDS)


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("after-fetch-before-kafka", marks=pytest.mark.slow),
        pytest.param("after-kafka-before-poll-state:7", marks=pytest.mark.slow),
        "after-kafka-before-poll-state",
        pytest.param("after-poll-state:5", marks=pytest.mark.slow),
    ],
)
async def test_a_death_at_a_named_point_loses_nothing_and_publishes_nothing_twice(
    roles: Roles, fresh_backend: Backend, point: str
) -> None:
    async with newsroom(roles, fresh_backend, QUICK | LEASE | {"NEWS_CRASH_AT": point}) as room:
        dying = next(process for process in roles.processes if process.name.startswith("ingest-poller"))
        feeds = GrowingFeeds(room)
        await feeds.add_all()
        assert await dying.ended() == -signal.SIGKILL
        dying.environment.pop("NEWS_CRASH_AT")
        await dying.start()
        for host in HOSTS[::2]:
            feeds.grow(host)
        await feeds.assert_all_published_once()
        submissions = len(await records_of(fresh_backend, SUBMISSIONS))
        assert submissions >= sum(map(len, feeds.items.values()))


@pytest.mark.slow
async def test_a_frozen_poller_that_wakes_up_stores_nothing_of_what_is_anothers(
    roles: Roles, fresh_backend: Backend
) -> None:
    async with newsroom(roles, fresh_backend, QUICK | LEASE, pollers=2) as room:
        feeds = GrowingFeeds(room)
        await feeds.add_all()
        await feeds.assert_all_published_once()
        frozen = next(process for process in roles.processes if process.name == "ingest-poller-0")
        frozen.freeze()
        for host in HOSTS:
            feeds.grow(host)
        await feeds.assert_all_published_once()
        for host in HOSTS:
            feeds.grow(host)
        frozen.thaw()
        await feeds.assert_all_published_once()
        assert frozen.is_alive


@pytest.mark.kafka  # the embedded broker forgets what it has acknowledged
async def test_what_came_while_kafka_was_away_is_published_when_it_is_back(
    roles: Roles, fresh_backend: Backend
) -> None:
    async with newsroom(roles, fresh_backend, QUICK | LEASE) as room:
        feeds = GrowingFeeds(room)
        await feeds.add_all()
        await feeds.assert_all_published_once()
        fresh_backend.kafka.kill()
        for host in HOSTS:
            feeds.grow(host)
        poller = next(process for process in roles.processes if process.name.startswith("ingest-poller"))
        async with plain_client() as client:

            async def finds_out() -> bool:
                return 'outcome="kafka-away"' in (await client.get(f"{poller.url}/metrics")).text

            await until(finds_out, "the poller to find out")
            asked = sum(map(len, room.feeds.asked.values()))
            await asyncio.sleep(4)
            assert sum(map(len, room.feeds.asked.values())) - asked < FEEDS, "what is fetched now is thrown away"
        fresh_backend.kafka.start()
        await feeds.assert_all_published_once()


@pytest.mark.slow
async def test_feeds_are_polled_again_when_redis_is_back(roles: Roles, fresh_backend: Backend) -> None:
    async with newsroom(roles, fresh_backend, QUICK | LEASE) as room:
        feeds = GrowingFeeds(room)
        await feeds.add_all()
        await feeds.assert_all_published_once()
        fresh_backend.redis.kill()
        for host in HOSTS:
            feeds.grow(host)
        fresh_backend.redis.start()
        await feeds.assert_all_published_once()
        poller = next(process for process in roles.processes if process.name.startswith("ingest-poller"))
        assert poller.is_alive
