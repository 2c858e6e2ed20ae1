"""API and projector killed under traffic: what was answered 202 is counted, and nothing that was not sent."""

import asyncio
import signal
from collections import Counter
from datetime import date, timedelta
from random import Random

import pytest

from news_shared.article_ids import ArticleId
from news_shared.redis_client import RedisClient, open_redis
from news_shared.topics import VIEWS
from news_views.beacons.client_address import network_bytes
from news_views.beacons.readers import reader_hash
from news_views.beacons.salts import Salt
from news_views.settings import ViewsSettings
from tests.testbed.backends import Backend
from tests.testbed.effort import often
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.waiting import until
from tests.views.newsroom_events import announce, published, withdrawn
from tests.views.oracle import Oracle
from tests.views.partitions import expected_fields, is_caught_up, read_by_the_oracle, stored_fields, whole_log
from tests.views.readers import BROWSER, CRAWLER, Crowd, Opening

pytestmark = pytest.mark.fault

READERS = 500
BEACONS = often(40_000)
SESSION = timedelta(seconds=2)
SETTINGS = ViewsSettings(session=SESSION, flush=timedelta(seconds=1))
ENVIRONMENT = {"NEWS_VIEWS_SESSION": "PT2S", "NEWS_VIEWS_FLUSH": "PT1S"}


@pytest.mark.timeout(240)
async def test_killed_processes_lose_nothing_and_count_nothing_twice(roles: Roles, fresh_backend: Backend) -> None:
    api = await roles.start("views-api", **ENVIRONMENT)
    projector = await roles.start("views-projector", **ENVIRONMENT)
    articles = await announce(fresh_backend, [published(f"story-{n}") for n in range(40)])
    crowd = Crowd(api.url)
    sending = asyncio.create_task(crowd.send(_openings(BEACONS, articles)))
    await _kill_by_turns([projector, api, projector, api], sending, crowd)
    await announce(fresh_backend, [withdrawn("story-39", 2)])
    await sending
    async with open_redis(fresh_backend.redis_settings) as redis:
        oracles = await _counted(fresh_backend, redis)
        await _assert_accepted_within_applied_within_sent(crowd, oracles, redis)
        counted_twice = _readers_with_two_views(oracles)
        assert counted_twice > READERS // 5
        projector.kill()
        await projector.start()
        await _counted(fresh_backend, redis)


async def test_a_projector_that_dies_between_redis_and_the_changelog_leaves_enough_to_restore(
    roles: Roles, fresh_backend: Backend
) -> None:
    api = await roles.start("views-api", **ENVIRONMENT)
    articles = await announce(fresh_backend, [published(f"story-{n}") for n in range(40)])
    dying = await roles.start("views-projector", **ENVIRONMENT, NEWS_CRASH_AT="after-redis-before-changelog:20")
    crowd = Crowd(api.url)
    await crowd.send(_openings(3_000, articles))
    assert await dying.ended() == -signal.SIGKILL
    dying.environment.pop("NEWS_CRASH_AT")
    await dying.start()
    async with open_redis(fresh_backend.redis_settings) as redis:
        await _counted(fresh_backend, redis)
        await redis.flushall()
        await _counted(fresh_backend, redis)


async def _kill_by_turns(victims: list[RoleProcess], sending: "asyncio.Task[None]", crowd: Crowd) -> None:
    """The next dies whenever another part of the beacons is through, and comes back at once."""
    for turn, victim in enumerate(victims, start=1):
        part = turn * BEACONS // (len(victims) + 1)
        await until(lambda part=part: crowd.accepted.total() >= part or sending.done(), f"{part} beacons", seconds=90)
        victim.kill()
        victim.launch()
    for victim in set(victims):
        await victim.ready()


async def _counted(backend: Backend, redis: RedisClient) -> dict[int, Oracle]:
    """Wait until everything is applied, and hold every field against the oracle."""
    await until(lambda: is_caught_up(backend, redis), "the projector to catch up", seconds=60)
    oracles = read_by_the_oracle(await whole_log(backend.kafka_settings, VIEWS), SETTINGS)
    assert await stored_fields(redis) == await expected_fields(oracles, redis)
    return oracles


async def _assert_accepted_within_applied_within_sent(
    crowd: Crowd, oracles: dict[int, Oracle], redis: RedisClient
) -> None:
    applied = Counter(beacon for oracle in oracles.values() for beacon in oracle.beacons)
    accepted, sent = await _by_hash(crowd.accepted, redis), await _by_hash(crowd.sent, redis)
    assert accepted <= applied
    assert applied <= sent
    assert crowd.accepted.total() == BEACONS
    assert crowd.statuses.keys() <= {202, 503}
    counted = sum(
        tally.views + sum(tally.filtered.values()) for oracle in oracles.values() for tally in oracle.articles.values()
    )
    assert counted == applied.total()


async def _by_hash(openings: Counter[Opening], redis: RedisClient) -> Counter[tuple[str, int]]:
    """As the log has them: the hash of who it was, 0 for who opted out."""
    salts = []
    async for key in redis.scan_iter(match="{views-salts}:*"):
        secret = await redis.get(key)
        assert isinstance(secret, bytes)
        salts.append(Salt(date.fromisoformat(key.decode().rpartition(":")[2]), secret))
    today = min(salts, key=lambda salt: salt.day)
    found: Counter[tuple[str, int]] = Counter()
    for opening, count in openings.items():
        network, user_agent = network_bytes(opening.address), opening.user_agent.encode()
        reader = 0 if opening.is_opted_out else reader_hash(today, network, user_agent)
        found[opening.article, reader] += count
    return found


def _readers_with_two_views(oracles: dict[int, Oracle]) -> int:
    """How many readers counted at least twice on one article, which sessions of two seconds are there for."""
    return len(
        {reader for oracle in oracles.values() for (_, reader), views in oracle.views_by_reader.items() if views >= 2}
    )


def _openings(count: int, articles: list[ArticleId]) -> list[Opening]:
    """Readers who come back, some of them programs, some who opted out, some of whom prefetch."""
    random = Random(3)
    openings = []
    for _ in range(count):
        number = random.randrange(READERS)
        address = f"10.{number % 7}.{number // 250}.{number % 250}"
        user_agent = CRAWLER if number % 25 == 0 else f"{BROWSER} {number}"
        headers: tuple[tuple[str, str], ...] = (("Sec-GPC", "1"),) if number % 20 == 1 else ()
        if random.random() < 0.03:
            headers = (*headers, ("Sec-Purpose", "prefetch"))
        # Few articles for each reader, so that most come back to the same one.
        article = articles[(number + random.randrange(3)) % len(articles)]
        openings.append(Opening(article, address, user_agent, headers))
    return openings
