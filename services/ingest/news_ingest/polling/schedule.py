"""Which source is due, and who polls it: a queue of hosts, and of the sources of each host, in Redis.

A host is the unit of pacing and of the lease: it has at most one request under way, whoever makes it, and rests after
it. Everything here costs the logarithm of the number of feeds. All keys share a hash tag. What is lost with Redis is
scheduled anew.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

from news_ingest.polling.feeds import Feed
from news_ingest.polling.poll_state import PollState, new_state
from news_shared.clock import Clock, epoch_ms, from_epoch_ms
from news_shared.redis_client import RedisClient, redis_errors

_PREFIX = "{ingest-poller}"
_HOSTS, _READY, _LEASES, _HOST_OF, _STATES, _SEEN, _FILLED = (
    f"{_PREFIX}{name}" for name in ("hosts", "ready", "leases", "host-of", "states", "seen", "filled")
)
_AT_ONCE = 200
_FILLED_FOR = timedelta(minutes=10)  # a fail-over of Redis may lose a new source's place, and nothing else would tell

# A host's place in the queue: when its first source is due, but not before it is ready.
_SETTLE = """
local function settle(hosts, ready, due, host)
  local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
  if not first[1] then redis.call('ZREM', hosts, host) return end -- it must rest all the same
  local rested = tonumber(redis.call('HGET', ready, host) or '0')
  redis.call('ZADD', hosts, string.format('%.0f', math.max(tonumber(first[2]), rested)), host)
end
"""
# KEYS hosts ready leases host-of due-of-host due-of-former-host; ARGV source host former-host at only-if-absent
_PLACE = f"""{_SETTLE}
local source, host, former, at = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if (redis.call('HGET', KEYS[4], source) or '') ~= former then return 0 end
if former ~= '' and former ~= host then
  redis.call('ZREM', KEYS[6], source)
  settle(KEYS[1], KEYS[2], KEYS[6], former)
end
if ARGV[5] == '1' and redis.call('ZSCORE', KEYS[5], source) then return 1 end
redis.call('HSET', KEYS[4], source, host)
redis.call('ZADD', KEYS[5], at, source)
settle(KEYS[1], KEYS[2], KEYS[5], host)
return 1
"""
# KEYS hosts ready leases host-of due states seen; ARGV source host forget
_REMOVE = f"""{_SETTLE}
if ARGV[3] == '1' then
  redis.call('HDEL', KEYS[4], ARGV[1]); redis.call('HDEL', KEYS[6], ARGV[1]); redis.call('HDEL', KEYS[7], ARGV[1])
else
  redis.call('HSET', KEYS[4], ARGV[1], '')
end
redis.call('ZREM', KEYS[5], ARGV[1])
settle(KEYS[1], KEYS[2], KEYS[5], ARGV[2])
return 1
"""
# KEYS hosts ready leases due states seen; ARGV host now lease-until token
_CLAIM = f"""{_SETTLE}
local host, now = ARGV[1], tonumber(ARGV[2])
local score = tonumber(redis.call('ZSCORE', KEYS[1], host) or 'inf')
if score > now then return false end
local first = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
if not first[1] or tonumber(first[2]) > now then
  settle(KEYS[1], KEYS[2], KEYS[4], host)
  return false
end
redis.call('HSET', KEYS[2], host, ARGV[3])
redis.call('HSET', KEYS[3], host, ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[3], host)
return {{first[1], first[2], redis.call('HGET', KEYS[5], first[1]), redis.call('HGET', KEYS[6], first[1])}}
"""
# KEYS hosts ready leases; ARGV host token lease-until
_RENEW = """
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[1], 'XX', ARGV[3], ARGV[1])
return 1
"""
# KEYS hosts ready leases due states seen host-of
# ARGV host token source claimed-score next-at rested-at state seen keep-seen
_FINISH = f"""{_SETTLE}
local host, source = ARGV[1], ARGV[3]
if redis.call('HGET', KEYS[3], host) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[3], host)
redis.call('HSET', KEYS[2], host, ARGV[6])
if redis.call('ZSCORE', KEYS[4], source) == ARGV[4] then redis.call('ZADD', KEYS[4], ARGV[5], source) end
if redis.call('HEXISTS', KEYS[7], source) == 1 then
  if ARGV[7] ~= '' then redis.call('HSET', KEYS[5], source, ARGV[7]) end
  if ARGV[9] == '' then redis.call('HSET', KEYS[6], source, ARGV[8]) end
end
settle(KEYS[1], KEYS[2], KEYS[4], host)
return 1
"""


@dataclass(frozen=True)
class Claim:
    """A source that is this poller's to poll, as long as the lease of its host is renewed."""

    source: str
    host: str
    token: str
    score: bytes
    state: PollState
    seen: bytes | None
    due: datetime


class Schedule:
    """The queue. Every method raises TransientError while Redis is away."""

    def __init__(self, redis: RedisClient, *, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def place(self, feed: Feed, at: datetime, *, only_if_absent: bool) -> None:
        """Schedule a source; also moves it to another host. A poll under way then ends without a say in it."""
        placed = 0
        while not placed:
            with redis_errors("scheduling a source"):
                former = _text(await self._redis.hget(_HOST_OF, feed.source))
            keys = [_HOSTS, _READY, _LEASES, _HOST_OF, _due(feed.host), _due(former or feed.host)]
            arguments = [feed.source, feed.host, former, epoch_ms(at), "1" if only_if_absent else ""]
            placed = int(await self._call(_PLACE, keys, arguments))

    async def place_all(self, feeds: Iterable[Feed], at: Sequence[datetime]) -> None:
        """Schedule sources that are not, each at its time."""
        pairs = list(zip(feeds, at, strict=True))
        for start in range(0, len(pairs), _AT_ONCE):
            part = pairs[start : start + _AT_ONCE]
            await asyncio.gather(*(self.place(feed, moment, only_if_absent=True) for feed, moment in part))

    async def unschedule(self, source: str) -> None:
        """Poll a source no more, and keep what its polls told."""
        await self._remove(source, forget=False)

    async def forget(self, source: str) -> None:
        """Of a source that is no more, keep nothing; a poll under way then has no say in it."""
        await self._remove(source, forget=True)

    async def _remove(self, source: str, *, forget: bool) -> None:
        with redis_errors("taking a source off the schedule"):
            host = await self._redis.hget(_HOST_OF, source)
        if host is not None:
            keys = [_HOSTS, _READY, _LEASES, _HOST_OF, _due(_text(host)), _STATES, _SEEN]
            await self._call(_REMOVE, keys, [source, _text(host), "1" if forget else ""])

    async def known(self) -> dict[str, bool]:
        """Every source of which something is stored, and whether it is scheduled. For the start, not for every day."""
        found: dict[str, bool] = {}
        with redis_errors("reading the schedule"):
            async for source, host in self._redis.hscan_iter(_HOST_OF, count=1000):
                found[_text(source)] = bool(host)
        return found

    async def claim(self, most: int, lease_until: datetime) -> list[Claim]:
        """Take sources that are due, at most one of a host, the longest overdue first."""
        now = epoch_ms(self._clock())
        with redis_errors("looking for what is due"):
            hosts = await self._redis.zrangebyscore(_HOSTS, "-inf", now, start=0, num=most)
        claims = await asyncio.gather(*(self._claim(_text(host), now, lease_until) for host in hosts))
        return [claim for claim in claims if claim is not None]

    async def _claim(self, host: str, now: int, lease_until: datetime) -> Claim | None:
        token = uuid4().hex
        keys = [_HOSTS, _READY, _LEASES, _due(host), _STATES, _SEEN]
        found = await self._call(_CLAIM, keys, [host, now, epoch_ms(lease_until), token])
        if not found:
            return None
        source, score, state, seen = (*found, None, None)[:4]
        return Claim(
            source=source.decode(),
            host=host,
            token=token,
            score=score,
            state=PollState.model_validate_json(state) if state else new_state(self._clock()),
            seen=seen,
            due=from_epoch_ms(round(float(score))),
        )

    async def renew(self, claims: Iterable[Claim], lease_until: datetime) -> None:
        """Say that the work on these goes on."""
        until = epoch_ms(lease_until)
        await asyncio.gather(*(self._call(_RENEW, [_HOSTS, _READY, _LEASES], [c.host, c.token, until]) for c in claims))

    async def finish(
        self, claim: Claim, *, next_poll: datetime, rested: datetime, state: PollState | None, seen: bytes | None
    ) -> bool:
        """Give a source back with what its poll told, all in one step; False when another poller has it by now.

        Args:
            claim: as it was taken.
            next_poll: when it is due again, unless somebody has scheduled it meanwhile.
            rested: when its host may be asked again.
            state: None keeps the former one.
            seen: None keeps the former ones.
        """
        keys = [_HOSTS, _READY, _LEASES, _due(claim.host), _STATES, _SEEN, _HOST_OF]
        arguments: list[Any] = [claim.host, claim.token, claim.source, claim.score, epoch_ms(next_poll)]
        arguments += [epoch_ms(rested), state.model_dump_json(exclude_defaults=True) if state else ""]
        arguments += [seen or b"", "1" if seen is None else ""]
        return bool(await self._call(_FINISH, keys, arguments))

    async def states(self, sources: Sequence[str]) -> dict[str, PollState]:
        """What the polls of these sources told; nothing of those that were never polled."""
        if not sources:
            return {}
        with redis_errors("reading what polls told"):
            stored = await self._redis.hmget(_STATES, list(sources))
        return {
            source: PollState.model_validate_json(value)
            for source, value in zip(sources, stored, strict=True)
            if value is not None
        }

    async def next_due(self) -> datetime | None:
        """When the first host of the queue is due; None when there is none."""
        with redis_errors("looking for what is due"):
            first = await self._redis.zrange(_HOSTS, 0, 0, withscores=True)
        return from_epoch_ms(round(float(cast("list[tuple[bytes, float]]", first)[0][1]))) if first else None

    async def is_filled(self) -> bool:
        """Whether the sources were scheduled since Redis was empty, and not long ago."""
        with redis_errors("looking whether Redis was emptied"):
            return bool(await self._redis.exists(_FILLED))

    async def set_filled(self) -> None:
        """Note that all sources are scheduled."""
        with redis_errors("noting that all is scheduled"):
            await self._redis.set(_FILLED, "1", ex=_FILLED_FOR)

    async def _call(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        with redis_errors("the polls' schedule"):
            return await self._redis.eval(script, len(keys), *keys, *arguments)


def _due(host: str) -> str:
    return f"{_PREFIX}due:{host}"


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else ""
