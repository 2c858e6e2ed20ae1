"""A lease in Redis: one holder at a time, others stand by; its token goes into every compare-call."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import structlog

from news_shared.cancelling import pause
from news_shared.errors import TransientError
from news_shared.redis_client import RedisClient, redis_errors

log = structlog.get_logger()

_RENEW = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) else return 0 end"
)
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end"


class Lease:
    """Held by at most one process. The clock only decides who works; safety comes from comparing the token."""

    def __init__(self, redis: RedisClient, key: str, *, ttl: timedelta = timedelta(seconds=5)) -> None:
        self._redis = redis
        self._key = key
        self._ttl = ttl
        self._held = asyncio.Event()
        self._lost = asyncio.Event()
        self._lost.set()
        self._stopping = asyncio.Event()
        self.token = ""

    @property
    def is_held(self) -> bool:
        """Whether this process holds it, as far as it knows."""
        return self._held.is_set()

    async def wait_until_held(self) -> None:
        """Stand by until this process is the holder."""
        await self._held.wait()

    def request_stop(self) -> None:
        """Give the lease back and end `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Take the lease when it is free and renew it, until asked to stop."""
        try:
            while not self._stopping.is_set():
                try:
                    await (self._renew() if self.is_held else self._take())
                except TransientError as error:
                    self._lose(str(error))
                await pause(self._ttl.total_seconds() / 4, unless=self._stopping)
        finally:
            await self._release()

    async def _take(self) -> None:
        token = uuid4().hex
        with redis_errors("taking the lease"):
            if await self._redis.set(self._key, token, nx=True, px=self._ttl):
                self.token = token
                self._lost.clear()
                self._held.set()
                log.info("lease taken", key=self._key)

    async def _renew(self) -> None:
        milliseconds = str(self._ttl // timedelta(milliseconds=1))
        with redis_errors("renewing the lease"):
            if not await self._redis.eval(_RENEW, 1, self._key, self.token, milliseconds):
                self._lose("another process holds it")

    def _lose(self, reason: str) -> None:
        if self.is_held:
            log.warning("lease lost", key=self._key, reason=reason)
        self._held.clear()
        self._lost.set()

    async def _release(self) -> None:
        if not self.is_held:
            return
        self._lose("stopping")
        try:
            with redis_errors("giving back the lease"):
                await self._redis.eval(_RELEASE, 1, self._key, self.token)
        except TransientError as error:
            log.info("lease not given back, it will expire", reason=str(error))
