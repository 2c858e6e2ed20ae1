"""The generations of a slot: which one answers, and that none is left over when another has taken its place."""

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Final

import structlog

from news_shared.cancelling import cancel
from news_shared.projection.state import StateKeys
from news_shared.redis_client import RedisClient, awaited, redis_errors

log = structlog.get_logger()

_AT_ONCE: Final = 1000
_LOOK_EVERY: Final = 60.0

# A fail-over may undo a switch, and the former generation answers again.
_DELETE: Final = """
if redis.call('HGET', KEYS[1], 'generation') == ARGV[1] then return 0 end
redis.call('UNLINK', unpack(KEYS, 2))
return 1
"""


async def live_generation(redis: RedisClient, keys: StateKeys) -> int:
    """The generation that queries read.

    Raises:
        TransientError: Redis is away.
    """
    with redis_errors("reading the live generation"):
        return int(await awaited(redis.hget(keys.live, "generation")) or 1)


async def delete_generation(redis: RedisClient, keys: StateKeys, generation: int) -> bool:
    """Delete the keys of one generation, a thousand at a time; the only scan there is, and nobody waits for it.

    False when it is the live one, of which nothing is deleted. Errors as in `live_generation`.
    """
    with redis_errors("deleting a generation"):
        found: list[bytes] = []
        async for key in redis.scan_iter(match=f"{keys.prefix(generation)}*", count=_AT_ONCE):
            found.append(key)
            if len(found) >= _AT_ONCE:
                if not await _unlink(redis, keys, generation, found):
                    return False
                found = []
        return not found or await _unlink(redis, keys, generation, found)


async def delete_former(redis: RedisClient, keys: StateKeys) -> None:
    """Delete what switches have left in this slot, and the note of it when it is through.

    Errors as in `live_generation`; the note is there still, and somebody else goes on.
    """
    with redis_errors("looking for former generations"):
        noted = sorted(int(one) for one in await awaited(redis.smembers(keys.former)))
    for generation in noted:
        await delete_generation(redis, keys, generation)
        with redis_errors("forgetting a generation"):
            await awaited(redis.srem(keys.former, str(generation)))


class Leftovers:
    """Goes on, once a minute and beside the loop, with deletions that a rebuild did not live to finish."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._looked_at: dict[str, float] = {}
        self._deleting: asyncio.Task[None] | None = None

    def look(self, slots: Iterable[StateKeys]) -> None:
        """Look whether any of these slots has some, where it is time to; returns at once."""
        if self._deleting is not None and not self._deleting.done():
            return
        now = monotonic()
        due = {keys.tag: keys for keys in slots if now - self._looked_at.get(keys.tag, -_LOOK_EVERY) >= _LOOK_EVERY}
        if due:
            self._looked_at |= dict.fromkeys(due, now)
            self._deleting = asyncio.create_task(self._delete(due.values()), name="delete former generations")

    async def stop(self) -> None:
        """Leave the rest to others."""
        if self._deleting is not None:
            await cancel([self._deleting])

    async def _delete(self, slots: Iterable[StateKeys]) -> None:
        try:
            for keys in slots:
                await delete_former(self._redis, keys)
        except Exception as error:  # noqa: BLE001  # what is left over takes memory and harms nobody
            log.warning("former generations were not deleted", reason=str(error))


async def _unlink(redis: RedisClient, keys: StateKeys, generation: int, found: list[bytes]) -> bool:
    return bool(await awaited(redis.eval(_DELETE, 1 + len(found), keys.live, *found, str(generation))))
