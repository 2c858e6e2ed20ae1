"""Salts of the readers' hashes: random, one a day, shared through Redis, forgotten after two days.

With its salt gone, nobody can tell whose hash it was; until then it only says «the same as before».
"""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from time import monotonic
from typing import Final

import structlog

from news_shared.cancelling import pause
from news_shared.clock import Clock
from news_shared.errors import TransientError
from news_shared.redis_client import RedisClient, redis_errors

log = structlog.get_logger()

_KEY: Final = "{views-salts}:"
_LIVES: Final = timedelta(hours=48)
_MADE_AHEAD: Final = timedelta(hours=12)
_REFRESH: Final = 30.0
_RETRY: Final = 1.0


_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def ends_at(day: date) -> datetime:
    """When the salt of a day is forgotten, `_LIVES` after it was made ahead."""
    return datetime.combine(day, time(), UTC) - _MADE_AHEAD + _LIVES


@dataclass(frozen=True)
class Salt:
    """A day's salt; its name says which one it was and nothing of what it is."""

    day: date
    secret: bytes

    @cached_property
    def name(self) -> str:
        """``2026-01-15.1f0c``: the day, and a mark that tells two salts of one day apart."""
        return f"{self.day.isoformat()}.{hashlib.sha256(self.secret).hexdigest()[:4]}"


class SaltRing:
    """Which salt is in use at a moment, and which one was before it.

    Args:
        overlap: so long after a change the former salt is used beside the new one.
    """

    def __init__(self, overlap: timedelta) -> None:
        self._overlap = overlap
        self._by_day: dict[date, Salt] = {}
        self._replaced: tuple[Salt, datetime] | None = None
        self._second = self._second_ends = _NEVER
        self._of_second: tuple[Salt | None, Salt | None] = (None, None)

    def of(self, day: date) -> Salt | None:
        """The salt of a day, as far as it is known."""
        return self._by_day.get(day)

    def adopt(self, salt: Salt, now: datetime) -> None:
        """Take a salt that Redis has; one of the same day that was used until now becomes the former one."""
        used = self._by_day.get(salt.day)
        if used == salt:
            return
        self._second = _NEVER
        if used is not None and salt.day == now.date():
            self._replaced = (used, now)
        self._by_day[salt.day] = salt
        self.forget(now)

    def forget(self, now: datetime) -> None:
        """Let go of every salt that is over; only the one in use stays, while there is none that is newer."""
        in_use = self.current(now)
        latest = (now + _MADE_AHEAD).date()
        kept = {
            day: salt for day, salt in self._by_day.items() if salt is in_use or (now < ends_at(day) and day <= latest)
        }
        is_replaced_over = self._replaced is not None and not timedelta() <= now - self._replaced[1] < self._overlap
        if is_replaced_over or len(kept) < len(self._by_day):
            self._by_day = kept
            self._second, self._of_second = _NEVER, (None, None)
        if is_replaced_over:
            self._replaced = None

    def pair(self, now: datetime) -> tuple[Salt | None, Salt | None]:
        """`current` and `former`, worked out once a second; changes of salts that were adopted show at once."""
        if not self._second <= now < self._second_ends:
            self._second = now.replace(microsecond=0)
            self._second_ends = self._second + timedelta(seconds=1)
            self._of_second = self.current(self._second), self.former(self._second)
        return self._of_second

    def current(self, now: datetime) -> Salt | None:
        """The day's salt; while Redis is away for more than a day, the newest that there is. None: never had one."""
        today = self._by_day.get(now.date())
        if today is not None:
            return today
        earlier = [day for day in self._by_day if day < now.date()]
        return self._by_day[max(earlier)] if earlier else None

    def former(self, now: datetime) -> Salt | None:
        """The salt that hashes may still be made with elsewhere; None when the change is long past."""
        current = self.current(now)
        if self._replaced is not None and now - self._replaced[1] < self._overlap:
            return self._replaced[0]
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if now - midnight >= self._overlap:
            return None
        yesterday = self._by_day.get(now.date() - timedelta(days=1))
        return yesterday if yesterday != current else None


class SharedSalts:
    """Keeps a `SaltRing` in step with Redis: makes salts ahead, takes those of others, puts lost ones back."""

    def __init__(self, redis: RedisClient, ring: SaltRing, clock: Clock) -> None:
        self._redis = redis
        self._ring = ring
        self._clock = clock
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Refresh until asked to stop; while Redis is away the ring goes on with what it has."""
        said = False
        while not self._stopping.is_set():
            wait = _REFRESH
            try:
                await self.refresh()
                said = False
            except TransientError as error:
                wait = _RETRY
                if not said:
                    log.info("salts not refreshed, going on with those in memory", reason=str(error))
                    said = True
            await self._wait_for_refresh(wait)

    async def _wait_for_refresh(self, seconds: float) -> None:
        """So long, or until the clock is set to where no salt is known."""
        due = monotonic() + seconds
        while not self._stopping.is_set() and (left := due - monotonic()) > 0:
            await pause(min(left, _RETRY), unless=self._stopping)
            if self._ring.current(self._clock()) is None:
                return

    def request_stop(self) -> None:
        """End `run`."""
        self._stopping.set()

    async def refresh(self) -> None:
        """See that the salts of today and, from noon, of tomorrow are in Redis and here.

        Raises:
            TransientError: Redis is away.
        """
        now = self._clock()
        self._ring.forget(now)
        today = now.date()
        ahead = (now + _MADE_AHEAD).date()
        for day in dict.fromkeys((today, ahead)):
            mine = self._ring.of(day)
            key = f"{_KEY}{day.isoformat()}"
            with redis_errors("sharing the salts"):
                await self._redis.set(key, mine.secret if mine else secrets.token_bytes(32), nx=True, ex=_LIVES)
                secret = await self._redis.get(key)
            if isinstance(secret, bytes):
                self._ring.adopt(Salt(day, secret), now)
        yesterday = today - timedelta(days=1)
        if self._ring.of(yesterday) is None and now < ends_at(yesterday):
            with redis_errors("reading yesterday's salt"):
                secret = await self._redis.get(f"{_KEY}{yesterday.isoformat()}")
            if isinstance(secret, bytes):
                self._ring.adopt(Salt(yesterday, secret), now)
