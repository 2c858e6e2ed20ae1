"""One owned partition: open it (verify, restore, load), advance it, keep watch over it, give it back."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import ConsumerRecord

from news_shared.clock import Clock, epoch_ms
from news_shared.errors import FencedError, LogMismatchError, PoisonError, TransientError
from news_shared.projection.contract import (
    Checkpoint,
    Effects,
    Fingerprint,
    Ownership,
    PartitionProjection,
    ProjectionSpec,
    ReadAsOfCheckpoint,
)
from news_shared.projection.dead_letters import DeadLetters
from news_shared.projection.log import Bounds, PartitionLog
from news_shared.projection.metrics import ProjectionMetrics
from news_shared.projection.state import PartitionState

log = structlog.get_logger()
E = TypeVar("E")

ATTEMPTS_BEFORE_PARKING = 3


@dataclass(frozen=True)
class PartitionTools:
    """What every partition of a projector works with."""

    dead_letters: DeadLetters
    clock: Clock
    metrics: ProjectionMetrics
    rebuilding: int | None = None  # the generation that is filled beside the live one


class OwnedPartition(Generic[E]):
    """Everything this process knows of one partition; thrown away whole at any mismatch."""

    def __init__(
        self,
        spec: ProjectionSpec[E],
        ownership: Callable[[int, ReadAsOfCheckpoint], Ownership],
        state: PartitionState,
        partition_log: PartitionLog,
        tools: PartitionTools,
    ) -> None:
        self._spec = spec
        self._ownership = ownership
        self._state = state
        self._log = partition_log
        self._tools = tools
        self._projection: PartitionProjection[E] | None = None
        self._one_by_one = 0  # records that still go each in a call of its own
        self._live_from = 0
        self.is_live = False
        self.checkpoint = Checkpoint(0, 0)

    async def open(self) -> None:
        """Take the partition over as Redis has it; restores it first when Redis has nothing.

        Raises:
            LogMismatchError: state and log do not belong together; nothing was touched.
            TransientError: try again later, with a new object.
        """
        stored = await self._state.read(self._tools.rebuilding)
        bounds = await self._log.bounds()
        self._projection = self._spec.open(self._ownership(stored.generation, self._read))
        if stored.next_offset is None:
            next_offset = await self._restore(stored.generation)
            self.checkpoint = Checkpoint(stored.generation, next_offset)
        else:
            self.checkpoint = Checkpoint(stored.generation, stored.next_offset, stored.fingerprint)
            await self.verify(bounds)
        if stored.attempts:
            self._one_by_one = self._spec.max_records
        await self._projection.load(self.checkpoint)
        self._live_from = bounds.end
        self._tools.metrics.opened(self._spec.group, restored=stored.next_offset is None)

    async def verify(self, bounds: Bounds | None = None) -> None:
        """Check that the stored offset lies in the log and that the last applied record is still the same.

        Raises:
            LogMismatchError: it is not; says what to do.
            TransientError: Kafka is away.
        """
        checkpoint = self.checkpoint
        bounds = bounds or await self._log.bounds()
        if not bounds.begin <= checkpoint.next_offset <= bounds.end:
            raise LogMismatchError(
                f"{self._name}: the stored offset {checkpoint.next_offset} is outside the log "
                f"[{bounds.begin}, {bounds.end}]: the topic was made anew, lost its end, or retention passed the "
                f"projection. {self._advice}"
            )
        if checkpoint.fingerprint is None:
            return
        record = await self._log.record_at(checkpoint.fingerprint.offset)
        if record is not None and Fingerprint.of(record) != checkpoint.fingerprint:
            raise LogMismatchError(
                f"{self._name}: the record at offset {record.offset} is not the one that was applied: the topic was "
                f"made anew or lost its end. {self._advice}"
            )

    async def advance(self, records: Sequence[ConsumerRecord], position: int) -> None:
        """Apply records in order; ``position`` is the consumer's next offset after them.

        Raises:
            TransientError, FencedError: discard this object and open the partition anew.
        """
        assert self._projection is not None
        start = 0
        while start < len(records):
            stop, events = await self._decode(records, start)
            try:
                effects = await self._projection.decide(events) if events else Effects()
            except PoisonError as error:
                if stop - start > 1:  # only the record itself may be parked for it
                    self._one_by_one = stop - start
                    continue
                await self._park(records[start], str(error), "poison")
                effects = Effects()
            next_offset = records[stop].offset if stop < len(records) else position
            await self._apply(effects, next_offset, records[stop - 1])
            self._tools.metrics.applied(self._spec.group, stop - start)
            self._one_by_one = max(0, self._one_by_one - (stop - start))
            start = stop

    async def keep_watch(self, position: int, *, at_end_ago: float | None) -> None:
        """The call of each second: notices a fail-over, moves over gaps, keeps ``as_of`` fresh, lets timers run.

        Errors as in `advance`.

        Args:
            position: the consumer's next offset.
            at_end_ago: seconds since Kafka said that the log ends there; None where it goes on.
        """
        moved = replace(self.checkpoint, next_offset=max(position, self.checkpoint.next_offset))
        caught_up = moved.next_offset >= self._live_from
        as_of = None
        if at_end_ago is not None and caught_up:
            as_of = epoch_ms(self._tools.clock()) - round(1000 * at_end_ago)
        await self._settle()
        await self._state.apply(self.checkpoint, Effects(), moved, live=self._must_be_live, as_of_ms=as_of)
        self.checkpoint = moved
        self.is_live = self.is_live or as_of is not None
        if self._tools.rebuilding is None and self._projection is not None:
            await self._projection.tick()
            if self.is_live:
                await self._apply_again(self._projection)

    async def crashed(self, record: ConsumerRecord, error: Exception) -> None:
        """Note a bug at the stored offset; the third time at the same record it is parked, so that others go on.

        The caller lets the process die afterwards.
        """
        attempts = await self._state.count_attempt(self.checkpoint.generation)
        log.error("a record crashed the projection", offset=record.offset, attempt=attempts, error=repr(error))
        if attempts >= ATTEMPTS_BEFORE_PARKING and record.offset >= self.checkpoint.next_offset:
            await self._park(record, f"bug: {error!r}", "bug")
            advanced = Checkpoint(self.checkpoint.generation, record.offset + 1, Fingerprint.of(record))
            await self._state.apply(self.checkpoint, Effects(), advanced, live=self._must_be_live, as_of_ms=None)

    async def _apply_again(self, projection: PartitionProjection[E]) -> None:
        """Apply one parked record that a person asked for; it stays parked when it fails again."""
        position = await self._state.next_replay()
        if position is None:
            return
        effects, failed = Effects(), ""
        try:
            record = await self._tools.dead_letters.parked(position)
            event = projection.decode(record)
            if event is not None and self._spec.last_record_holds and not await self._is_last(record, projection):
                raise PoisonError("the log has a newer record of its key, which holds")
            if event is not None:
                effects = await projection.decide([event])
        except (TransientError, FencedError):
            raise
        except Exception as error:  # noqa: BLE001  # poison or a bug: neither may stop what works
            effects, failed = Effects(), repr(error)
        await self._state.apply_replayed(self.checkpoint, effects, position)
        if failed:
            raise TransientError(f"the parked record at {position} failed again and stays parked: {failed}")
        log.info("applied again", topic=self._spec.topic, partition=self._log.partition, dead_letter=position)

    async def _is_last(self, parked: ConsumerRecord, projection: PartitionProjection[E]) -> bool:
        """Whether a rebuild would end with this record of its key; poison after it does not count."""
        if await self._log.record_at(parked.offset) is None:
            return False  # compaction takes only what has a newer record of its key
        bounds = await self._log.bounds()
        async with aclosing(self._log.read(parked.offset + 1, bounds.end)) as batches:
            async for records in batches:
                for record in records:
                    if record.key == parked.key and _decodes(record, projection):
                        return False
        return True

    async def close(self) -> None:
        """Give back what the projection took."""
        if self._projection is not None:
            await self._projection.close()
            self._projection = None

    async def _read(self, commands: Sequence[Sequence[str]]) -> list[Any]:
        return await self._state.read_as_of(self.checkpoint, commands, live=self._must_be_live)

    @property
    def _must_be_live(self) -> bool:
        return self._tools.rebuilding is None

    @property
    def _name(self) -> str:
        return f"{self._spec.group} {self._spec.topic}/{self._log.partition}"

    @property
    def _advice(self) -> str:
        advice = self._spec.advice or f"If the log is right, run: newsfeed rebuild {self._spec.service}"
        return f"This partition stands still. {advice}"

    async def _restore(self, generation: int) -> int:
        assert self._projection is not None
        log.info("restoring", group=self._spec.group, topic=self._spec.topic, partition=self._log.partition)
        await self._state.begin_restore(generation)
        start = await self._projection.restore(_RestoringGeneration(self._state, generation))
        bounds = await self._log.bounds()  # a changelog goes on while it is read, as beside a live owner
        next_offset = bounds.begin if start is None else start
        if not bounds.begin <= next_offset <= bounds.end:
            raise LogMismatchError(
                f"{self._name}: the changelog goes on at offset {next_offset}, but the log holds "
                f"[{bounds.begin}, {bounds.end}]: what lies between is lost. {self._advice}"
            )
        await self._state.finish_restore(generation, next_offset)
        return next_offset

    async def _decode(self, records: Sequence[ConsumerRecord], start: int) -> tuple[int, list[E]]:
        """The events of one call from this place of the records on, and the place after its last record."""
        assert self._projection is not None
        decode, weigh = self._projection.decode, self._spec.weight
        stop = min(len(records), start + (1 if self._one_by_one else self._spec.max_records))
        events: list[E] = []
        weight = 0
        for place in range(start, stop):
            try:
                event = decode(records[place])
            except PoisonError as error:
                await self._park(records[place], str(error), "poison")
                continue
            if event is None:
                continue
            events.append(event)
            if weigh is not None:
                weight += weigh(event)
                if weight >= self._spec.max_records:
                    return place + 1, events
        return stop, events

    async def _apply(self, effects: Effects, next_offset: int, last: ConsumerRecord) -> None:
        advanced = Checkpoint(self.checkpoint.generation, next_offset, Fingerprint.of(last))
        as_of = last.timestamp if self.is_live else None
        await self._state.apply(self.checkpoint, effects, advanced, live=self._must_be_live, as_of_ms=as_of)
        self.checkpoint = advanced
        if not self.is_live and next_offset >= self._live_from:
            await self._settle()
            await self._state.apply(advanced, Effects(), advanced, live=self._must_be_live, as_of_ms=last.timestamp)
            self.is_live = True

    async def _settle(self) -> None:
        assert self._projection is not None
        for effects in await self._projection.settle():
            await self._state.apply(self.checkpoint, effects, self.checkpoint, live=self._must_be_live, as_of_ms=None)

    async def _park(self, record: ConsumerRecord, error: str, kind: str) -> None:
        log.warning("record parked", topic=record.topic, partition=record.partition, offset=record.offset, reason=error)
        await self._tools.dead_letters.park(record, error, tag=self._spec.hash_tag(record.partition))
        self._tools.metrics.parked(self._spec.group, kind)


class _RestoringGeneration:
    def __init__(self, state: PartitionState, generation: int) -> None:
        self._state = state
        self._generation = generation

    async def put(self, effects: Effects) -> None:
        await self._state.put_restored(self._generation, effects)


def _decodes(record: ConsumerRecord, projection: PartitionProjection[E]) -> bool:
    try:
        return projection.decode(record) is not None
    except PoisonError:
        return False


async def close_quietly(partition: OwnedPartition[E]) -> None:
    """Close a partition that is being discarded; what it says at its end is logged and changes nothing."""
    try:
        async with asyncio.timeout(10):
            await partition.close()
    except Exception as error:  # noqa: BLE001  # it is discarded because something is broken already
        log.info("partition did not close cleanly", error=repr(error))
