"""docs/privacy.md is true: after a run no reader's address and no user agent is found anywhere."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from news_shared.redis_client import open_redis
from news_shared.topics import TOPICS
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles
from tests.testbed.waiting import until
from tests.views.newsroom_events import announce, published
from tests.views.partitions import whole_log
from tests.views.test_views_service import Site

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0 Marten/7.31"
ADDRESSES = ("198.51.100.23", "203.0.113.197", "2001:db8:5ead:beef::17")
TRACES = (
    b"Marten/7.31",
    b"198.51.100.23",
    b"203.0.113.197",
    b"5ead:beef",
    bytes([198, 51, 100, 23]),  # as they stand in packed form
    bytes([203, 0, 113, 197]),
    bytes.fromhex("20010db85eadbeef"),
    b"c6336417",
    b"cb0071c5",
    b"20010db85eadbeef",
)


@pytest_asyncio.fixture
async def site(roles: Roles, fresh_backend: Backend) -> AsyncIterator[Site]:
    async with plain_client(timeout=15) as http:
        for name in ("views-projector", "views-api", "web"):
            roles.make(name, NEWS_LOG_LEVEL="DEBUG", NEWS_VIEWS_FLUSH="PT0.2S", NEWS_VIEWS_BURST_PER_MINUTE="4")
        for process in roles.processes:
            process.launch()
        for process in roles.processes:
            await process.ready()
        yield Site(roles.processes[1], fresh_backend, http)


async def test_no_address_and_no_user_agent_is_in_a_topic_in_redis_or_in_a_log(site: Site, roles: Roles) -> None:
    [article] = await announce(site.backend, [published("ferry")])
    await site.counted(article, views=0)
    web = roles.processes[-1].url
    for address in ADDRESSES:
        sent = {"User-Agent": AGENT, "X-Forwarded-For": address}
        for headers in (sent, {**sent, "Sec-GPC": "1"}, {**sent, "Sec-Purpose": "prefetch"}):
            assert (await site.http.post(f"{web}/v1/views", json={"article": article}, headers=headers)).is_success
        for door in (web, site.api.url):
            for path, status in [
                (f"/v1/pixel.gif?article={article}", 200),
                ("/v1/pixel.gif?article=nonsense", 422),
                (f"/v1/articles/{article}/views", 200),
                ("/v1/articles/nonsense/views", 400),
                ("/v1/nothing", 404),
            ]:
                assert (await site.http.get(f"{door}{path}", headers=sent)).status_code == status
            refused = await site.http.post(f"{door}/v1/views", content=b"{", headers=sent)
            assert refused.status_code == 400
    await site.counted(article, views=3, readers=3)

    async def is_written() -> bool:
        logs = await whole_log(site.backend.kafka_settings, "news.view-counts")
        return any(record.key and b"|" in record.key for records in logs.values() for record in records)

    await until(is_written, "the changelog")
    searched = 0
    for topic in TOPICS:
        for records in (await whole_log(site.backend.kafka_settings, topic.name)).values():
            for record in records:
                parts = [part for name, value in record.headers for part in (name.encode(), value)]
                searched += holds_nobody(f"a record of {topic.name}", record.key, record.value, *parts)
    async with open_redis(site.backend.redis_settings) as redis:
        async for key in redis.scan_iter():
            searched += holds_nobody(
                f"the key {key}", key, await redis.dump(key), repr(await whole(redis, key)).encode()
            )
    assert any(process.log.stat().st_size for process in roles.processes)
    for process in roles.processes:
        searched += holds_nobody(f"the log of {process.name}", process.log.read_bytes())
    assert searched > 1000, "the search itself must have found something to search"
    for process in roles.processes:
        await process.stop()
        holds_nobody(f"the log of {process.name} at its end", process.log.read_bytes())


def holds_nobody(place: str, *contents: bytes | None) -> int:
    """Bytes that were searched."""
    for content in contents:
        found = [trace for trace in TRACES if trace in (content or b"")]
        assert not found, f"{place} has {found}"
    return sum(len(content or b"") for content in contents)


async def whole(redis: Any, key: bytes) -> object:
    """A key's value, whatever its type."""
    kind = (await redis.type(key)).decode()
    match kind:
        case "hash":
            return await redis.hgetall(key)
        case "zset":
            return await redis.zrange(key, 0, -1)
        case "set":
            return await redis.smembers(key)
        case "string":
            return await redis.get(key)
        case _:
            raise AssertionError(f"{key!r} is a {kind}: read it, too")


async def test_a_salt_is_gone_after_two_days_at_the_most(site: Site) -> None:
    [article] = await announce(site.backend, [published("ferry")])
    await site.counted(article, views=0)
    await site.open(article)
    await site.counted(article, views=1)
    async with open_redis(site.backend.redis_settings) as redis:
        lives = {key: await redis.ttl(key) async for key in redis.scan_iter() if b"salt" in key}
    assert lives
    assert all(0 < seconds <= 48 * 3600 for seconds in lives.values()), lives
