"""Writing what changed in Redis to ``news.view-counts``, so that all of Redis may be lost."""

from collections.abc import Sequence
from typing import Any

from news_shared import topics
from news_shared.crash_points import reached
from news_shared.errors import FencedError
from news_shared.fenced_writer import FencedWriter
from news_shared.producer import Outgoing
from news_shared.projection.contract import Ownership
from news_shared.redis_client import redis_errors
from news_views.changelog import (
    Key,
    PartitionKey,
    PartitionProgress,
    decode_key,
    encode_counts,
    encode_key,
)
from news_views.counting.counts import Day
from news_views.view_counts import WRITTEN_FIELDS, article_counts, day_counts, stored_under, written_fields

_KEYS_AT_ONCE = 200  # in one transaction of Redis and one of Kafka: with sketches up to 4 MB

# Scripts, because a read must be one step with its offset: redis-py's MULTI in a cluster starts a thread a command.
_WHAT_CHANGED = f"""
return {{
  redis.call('HGET', KEYS[1], 'next'),
  redis.call('HMGET', KEYS[2], 'clock', 'log_time'),
  redis.call('HMGET', KEYS[2], {", ".join(f"'{name}'" for name in WRITTEN_FIELDS)}),
  redis.call('HGET', KEYS[2], 'settled'),
  redis.call('ZRANGE', KEYS[3], 0, -1)
}}
"""
_COUNTS = """
local found = {redis.call('HGET', KEYS[1], 'next')}
for i = 2, #KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind == 'string' then found[i] = redis.call('GET', KEYS[i]) else found[i] = redis.call('HGETALL', KEYS[i]) end
end
return found
"""


class ChangelogWriter:
    """Flushes one partition. Counting goes on meanwhile: each read of Redis is one atomic step with its offset."""

    def __init__(self, ownership: Ownership, writer: FencedWriter) -> None:
        self._ownership = ownership
        self._writer = writer
        self._written: PartitionProgress | None = None

    async def flush(self) -> None:
        """Write every key that changed, and at last the progress W: all changes before it are written.

        Raises:
            FencedError: another process writes this partition now.
            TransientError: Kafka or Redis is away; what is not written stays marked.
        """
        partition = f"{self._ownership.prefix}partition"
        dirty_set = f"{self._ownership.prefix}dirty"
        with redis_errors("reading what changed"):
            next_offset, clocks, written, settled, dirty = await self._eval(
                _WHAT_CHANGED, [self._state, partition, dirty_set]
            )
        if next_offset is None:
            return
        progress = self._progress(next_offset, *clocks)
        if progress == self._written and not dirty:
            return
        reached("after-redis-before-changelog")
        # Redis may have lost its last seconds, and the changelog be ahead of it. Before a value goes back to what
        # Redis knows now, the progress must go back as well.
        records = (
            [] if self._written else [self._outgoing_progress(min(self._progress(*written), progress, key=_offset))]
        )
        for start in range(0, len(dirty), _KEYS_AT_ONCE):
            records += await self._read(dirty[start : start + _KEYS_AT_ONCE], progress.next_offset)
            await self._writer.write(records)
            records = []
        await self._writer.write([*records, self._outgoing_progress(progress)])
        self._written = progress
        with redis_errors("noting what is written"):
            pipe = self._ownership.redis.pipeline(transaction=False)
            # Only what did not change since: a later change has a higher offset and stays. And only what is settled:
            # who takes over knows by these marks what is left to do.
            pipe.zremrangebyscore(dirty_set, "-inf", f"({min(progress.next_offset, int(settled or 0))}")
            pipe.hset(partition, items=written_fields(progress))
            await pipe.execute()

    async def _read(self, keys: Sequence[bytes], not_before: int) -> list[Outgoing]:
        decoded: list[Key] = [decode_key(key) for key in keys]
        wanted = [self._state]
        for key in decoded:
            assert not isinstance(key, PartitionKey)
            wanted += (self._ownership.prefix + name for name in stored_under(key))
        with redis_errors("reading changed counts"):
            next_offset, *values = await self._eval(_COUNTS, wanted)
        found = iter(values)
        as_of = int(next_offset or 0)
        if as_of < not_before:
            raise FencedError(f"Redis went back from offset {not_before} to {as_of} during a flush")
        records = []
        for raw, key in zip(keys, decoded, strict=True):
            flat = next(found)
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
            counts = day_counts(fields, next(found), as_of) if isinstance(key, Day) else article_counts(fields, as_of)
            records.append(self._outgoing(raw, None if counts is None else encode_counts(counts)))
        return records

    def _progress(self, next_offset: bytes | None, clock_ms: bytes | None, log_ms: bytes | None) -> PartitionProgress:
        return PartitionProgress(
            partition=self._ownership.partition,
            next_offset=int(next_offset or 0),
            clock_ms=int(clock_ms or 0),
            log_ms=int(log_ms or 0),
        )

    def _outgoing_progress(self, progress: PartitionProgress) -> Outgoing:
        return self._outgoing(encode_key(PartitionKey(progress.partition)), encode_counts(progress))

    async def _eval(self, script: str, keys: Sequence[str]) -> list[Any]:
        answer: Any = self._ownership.redis.eval(script, len(keys), *keys)
        return list(await answer)

    @property
    def _state(self) -> str:
        """Key of the runtime, whose field ``next`` is the offset that Redis is at."""
        log = self._ownership.log
        return f"{self._ownership.prefix}state:{log.topic}:{log.partition}"

    def _outgoing(self, key: bytes, value: bytes | None) -> Outgoing:
        return Outgoing(topics.VIEW_COUNTS, self._ownership.partition, key, value)


def _offset(progress: PartitionProgress) -> int:
    return progress.next_offset
