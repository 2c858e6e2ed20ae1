"""A partition whose offsets have gaps, as compaction leaves them."""

from typing import cast

from aiokafka import ConsumerRecord
from prometheus_client import CollectorRegistry

from news_shared.clock import system_clock
from news_shared.projection.contract import Ownership, ReadAsOfCheckpoint
from news_shared.projection.dead_letters import DeadLetters
from news_shared.projection.log import Bounds, PartitionLog
from news_shared.projection.metrics import ProjectionMetrics
from news_shared.projection.partition import OwnedPartition, PartitionTools
from news_shared.projection.state import PartitionState, StateKeys
from news_shared.topics import VIEWS
from tests.shared.tally import TALLY_LUA, tally_spec
from tests.shared.words import Words

KEYS = StateKeys("{tally-0}", VIEWS, 0)
LIVES = 10


def record(offset: int, word: str) -> ConsumerRecord:
    return ConsumerRecord(VIEWS, 0, offset, 0, 0, None, word.encode(), None, 0, 0, ())


class Compacted:
    """A log of some records."""

    topic, partition = VIEWS, 0

    def __init__(self, *records: ConsumerRecord) -> None:
        self.records = records
        self.end = records[-1].offset + 1

    async def bounds(self) -> Bounds:
        return Bounds(0, self.end)

    async def record_at(self, offset: int) -> ConsumerRecord | None:
        return next((record for record in self.records if record.offset == offset), None)


class Parked:
    """Offsets that were parked."""

    def __init__(self) -> None:
        self.offsets: list[int] = []

    async def park(self, record: ConsumerRecord, error: str, tag: str) -> None:
        self.offsets.append(record.offset)


async def test_the_record_that_crashes_is_parked_and_none_before_it_however_wide_the_gap(words: Words) -> None:
    log = Compacted(record(10_000, "one"), record(10_001, "two"), record(10_002, "bomb"), record(10_003, "three"))
    parked, spec = Parked(), tally_spec(VIEWS)
    tools = PartitionTools(cast("DeadLetters", parked), system_clock, ProjectionMetrics(CollectorRegistry()))

    def ownership(generation: int, read: ReadAsOfCheckpoint) -> Ownership:
        return Ownership(0, KEYS.prefix(generation), words.redis, cast("PartitionLog", log), "0", read)

    for _ in range(LIVES):
        owned = OwnedPartition(
            spec, ownership, PartitionState(words.redis, KEYS, TALLY_LUA), cast("PartitionLog", log), tools
        )
        await owned.open()
        left = [record for record in log.records if record.offset >= owned.checkpoint.next_offset]
        try:
            await owned.advance(left, log.end)
        except RuntimeError as error:
            await owned.crashed(next(r for r in left if r.offset >= owned.checkpoint.next_offset), error)
    assert parked.offsets == [10_002]
    assert await words.redis.hgetall(f"{KEYS.prefix(1)}tally") == {b"one": b"1", b"two": b"1", b"three": b"1"}
