"""The queue of hosts, with pollers that come, go and die, and time moved by hand."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from news_ingest.polling.feeds import Feed
from news_ingest.polling.poll_state import new_state
from news_ingest.polling.schedule import Claim, Schedule
from news_shared.redis_client import RedisClient, open_redis
from tests.ingest.builders import NOON
from tests.testbed.backends import Backend

LEASE = timedelta(seconds=8)
PAUSE = timedelta(seconds=1)
SECOND = timedelta(seconds=1)


def feed(source: str, host: str) -> Feed:
    url = f"http://{host}/{source}"
    return Feed(source, url, url, host, None, (), None)


@dataclass
class Queue:
    """The schedule, and what must be true of it."""

    schedule: Schedule
    redis: RedisClient
    now: list[datetime]
    held: dict[str, tuple[Claim, datetime]] = field(default_factory=dict)
    rested: dict[str, datetime] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)
    claimed: dict[str, int] = field(default_factory=dict)
    host_of: dict[str, str] = field(default_factory=dict)

    def later(self, period: timedelta) -> None:
        self.now[0] += timedelta(milliseconds=round(period / timedelta(milliseconds=1)))

    async def place(self, source: str, host: str, at: datetime | None = None) -> None:
        await self.schedule.place(feed(source, host), at or self.now[0], only_if_absent=False)
        self.due[source] = at or self.now[0]
        self.host_of[source] = host

    async def claim(self, most: int = 10) -> list[Claim]:
        now = self.now[0]
        claims = await self.schedule.claim(most, now + LEASE)
        for claim in claims:
            holder = self.held.get(claim.host)
            assert holder is None or holder[1] <= now, f"{claim.host} has two requests at a time"
            assert self.rested.get(claim.host, now) <= now, f"{claim.host} is asked before it has rested"
            assert self.due[claim.source] <= now, f"{claim.source} is polled before it is due"
            self.held[claim.host] = (claim, now + LEASE)
            self.claimed[claim.source] = self.claimed.get(claim.source, 0) + 1
        return claims

    async def renew(self, claim: Claim) -> None:
        await self.schedule.renew([claim], self.now[0] + LEASE)
        if self.holds(claim):
            self.held[claim.host] = (claim, self.now[0] + LEASE)

    async def finish(self, claim: Claim, again: timedelta = timedelta(minutes=5)) -> bool:
        next_poll = self.now[0] + timedelta(milliseconds=round(again / timedelta(milliseconds=1)))
        rested = self.now[0] + PAUSE
        state = new_state(NOON).model_copy(update={"polls": claim.state.polls + 1})
        stored = await self.schedule.finish(claim, next_poll=next_poll, rested=rested, state=state, seen=b"{}")
        assert stored == self.holds(claim), "who holds the lease, and nobody else, stores what a poll told"
        if stored:
            del self.held[claim.host]
            self.rested[claim.host] = rested
            if self.due[claim.source] == claim.due and self.host_of[claim.source] == claim.host:
                self.due[claim.source] = next_poll
        return stored

    def holds(self, claim: Claim) -> bool:
        return claim.host in self.held and self.held[claim.host][0] is claim


@asynccontextmanager
async def queue(backend: Backend) -> AsyncIterator[Queue]:
    now = [NOON]
    async with open_redis(backend.redis_settings) as redis:
        await redis.flushdb() if not backend.redis_cluster else await redis.flushall()
        yield Queue(Schedule(redis, clock=lambda: now[0]), redis, now)


async def test_a_host_has_one_request_at_a_time_and_rests_after_it(backend: Backend) -> None:
    async with queue(backend) as q:
        for source in ("a", "b", "c"):
            await q.place(source, "one.example")
        await q.place("d", "two.example")
        first = {claim.source: claim for claim in await q.claim()}
        assert set(first) == {"a", "d"}
        assert await q.claim() == []
        assert await q.finish(first["a"])
        assert await q.claim() == []
        q.later(PAUSE)
        [second] = await q.claim()
        assert (second.source, second.host) == ("b", "one.example")
        assert (await q.schedule.states(["a", "b"])).keys() == {"a"}


async def test_a_dead_pollers_feeds_are_anothers_when_its_lease_ends(backend: Backend) -> None:
    async with queue(backend) as q:
        await q.place("a", "one.example")
        [dead] = await q.claim()
        q.later(LEASE - SECOND)
        await q.renew(dead)
        q.later(LEASE - SECOND)
        assert await q.claim() == []
        q.later(SECOND)
        [other] = await q.claim()
        assert other.source == "a"
        assert not await q.finish(dead)
        await q.renew(dead)  # and a dead one renews nothing
        assert await q.finish(other)
        assert (await q.schedule.states(["a"]))["a"].polls == 1


async def test_who_is_scheduled_while_it_is_polled_is_polled_once_more(backend: Backend) -> None:
    async with queue(backend) as q:
        await q.place("a", "one.example", NOON - SECOND)
        [claim] = await q.claim()
        await q.place("a", "one.example")
        await q.schedule.finish(claim, next_poll=NOON + timedelta(hours=1), rested=NOON, state=claim.state, seen=None)
        q.held.clear()
        assert [c.source for c in await q.claim()] == ["a"]


async def test_a_source_moves_to_another_host_and_one_that_is_removed_is_forgotten(backend: Backend) -> None:
    async with queue(backend) as q:
        await q.place("a", "one.example")
        await q.place("b", "one.example")
        [polled] = await q.claim()
        await q.place("a", "two.example")
        assert [(c.source, c.host) for c in await q.claim()] == [("a", "two.example")]
        await q.finish(polled)
        assert (await q.schedule.states(["a"]))["a"].polls == 1, "what its poll at the former host told is kept"
        q.later(LEASE)
        await q.schedule.forget("a")
        await q.schedule.forget("never")
        assert await q.schedule.known() == {"b": True}
        assert [c.source for c in await q.claim()] == ["b"]
        await q.schedule.forget("b")
        assert await q.schedule.next_due() is None


async def test_what_is_scheduled_already_stays_where_it_is(backend: Backend) -> None:
    async with queue(backend) as q:
        await q.place("a", "one.example", NOON + SECOND)
        await q.schedule.place_all([feed("a", "one.example"), feed("b", "two.example")], [NOON, NOON])
        q.due["b"] = NOON
        assert [c.source for c in await q.claim()] == ["b"]
        assert not await q.schedule.is_filled()
        await q.schedule.set_filled()
        assert await q.schedule.is_filled()
        assert 0 < await q.redis.ttl("{ingest-poller}filled") <= 600, "looked at again, as after a fail-over"


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_pollers_do_hosts_are_spared_and_nobody_is_forgotten(backend: Backend, seed: int) -> None:
    chance = random.Random(seed)
    hosts = [f"{name}.example" for name in "abcde"]
    async with queue(backend) as q:
        for number in range(20):
            await q.place(f"s{number}", chance.choice(hosts))
        loose: list[Claim] = []  # held by pollers, some of them dead without knowing it
        for _ in range(400):
            q.later(timedelta(seconds=chance.uniform(0, 2)))
            match chance.randrange(5):
                case 0 | 1:
                    loose += await q.claim(chance.randint(1, 4))
                case 2 if loose:
                    await q.finish(loose.pop(chance.randrange(len(loose))), timedelta(seconds=chance.uniform(0, 60)))
                case 3 if loose:
                    await q.renew(chance.choice(loose))
                case 4:
                    await q.place(f"s{chance.randrange(20)}", chance.choice(hosts))
        q.claimed.clear()
        for _ in range(200):
            q.later(timedelta(seconds=5))
            for claim in await q.claim():
                await q.finish(claim)
        assert set(q.claimed) == {f"s{number}" for number in range(20)}


async def test_what_is_polled_no_more_keeps_its_state_and_what_is_deleted_does_not(backend: Backend) -> None:
    async with queue(backend) as q:
        await q.place("paused", "one.example")
        await q.place("deleted", "two.example")
        claims = await q.claim()
        await q.schedule.unschedule("paused")
        await q.schedule.forget("deleted")
        for claim in claims:
            await q.finish(claim)
        assert (await q.schedule.states(["paused", "deleted"])).keys() == {"paused"}
        assert await q.schedule.known() == {"paused": False}
        q.later(timedelta(days=2))
        assert await q.claim() == []
        await q.place("paused", "one.example")
        [claim] = await q.claim()
        assert claim.state.polls == 1
