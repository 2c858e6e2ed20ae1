"""What a service gives to the projection runtime, and what it gets from it."""

import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from aiokafka import ConsumerRecord

from news_shared.projection.log import PartitionLog
from news_shared.redis_client import RedisClient

E = TypeVar("E")


@dataclass(frozen=True)
class Fingerprint:
    """Which record was applied last, so that a log that was made anew is noticed."""

    offset: int
    timestamp_ms: int
    crc: int

    @classmethod
    def of(cls, record: ConsumerRecord) -> "Fingerprint":
        """The fingerprint of a record."""
        return cls(record.offset, record.timestamp, zlib.crc32(record.value or b"", zlib.crc32(record.key or b"")))

    def __str__(self) -> str:
        return f"{self.offset}:{self.timestamp_ms}:{self.crc}"

    @classmethod
    def parse(cls, text: str) -> "Fingerprint":
        """The inverse of ``str``."""
        offset, timestamp_ms, crc = text.split(":")
        return cls(int(offset), int(timestamp_ms), int(crc))


@dataclass(frozen=True)
class Checkpoint:
    """Up to where a partition's state in Redis is."""

    generation: int
    next_offset: int
    fingerprint: Fingerprint | None = None  # None: nothing applied yet


@dataclass(frozen=True)
class Effects:
    """Arguments of the service's Lua body: applied together with the new offset, or not at all.

    Keys must start with the partition's ``prefix``; the body sees them as ``KEYS[1]`` to ``KEYS[NKEYS]`` and
    the arguments as ``ARGV[1]`` to ``ARGV[NARGS]``. A body must not fail half-way: Redis does not roll back.
    """

    keys: Sequence[str | bytes] = ()
    args: Sequence[str | bytes | int | float] = ()


ReadAsOfCheckpoint: TypeAlias = Callable[[Sequence[Sequence[str]]], Awaitable[list[Any]]]
"""Runs read commands, such as ``["HMGET", key, field]``, in one atomic call and gives their results as Lua has them.

Raises FencedError when Redis is not at this partition's checkpoint (emptied, failed over, another owner): what it
would have answered belongs to another moment. Whatever is written to Kafka must be decided on such reads, because
the compare-call that would notice comes only after the log.
"""


@dataclass(frozen=True)
class Ownership:
    """One process's time with one partition: everything its projection may touch."""

    partition: int
    prefix: str  # "{views-7}:1:" — hash tag and generation; every key of the projection starts with it
    redis: RedisClient
    log: PartitionLog  # of the partition that is projected
    instance: str
    read: ReadAsOfCheckpoint  # from `load` on
    live: bool = True  # False during a rebuild beside the live projection: write nothing to Kafka


class Restoring(Protocol):
    """How a projection writes what it restores: guarded, so that a former restorer cannot overwrite newer values."""

    async def put(self, effects: Effects) -> None:
        """Apply effects with the projection's own Lua body while this process is still the one that restores.

        Raises:
            FencedError: another process restores now.
        """


class PartitionProjection(Protocol[E]):
    """What one service decides about one partition.

    One object per ownership: at a mismatch, a transient fault or a backward seek the runtime closes it and opens
    another, so whatever it derived from the log goes with it.
    """

    async def restore(self, restoring: Restoring) -> int | None:
        """Fill empty state from a changelog; returns the log offset to go on from, None for the log's beginning.

        Called only when Redis has no state for this partition.
        """

    async def load(self, checkpoint: Checkpoint) -> None:
        """Derive in-process state as of the checkpoint (open sessions, positions), before the first `decide`."""

    def decode(self, record: ConsumerRecord) -> E | None:
        """The event of a record; None to skip it.

        Raises:
            PoisonError: the record is parked with this reason and the partition goes on.
        """

    async def decide(self, events: Sequence[E]) -> Effects:
        """What these events change, in order. May write to Kafka first (log before state).

        Raises:
            TransientError: nothing was applied; this object is discarded and the events come again to a new one.
            FencedError: another owner writes now; this object is discarded.
        """

    async def settle(self) -> Sequence[Effects]:
        """What `decide` put off; called about once a second, and before queries see the partition for the first time.

        Each is applied at the checkpoint, does not move it, and must change nothing when it is applied again. Errors as
        in `decide`.
        """

    async def tick(self) -> None:
        """Called about once a second while the partition is owned and live; for timers and flushing a changelog.

        Errors as in `decide`.
        """

    async def close(self) -> None:
        """Give back what `load` took; called once, also after an error."""


@dataclass(frozen=True)
class ProjectionSpec(Generic[E]):
    """One projection: which topic, whose keys, which decisions.

    Attributes:
        group: consumer group, ``news.<role>``.
        topic: the topic that is projected.
        service: name in the hash tags: partition 7 of ``views`` lives in ``{views-7}``.
        lua: body of the one Redis call, see `Effects`.
        open: makes the object for one ownership; does no I/O.
        max_records: handed to one `decide` at the most.
        weight: how many records an event counts as, for records that differ much; the one with which `max_records`
            is reached is the last of its `decide`.
        tag: one hash tag for all partitions, for a projection with a single owner (a lease); None: one a partition.
        advice: what a person can do when state and log do not belong together; without one it is to rebuild.
        last_record_holds: the last record of a key says all of it, and nothing in the records orders them: a parked one
            is applied again only while none after it has its key.
        is_working: whether slow work is in hand that ends by itself: meanwhile a long turn is no hanging one.
    """

    group: str
    topic: str
    service: str
    lua: str
    open: Callable[[Ownership], PartitionProjection[E]]
    max_records: int = 500
    weight: Callable[[E], int] | None = None
    tag: str | None = None
    advice: str | None = None
    last_record_holds: bool = False
    is_working: Callable[[], bool] = lambda: False

    def hash_tag(self, partition: int) -> str:
        """The hash tag that the keys of a partition share, in braces."""
        return hash_tag(self.service, partition, self.tag)


def hash_tag(service: str, partition: int, tag: str | None = None) -> str:
    """``{views-7}``, or the one tag that all partitions of a projection share."""
    return f"{{{tag or f'{service}-{partition}'}}}"
