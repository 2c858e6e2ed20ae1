"""The stream of articles over HTTP: what comes when, and how one goes on after an interruption."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx
import pytest
import pytest_asyncio

from news_feed.stream_position import parse_position, position_text
from news_shared.article_ids import partition_of
from news_shared.articles import ArticleEvent, encode_event
from news_shared.producer import Outgoing, open_producer
from news_shared.topics import ARTICLES
from tests.feed.builders import published, withdrawn
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.waiting import until


@dataclass(frozen=True)
class Event:
    name: str
    id: str
    data: dict[str, Any]

    @property
    def said(self) -> tuple[str, str, int]:
        return self.name, str(self.data.get("guid", self.data["id"])), int(self.data["revision"])


class Reader:
    """One open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.last_id = ""
        self.silences = 0

    async def next(self) -> Event:
        """The next event; raises EOFError at the end of the stream."""
        name, data = "message", ""
        async with asyncio.timeout(30):
            async for line in self._lines:
                match line.partition(": "):
                    case ("event", _, value):
                        name = value
                    case ("data", _, value):
                        data = value
                    case ("id", _, value):
                        self.last_id = value
                    case _ if not line and name == "heartbeat":
                        self.silences += 1
                        name, data = "message", ""
                    case _ if not line and data:
                        return Event(name, self.last_id, json.loads(data))
                    case _:
                        pass
        raise EOFError

    async def some(self, number: int) -> list[tuple[str, str, int]]:
        return [(await self.next()).said for _ in range(number)]

    async def begun(self) -> None:
        """Wait until the first id is here."""
        async with asyncio.timeout(30):
            async for line in self._lines:
                if line.startswith("id: "):
                    self.last_id = line.removeprefix("id: ")
                    return


@asynccontextmanager
async def reading(door: RoleProcess, last_id: str | None = None, **wanted: str) -> AsyncIterator[Reader]:
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip", "Origin": "https://paper.example"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    async with (
        plain_client(timeout=30) as http,
        http.stream("GET", f"{door.url}/v1/stream", params=wanted, headers=headers) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["access-control-allow-origin"] == "*"
        assert "content-encoding" not in response.headers
        yield Reader(response)


class Site:
    """The feed's two roles."""

    def __init__(self, roles: Roles, backend: Backend) -> None:
        self.projector, self.api = roles.make("feed-projector"), roles.make("feed-api")
        self.backend = backend

    async def start(self) -> None:
        for process in (self.projector, self.api):
            process.launch()
        for process in (self.projector, self.api):
            await process.ready()
        await until(self._streams, "the stream to reach its log")

    async def _streams(self) -> bool:
        async with (
            plain_client() as http,
            http.stream("GET", f"{self.api.url}/v1/stream") as response,
        ):
            return response.status_code == 200

    async def write(self, *events: ArticleEvent) -> None:
        records = []
        for event in events:
            key, value, headers = encode_event(event)
            records.append(Outgoing(ARTICLES, partition_of(key, PARTITIONS), key, value, headers))
        async with open_producer(self.backend.kafka_settings) as producer:
            await producer.send_many(records)


@pytest_asyncio.fixture
async def site(roles: Roles, fresh_backend: Backend) -> Site:
    site = Site(roles, fresh_backend)
    await site.start()
    return site


ID = {guid: published(guid).id for guid in "abcdefgh"}


async def test_what_is_announced_is_answered_and_what_was_missed_comes_back(site: Site) -> None:
    async with reading(site.api) as reader, plain_client() as http:
        await reader.begun()
        for guid in "abcd":
            await site.write(published(guid))
            event = await reader.next()
            assert event.said == ("published", guid, 1)
            answer = await http.get(f"{site.api.url}/v1/articles/{event.data['id']}")
            assert (answer.status_code, answer.json()["revision"]) == (200, 1)
        left_at = reader.last_id
        await site.write(published("a", 2), withdrawn("b", 2), published("e"))
        assert sorted(await reader.some(3)) == sorted(
            [("updated", "a", 2), ("withdrawn", ID["b"], 2), ("published", "e", 1)]
        )
        assert (await http.get(f"{site.api.url}/v1/articles/{ID['b']}")).status_code == 410
    async with reading(site.api, left_at) as reader:
        assert sorted(await reader.some(3)) == sorted(
            [("updated", "a", 2), ("withdrawn", ID["b"], 2), ("published", "e", 1)]
        )
        await site.write(published("f"))
        assert await reader.some(1) == [("published", "f", 1)]
        up_to_date = reader.last_id
    async with reading(site.api, last_event_id=up_to_date) as reader:
        await site.write(published("g"))
        assert await reader.some(1) == [("published", "g", 1)]


async def test_nothing_is_announced_before_queries_answer_with_it(site: Site) -> None:
    site.projector.freeze()
    async with reading(site.api) as reader, plain_client() as http:
        await reader.begun()
        await site.write(published("a"))

        async def is_held() -> bool:
            return "news_feed_stream_held 1.0" in (await http.get(f"{site.api.url}/metrics")).text

        await until(is_held, "the event to be held back")
        next_event = asyncio.create_task(reader.next())
        done, _ = await asyncio.wait({next_event}, timeout=0.3)
        assert not done
        site.projector.thaw()
        assert (await next_event).said == ("published", "a", 1)


async def test_a_selection_hears_of_its_own_and_goes_on_from_the_last_silence(
    roles: Roles, fresh_backend: Backend
) -> None:
    site = Site(roles, fresh_backend)
    site.api.environment["NEWS_FEED_STREAM_HEARTBEAT"] = "PT0.2S"
    await site.start()
    async with reading(site.api, theme="port-morrow", language="uk") as reader:
        await reader.begun()
        begun_at = reader.last_id
        await site.write(
            published("a", language="uk"),
            published("b", language="uk", tags=("Port Morrow",)),
            published("c", language="en", tags=("Port Morrow",)),
        )
        assert await reader.some(1) == [("published", "b", 1)]
        assert reader.last_id != begun_at
        following = asyncio.create_task(reader.next())
        await until(lambda: reader.silences >= 3, "three silences")
        everything_heard = reader.last_id
        await site.write(withdrawn("c", 2))
        assert (await following).said == ("withdrawn", ID["c"], 2)
    async with reading(site.api, everything_heard) as reader:
        assert await reader.some(1) == [("withdrawn", ID["c"], 2)]


async def test_an_old_id_brings_the_newest_state_from_the_log(roles: Roles, fresh_backend: Backend) -> None:
    site = Site(roles, fresh_backend)
    site.api.environment["NEWS_FEED_STREAM_BYTES"] = "100000"  # about ninety events
    await site.start()
    async with reading(site.api) as reader:
        await reader.begun()
        before_all = reader.last_id
        await site.write(published("a"), published("b"), published("c"))
        await reader.some(3)
        after_three = reader.last_id
        await site.write(published("a", 2), withdrawn("b", 2))
        await reader.some(2)
        for first in range(0, 300, 50):
            await site.write(*(published(f"n{n}") for n in range(first, first + 50)))
            await reader.some(50)
    async with reading(site.api, before_all) as reader:
        events = [await reader.next() for _ in range(303)]
        said = [event.said for event in events]
        assert sorted(said) == sorted(
            [("updated", "a", 2), ("withdrawn", ID["b"], 2), ("published", "c", 1)]
            + [("published", f"n{n}", 1) for n in range(300)]
        )
        replayed = [bool(event.data.get("replayed")) for event in events]
        assert replayed == sorted(replayed, reverse=True)
        assert 0 < replayed.count(True) < 303
        assert all(event.data["replayed"] for event in events if event.said[1] in ("a", ID["b"], "c"))
        middle = events[150].id
    async with reading(site.api, after_three) as reader:
        assert {name for name, *_ in await reader.some(302)} == {"updated", "withdrawn", "published"}
    async with reading(site.api, middle) as reader:
        left = set(said[151:])
        while left:
            left.discard((await reader.next()).said)


async def test_a_restarted_process_and_another_one_go_on_where_the_first_was(
    site: Site, roles: Roles, fresh_backend: Backend
) -> None:
    other = roles.make("feed-api", instance="1")
    await other.start()
    async with reading(site.api) as reader:
        await reader.begun()
        begun_at = reader.last_id
        await site.write(*(published(guid) for guid in "abcd"))
        heard = await reader.some(2)
        left_at = reader.last_id
    for door in (other, site.api):
        if door is site.api:
            await door.stop()
            await door.start()
        async with reading(door, left_at) as reader:
            assert sorted(heard + await reader.some(2)) == [("published", guid, 1) for guid in "abcd"]
        async with reading(door, begun_at) as reader:
            assert sorted(await reader.some(4)) == [("published", guid, 1) for guid in "abcd"]


async def test_a_process_that_restarts_while_the_projector_is_behind_leaves_nothing_out(site: Site) -> None:
    async with reading(site.api) as reader:
        await reader.begun()
        begun_at = reader.last_id
    in_one_partition = [guid for guid in map(str, range(4000)) if partition_of(published(guid).id, PARTITIONS) == 0]
    behind = in_one_partition[:300]
    site.projector.freeze()
    await site.write(*map(published, behind))
    await site.api.stop()
    await site.api.start()
    await until(site._streams, "the stream to reach its log")
    async with reading(site.api, begun_at) as reader:
        site.projector.thaw()
        assert await reader.some(300) == [("published", guid, 1) for guid in behind]


async def test_a_log_that_was_made_anew_is_told_whole(site: Site) -> None:
    async with reading(site.api) as reader:
        await reader.begun()
        far = [reader.last_id]
        for n in range(3):
            await site.write(published("a", n + 1), published("b", n + 1))
            await reader.some(2)
            far.append(reader.last_id)
    beyond = position_text([offset + 1000 for offset in parse_position(far[-1], PARTITIONS)])
    async with reading(site.api, beyond) as reader:
        assert (await reader.next()).name == "reset"
        newest = {guid: revision for _, guid, revision in await reader.some(6)}
        assert newest == {"a": 3, "b": 3}


async def test_bounds_and_ends(roles: Roles, fresh_backend: Backend) -> None:
    site = Site(roles, fresh_backend)
    site.api.environment |= {"NEWS_FEED_STREAMS": "1", "NEWS_FEED_STREAM_LIFE": "PT3S"}
    await site.start()
    async with plain_client() as http:
        begun = monotonic()
        async with reading(site.api) as reader:
            await reader.begun()
            refused = await http.get(f"{site.api.url}/v1/stream")
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/at-capacity")
            with pytest.raises(EOFError):
                await reader.next()
            assert 2 < monotonic() - begun < 10
        bad = (
            ({"last_event_id": "nonsense"}, 400),
            ({"theme": "!!"}, 422),
            ({"last_event_id": "A" * 3000}, 400),
            ({"last_event_id": "A" * 13_000}, 422),
        )
        for wanted, status in bad:
            answer = await http.get(f"{site.api.url}/v1/stream", params=wanted)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        far = {"Last-Event-ID": position_text([2**63 - 1] * 1024)}  # of a topic with more partitions
        answer = await http.get(f"{site.api.url}/v1/stream", headers=far)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-request")


async def test_an_open_stream_keeps_no_process_from_stopping(site: Site, roles: Roles) -> None:
    web = roles.make("web")
    await web.start()
    for door in (web, site.api):
        async with reading(door) as reader:
            await reader.begun()
            await site.write(published(f"through {door.name}"))
            assert await reader.some(1) == [("published", f"through {door.name}", 1)]
            begun = monotonic()
            await door.stop()
            assert monotonic() - begun < 4
            with pytest.raises(EOFError):
                await reader.next()
        assert "Traceback" not in door.said()


async def test_without_redis_nothing_is_said_and_then_everything(site: Site) -> None:
    async with reading(site.api) as reader:
        await reader.begun()
        site.backend.redis.kill()
        await site.write(published("a"))
        site.backend.redis.start()  # empty: the projector restores
        assert await reader.some(1) == [("published", "a", 1)]
