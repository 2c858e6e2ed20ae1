"""The loop that projects a topic: who owns which partition, what is read next, and what happens when that fails."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata

from news_shared.clock import Clock, system_clock
from news_shared.crash_points import reached
from news_shared.errors import FencedError, LogMismatchError, TransientError
from news_shared.kafka import connection
from news_shared.lease import Lease
from news_shared.producer import open_producer
from news_shared.projection.contract import Ownership, ProjectionSpec, ReadAsOfCheckpoint
from news_shared.projection.dead_letters import DeadLetters
from news_shared.projection.generations import Leftovers
from news_shared.projection.log import PartitionLog
from news_shared.projection.metrics import DiscardReason, ProjectionMetrics, process_metrics
from news_shared.projection.partition import OwnedPartition, PartitionTools, close_quietly
from news_shared.projection.state import PartitionState, StateKeys
from news_shared.redis_client import RedisClient
from news_shared.settings import KafkaSettings
from news_shared.topics import MAX_RECORD_BYTES

log = structlog.get_logger()
E = TypeVar("E")

_WATCH_EVERY = 1.0
_WATCHED_WITHIN = 15.0  # a loop that takes longer for a turn hangs, and who looks at /readyz must know
_VERIFY_EVERY = 60.0
_POLL_MS = 200
_MOST_RECORDS = 4000  # between two looks at the assignment and at what is due
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 5.0


@dataclass
class _Seat(Generic[E]):
    """A partition that is assigned to this process, and how far taking it over has come."""

    tp: TopicPartition
    opening: asyncio.Task[OwnedPartition[E]] | None = None
    owned: OwnedPartition[E] | None = None
    must_seek: bool = True
    failures: int = 0
    retry_at: float = 0.0
    stopped: str | None = None
    watched_at: float = 0.0
    verified_at: float = field(default_factory=monotonic)


class Projector(Generic[E]):
    """Projects one topic with one `ProjectionSpec`, sharing the partitions with the other members of its group.

    With a lease all partitions belong to its holder; with `rebuilding` this process fills that generation of all
    partitions beside the live one and takes part in no group.
    """

    def __init__(
        self,
        spec: ProjectionSpec[E],
        *,
        kafka: KafkaSettings,
        redis: RedisClient,
        partitions: int,
        instance: str,
        clock: Clock = system_clock,
        metrics: ProjectionMetrics | None = None,
        lease: Lease | None = None,
        rebuilding: int | None = None,
    ) -> None:
        self._spec = spec
        self._kafka = kafka
        self._redis = redis
        self._partitions = partitions
        self._instance = instance
        self._clock = clock
        self._metrics = metrics or process_metrics()
        self._lease = lease
        self._rebuilding = rebuilding
        self._stopping = asyncio.Event()
        self._seats: dict[TopicPartition, _Seat[E]] = {}
        self._epoch = 0
        self._seen_epoch = 0
        self._joined = False
        self._committed_at = 0.0
        self._committing: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[Any]] = set()
        self._leftovers = Leftovers(redis)

    def request_stop(self) -> None:
        """Finish the batch in hand and end `run`."""
        self._stopping.set()

    def unready(self) -> list[str]:
        """Why this process does not do its work completely now; empty when all is well."""
        if not self._joined:
            if self._lease is not None and not self._lease.is_held:
                return []  # standing by is this process's work
            return [f"{self._spec.group}: not yet a member of its group"]
        reasons = []
        if self._epoch != self._seen_epoch:
            reasons.append(f"{self._spec.group}: partitions are being handed out")
        for seat in self._seats.values():
            name = f"{self._spec.group} {seat.tp.topic}/{seat.tp.partition}"
            if seat.stopped:
                reasons.append(seat.stopped)
            elif seat.owned is None:
                reasons.append(f"{name}: being taken over")
            elif not seat.owned.is_live:
                reasons.append(f"{name}: catching up from offset {seat.owned.checkpoint.next_offset}")
            elif self._spec.is_working():
                continue
            elif seat.watched_at and (seconds := monotonic() - seat.watched_at) > _WATCHED_WITHIN:
                reasons.append(
                    f"{name}: not looked after for {seconds:.0f} s: something hangs, see the log; restart it"
                )
        return reasons

    @property
    def offsets(self) -> dict[int, int]:
        """The next offset of each partition that is open here."""
        return {tp.partition: seat.owned.checkpoint.next_offset for tp, seat in self._seats.items() if seat.owned}

    async def run(self) -> None:
        """Project until asked to stop.

        Raises:
            Exception: a bug in a decision; it was counted beside the offset and the process must end.
        """
        async with open_producer(self._kafka) as producer:
            dead_letters = DeadLetters(
                producer, self._kafka, group=self._spec.group, partitions=self._partitions, clock=self._clock
            )
            self._tools = PartitionTools(dead_letters, self._clock, self._metrics, self._rebuilding)
            while not self._stopping.is_set():
                if self._lease is not None and not await self._lease_taken(self._lease):
                    return
                try:
                    await self._run_with_consumer()
                except (KafkaError, OSError) as error:  # getmany gave up; the client heals or is made anew
                    log.info("consumer failed, opening another", group=self._spec.group, error=repr(error))
                    await self._pause(1.0)

    async def _lease_taken(self, lease: Lease) -> bool:
        stop = asyncio.create_task(self._stopping.wait(), name="stop")
        held = asyncio.create_task(lease.wait_until_held(), name="lease")
        try:
            await asyncio.wait({stop, held}, return_when=asyncio.FIRST_COMPLETED)
            return not self._stopping.is_set()
        finally:
            stop.cancel()
            held.cancel()

    async def _run_with_consumer(self) -> None:
        consumer = self._consumer()
        token = self._lease.token if self._lease else ""
        try:
            await consumer.start()
            if self._alone:
                consumer.assign([TopicPartition(self._spec.topic, p) for p in range(self._partitions)])
                self._epoch += 1
            else:
                consumer.subscribe([self._spec.topic], listener=_EpochListener(self))
            self._joined = self._alone
            while not self._stopping.is_set() and self._holds(token):
                self._notice_assignment(consumer)
                await self._take_over(consumer)
                await self._project_next(consumer)
                await self._watch(consumer)
                self._commit_for_lag_tools(consumer)
                if self._rebuilding is None:
                    self._leftovers.look(self._keys(tp) for tp, seat in self._seats.items() if seat.owned is not None)
        finally:
            self._joined = False
            await self._leftovers.stop()
            if self._committing is not None:
                self._committing.cancel()
                await asyncio.wait({self._committing})
                self._committing = None
            await self._leave_all()
            await consumer.stop()

    @property
    def _alone(self) -> bool:
        return self._lease is not None or self._rebuilding is not None

    def _holds(self, token: str) -> bool:
        return self._lease is None or (self._lease.is_held and self._lease.token == token)

    def _consumer(self) -> AIOKafkaConsumer:
        session_ms = round(self._kafka.session_timeout.total_seconds() * 1000)
        membership: dict[str, object] = {"group_id": None}
        if not self._alone:
            membership = {
                "group_id": self._spec.group,
                "partition_assignment_strategy": (RangePartitionAssignor,),  # co-partitioned topics stay together
                "session_timeout_ms": session_ms,
                "heartbeat_interval_ms": session_ms // 6,
            }
            if self._kafka.static_members:
                membership["group_instance_id"] = f"{self._spec.group}-{self._instance}"
        return AIOKafkaConsumer(
            **connection(self._kafka),
            **membership,
            enable_auto_commit=False,
            auto_offset_reset="none",  # where to begin is for Redis to say
            isolation_level="read_committed" if self._kafka.transactions else "read_uncommitted",
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
            fetch_max_wait_ms=100,
        )

    def assignment_changed(self) -> None:
        """Tell the loop that a rebalance took place; all positions of the consumer are void."""
        self._epoch += 1
        self._joined = True

    def _notice_assignment(self, consumer: AIOKafkaConsumer) -> None:
        if self._seen_epoch == self._epoch:
            return
        self._seen_epoch = self._epoch
        assigned = consumer.assignment()
        for tp in set(self._seats) - assigned:
            self._discard(self._seats.pop(tp), "lost")
        for tp in assigned:
            seat = self._seats.setdefault(tp, _Seat(tp))
            seat.must_seek = True
            seat.watched_at = 0.0  # somebody else may have had it in between: compare before anything else
        if assigned:
            consumer.pause(*assigned)

    async def _take_over(self, consumer: AIOKafkaConsumer) -> None:
        """Open what is due, in the background; seek only here, between two fetches."""
        for seat in self._seats.values():
            if seat.stopped or seat.tp not in consumer.assignment():
                continue
            if seat.owned is None and seat.opening is None and monotonic() >= seat.retry_at:
                seat.opening = asyncio.create_task(self._open(seat.tp), name=f"open {seat.tp}")
            if seat.opening is not None and seat.opening.done():
                opened, seat.opening = seat.opening, None
                await self._opened(seat, opened)
            if seat.owned is not None and seat.must_seek:
                consumer.seek(seat.tp, seat.owned.checkpoint.next_offset)
                consumer.resume(seat.tp)
                seat.must_seek = False

    async def _open(self, tp: TopicPartition) -> OwnedPartition[E]:
        keys = self._keys(tp)
        partition_log = PartitionLog(self._kafka, tp.topic, tp.partition)
        state = PartitionState(self._redis, keys, self._spec.lua, lease_token=self._lease.token if self._lease else "")

        def ownership(generation: int, read: ReadAsOfCheckpoint) -> Ownership:
            return Ownership(
                partition=tp.partition,
                prefix=keys.prefix(generation),
                redis=self._redis,
                log=partition_log,
                instance=self._instance,
                read=read,
                live=self._rebuilding is None,
            )

        partition = OwnedPartition(self._spec, ownership, state, partition_log, self._tools)
        try:
            await partition.open()
        except BaseException:
            await close_quietly(partition)
            raise
        return partition

    def _keys(self, tp: TopicPartition) -> StateKeys:
        return StateKeys(self._spec.hash_tag(tp.partition), tp.topic, tp.partition)

    async def _opened(self, seat: _Seat[E], task: asyncio.Task[OwnedPartition[E]]) -> None:
        try:
            seat.owned = task.result()
        except LogMismatchError as error:
            seat.stopped = str(error)
            log.error("partition stopped", reason=str(error))
        except (TransientError, FencedError) as error:
            self._retry_later(seat, error)
        else:
            seat.must_seek = True
            seat.watched_at = 0.0

    async def _project_next(self, consumer: AIOKafkaConsumer) -> None:
        epoch = self._epoch
        try:
            batches = await consumer.getmany(
                timeout_ms=_POLL_MS, max_records=min(8 * self._spec.max_records, _MOST_RECORDS)
            )
        except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
            await self._without_position(consumer, error)
            return
        if epoch != self._epoch:
            return  # a rebalance came between: positions are void, and the next turn seeks
        async with asyncio.TaskGroup() as tasks:
            for tp, records in batches.items():
                seat = self._seats.get(tp)
                if seat is None or seat.owned is None or seat.must_seek:
                    continue
                self._tell_lag(consumer, seat.tp, seat.owned.checkpoint.next_offset)  # what is in hand is not done
                tasks.create_task(self._advance(consumer, seat, records))

    async def _without_position(self, consumer: AIOKafkaConsumer, error: KafkaError) -> None:
        """Partitions not yet taken over have no position, and need none; for others the log is not what it was."""
        named = error.args[0] if error.args else ()
        for tp in named if isinstance(named, dict | list | tuple | set) else self._seats:
            seat = self._seats.get(tp)
            if seat is not None and seat.owned is not None and not seat.must_seek:
                await self._verify(seat)
                if seat.stopped is None:
                    seat.must_seek = True

    async def _advance(self, consumer: AIOKafkaConsumer, seat: _Seat[E], records: Sequence[ConsumerRecord]) -> None:
        owned = seat.owned
        assert owned is not None
        try:
            position = await consumer.position(seat.tp)
            if records[0].offset < owned.checkpoint.next_offset:
                raise TransientError(f"read offset {records[0].offset}, stands at {owned.checkpoint.next_offset}")
            await owned.advance(records, position)
            self._tell_lag(consumer, seat.tp, position)
            seat.failures = 0
        except IllegalStateError:
            return  # the partition is no longer ours; the next turn notices
        except (TransientError, FencedError) as error:
            self._give_up(consumer, seat, error)
        except Exception as error:
            culprit = next((r for r in records if r.offset >= owned.checkpoint.next_offset), records[-1])
            await owned.crashed(culprit, error)
            raise

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        now = monotonic()
        due = [
            seat
            for seat in self._seats.values()
            if seat.owned is not None and not seat.must_seek and now - seat.watched_at >= _WATCH_EVERY
        ]
        async with asyncio.TaskGroup() as tasks:
            for seat in due:
                tasks.create_task(self._watch_one(consumer, seat))

    async def _watch_one(self, consumer: AIOKafkaConsumer, seat: _Seat[E]) -> None:
        owned = seat.owned
        assert owned is not None
        try:
            if self._epoch != self._seen_epoch or seat.tp not in consumer.assignment():
                return
            position = await consumer.position(seat.tp)
            end = self._tell_lag(consumer, seat.tp, position)
            seat.watched_at = monotonic()
            await owned.keep_watch(position, at_end=end is not None and position >= end)
            if seat.watched_at - seat.verified_at >= _VERIFY_EVERY:
                seat.verified_at = seat.watched_at
                await self._verify(seat)
        except IllegalStateError:
            return
        except (TransientError, FencedError) as error:
            self._give_up(consumer, seat, error)

    def _tell_lag(self, consumer: AIOKafkaConsumer, tp: TopicPartition, position: int) -> int | None:
        """Measure how far the log goes on from here; returns its end, as far as the consumer knows it."""
        if tp not in consumer.assignment():
            return None
        end: int | None = consumer.last_stable_offset(tp) if self._kafka.transactions else consumer.highwater(tp)
        if end is not None:
            self._metrics.lag(self._spec.group, tp.partition, max(0, end - position))
        return end

    async def _verify(self, seat: _Seat[E]) -> None:
        assert seat.owned is not None
        try:
            await seat.owned.verify()
        except LogMismatchError as error:
            log.error("partition stopped", reason=str(error))
            self._discard(seat, "mismatch")
            seat.stopped = str(error)
        except TransientError as error:
            log.info("could not verify", topic=seat.tp.topic, partition=seat.tp.partition, reason=str(error))

    def _give_up(self, consumer: AIOKafkaConsumer, seat: _Seat[E], error: Exception) -> None:
        """Throw away what this process derived from the log, and open the partition anew in a moment."""
        self._discard(seat, "mismatch" if isinstance(error, FencedError) else "transient")
        self._retry_later(seat, error)
        if seat.tp in consumer.assignment():
            consumer.pause(seat.tp)

    def _retry_later(self, seat: _Seat[E], error: Exception) -> None:
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2**seat.failures)
        seat.failures = min(seat.failures + 1, 10)
        seat.retry_at = monotonic() + delay
        log.info(
            "partition will be opened anew",
            group=self._spec.group,
            topic=seat.tp.topic,
            partition=seat.tp.partition,
            in_seconds=delay,
            reason=str(error),
        )

    def _discard(self, seat: _Seat[E], why: DiscardReason) -> None:
        self._metrics.discarded(self._spec.group, why)
        if seat.opening is not None:
            self._finish(asyncio.create_task(_give_back(seat.opening), name=f"give back {seat.tp}"))
            seat.opening = None
        if seat.owned is not None:
            owned, seat.owned = seat.owned, None
            self._finish(asyncio.create_task(close_quietly(owned), name=f"close {seat.tp}"))
        seat.must_seek = True

    def _finish(self, task: asyncio.Task[Any]) -> None:
        """Let a task give back what it holds; `_leave_all` waits for it."""
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else asks for it

    async def _leave_all(self) -> None:
        for seat in self._seats.values():
            self._discard(seat, "lost")
        self._seats.clear()
        if self._closing:
            await asyncio.wait(self._closing)

    def _commit_for_lag_tools(self, consumer: AIOKafkaConsumer) -> None:
        """Beside the loop: the client tries again for as long as the group's coordinator is away."""
        if self._alone or monotonic() - self._committed_at < timedelta(seconds=5).total_seconds():
            return
        if self._committing is not None and not self._committing.done():
            return
        self._committed_at = monotonic()
        offsets = {
            seat.tp: OffsetAndMetadata(seat.owned.checkpoint.next_offset, "")
            for seat in self._seats.values()
            if seat.owned is not None and seat.tp in consumer.assignment()
        }
        if offsets:
            self._committing = asyncio.create_task(_commit(consumer, offsets), name=f"commit for {self._spec.group}")

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass


async def _commit(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
    try:
        await consumer.commit(offsets)
    except KafkaError as error:  # only for lag tools: what counts is in Redis
        log.debug("offsets not committed", error=repr(error))


async def _give_back(opening: "asyncio.Task[OwnedPartition[E]]") -> None:
    """End an opening that nobody waits for any more; it may have come to its end already, with everything open."""
    opening.cancel()
    await asyncio.wait({opening})
    if not opening.cancelled() and opening.exception() is None:
        await close_quietly(opening.result())


class _EpochListener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Runs inside the rebalance: short, and without effects of its own."""

    def __init__(self, projector: Projector[E]) -> None:
        self._projector = projector

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        if revoked:
            reached("during-revoke")

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self._projector.assignment_changed()
