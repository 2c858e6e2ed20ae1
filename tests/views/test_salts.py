"""Salts change at midnight, survive Redis, and are shared by all processes."""

from datetime import UTC, date, datetime, timedelta
from weakref import ref

from news_shared.process import running
from news_shared.redis_client import open_redis
from news_views.beacons.readers import Readers
from news_views.beacons.salts import Salt, SaltRing, SharedSalts
from tests.testbed.backends import Backend
from tests.testbed.waiting import until

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 16, tzinfo=UTC)
OVERLAP = timedelta(minutes=31)
TODAY, TOMORROW = Salt(date(2026, 1, 15), b"t" * 32), Salt(date(2026, 1, 16), b"m" * 32)


def a_ring(*salts: Salt, now: datetime = NOON) -> SaltRing:
    ring = SaltRing(OVERLAP)
    for salt in salts:
        ring.adopt(salt, now)
    return ring


def test_without_any_salt_there_is_none() -> None:
    assert a_ring().current(NOON) is None
    assert a_ring().former(NOON) is None


def test_the_salt_changes_at_midnight_and_the_former_one_goes_along_for_a_session() -> None:
    ring = a_ring(TODAY, TOMORROW)
    before = MIDNIGHT - timedelta(milliseconds=1)
    assert (ring.current(before), ring.former(before)) == (TODAY, None)
    assert (ring.current(MIDNIGHT), ring.former(MIDNIGHT)) == (TOMORROW, TODAY)
    assert ring.former(MIDNIGHT + OVERLAP - timedelta(seconds=1)) == TODAY
    assert ring.former(MIDNIGHT + OVERLAP) is None


def test_a_process_that_knows_no_newer_salt_goes_on_with_the_one_it_has() -> None:
    ring = a_ring(TODAY)
    assert ring.current(MIDNIGHT + timedelta(hours=3)) == TODAY
    assert ring.former(MIDNIGHT) is None


def test_a_salt_that_others_replaced_is_the_former_one_for_a_session() -> None:
    other = Salt(TODAY.day, b"o" * 32)
    ring = a_ring(TODAY, other)
    assert (ring.current(NOON), ring.former(NOON)) == (other, TODAY)
    assert ring.former(NOON + OVERLAP) is None
    assert other.name != TODAY.name


def test_old_salts_are_forgotten() -> None:
    ring = a_ring(TODAY)
    ring.adopt(Salt(date(2026, 1, 20), b"n" * 32), datetime(2026, 1, 20, tzinfo=UTC))
    assert ring.of(TODAY.day) is None


def test_no_salt_outlives_its_two_days_also_when_no_other_comes() -> None:
    other = Salt(TODAY.day, b"o" * 32)
    ring = a_ring(Salt(date(2026, 1, 14), b"y" * 32), TODAY, other, now=NOON - timedelta(seconds=1))
    readers = Readers()
    readers.of(other, TODAY, b"net", b"agent")
    secrets = [ref(salt) for salt in (ring.pair(NOON)) if salt is not None]
    ring.forget(NOON)
    assert ring.of(date(2026, 1, 14)) is None
    ring.adopt(TOMORROW, NOON)
    ring.forget(NOON + timedelta(hours=23))
    assert (ring.of(other.day), ring.former(NOON + timedelta(hours=23))) == (other, None)
    ring.forget(MIDNIGHT + timedelta(hours=12))
    assert ring.of(other.day) is None
    assert ring.of(TOMORROW.day) == TOMORROW
    del other
    assert len(secrets) == 2
    assert secrets[0]() is None, "somebody still has it"


def test_salts_of_days_that_the_clock_has_not_reached_go_and_the_one_in_use_stays() -> None:
    ring = a_ring(Salt(date(2026, 2, 1), b"f" * 32), now=datetime(2026, 2, 1, tzinfo=UTC))
    ring.adopt(TODAY, NOON)
    assert ring.of(date(2026, 2, 1)) is None
    ring.forget(NOON + timedelta(days=9))  # Redis is away
    assert ring.current(NOON + timedelta(days=9)) == TODAY


async def test_refreshing_lets_salts_go_by_the_clock(backend: Backend) -> None:
    now = NOON
    ring = a_ring(now=now)
    async with open_redis(backend.redis_settings) as redis:
        await redis.flushall()
        salts = SharedSalts(redis, ring, lambda: now)
        await salts.refresh()
        made_at, seen = now, [now]
        while ring.of(MIDNIGHT.date()) is not None:
            now += timedelta(hours=1)
            await salts.refresh()
            seen.append(now)
    assert seen[-1] - made_at == timedelta(hours=48)


async def test_processes_agree_on_a_salt_make_it_ahead_and_put_a_lost_one_back(backend: Backend) -> None:
    now = NOON - timedelta(hours=1)
    async with open_redis(backend.redis_settings) as redis:
        rings = [SaltRing(OVERLAP), SaltRing(OVERLAP)]
        one, other = (SharedSalts(redis, ring, lambda: now) for ring in rings)
        await one.refresh()
        await other.refresh()
        salt = rings[0].current(now)
        assert salt == rings[1].current(now)
        assert rings[0].of(MIDNIGHT.date()) is None, "not yet: it would not last until the end of its day"

        now = NOON
        await one.refresh()
        await redis.flushall()
        await other.refresh()
        await one.refresh()
        assert rings[1].current(now) == salt
        assert rings[0].of(MIDNIGHT.date()) is not None
        ttl = await redis.ttl("{views-salts}:2026-01-16")
        assert timedelta(hours=47) < timedelta(seconds=ttl) <= timedelta(hours=48)

        newcomer = SaltRing(OVERLAP)
        now = MIDNIGHT + timedelta(minutes=5)
        await SharedSalts(redis, newcomer, lambda: now).refresh()
        assert newcomer.former(now) == salt


async def test_a_clock_that_was_set_back_has_a_salt_within_seconds(backend: Backend) -> None:
    now = NOON + timedelta(days=3)
    ring = SaltRing(OVERLAP)
    async with open_redis(backend.redis_settings) as redis:
        salts = SharedSalts(redis, ring, lambda: now)
        async with running(salts.run(), stop=salts.request_stop, name="salts", drain=timedelta(seconds=5)):
            await until(lambda: ring.current(now) is not None, "a first salt")
            now = NOON
            assert ring.current(now) is None
            await until(lambda: ring.current(now) is not None, "a salt of the day that it is again", seconds=10)
