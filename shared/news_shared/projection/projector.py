"""The loop that projects a topic: what is taken over, read and watched next, and what happens when that fails."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Generic, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from news_shared.cancelling import pause
from news_shared.clock import Clock, system_clock
from news_shared.errors import FencedError, LogMismatchError, TransientError
from news_shared.lease import Lease
from news_shared.producer import open_producer
from news_shared.projection.contract import Ownership, ProjectionSpec, ReadAsOfCheckpoint
from news_shared.projection.dead_letters import DeadLetters
from news_shared.projection.generations import Leftovers
from news_shared.projection.lag import Lag
from news_shared.projection.log import PartitionLog
from news_shared.projection.membership import Membership
from news_shared.projection.metrics import ProjectionMetrics, process_metrics
from news_shared.projection.partition import OwnedPartition, PartitionTools, close_quietly
from news_shared.projection.seats import Seat, Seats
from news_shared.projection.state import PartitionState, StateKeys
from news_shared.redis_client import RedisClient, check_eviction
from news_shared.settings import KafkaSettings

log = structlog.get_logger()
E = TypeVar("E")

_WATCH_EVERY = 1.0
_VERIFY_EVERY = 60.0
_POLL_MS = 200
_MOST_RECORDS = 4000  # between two looks at the assignment and at what is due


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
        self._rebuilding = rebuilding
        self._membership = Membership(
            spec.topic,
            spec.group,
            kafka=kafka,
            partitions=partitions,
            instance=instance,
            lease=lease,
            is_beside=rebuilding is not None,
        )
        self._seats = Seats(spec, self._metrics)
        self._seen_epoch = 0
        self._lag = Lag(spec.group, self._metrics, transactions=kafka.transactions)
        self._leftovers = Leftovers(redis)
        self._redis_keeps_all = False
        self._checking_redis = asyncio.Lock()
        self._stopping = asyncio.Event()

    def request_stop(self) -> None:
        """Finish the batch in hand and end `run`."""
        self._stopping.set()

    def unready(self) -> list[str]:
        """Why this process does not do its work completely now; empty when all is well."""
        if not self._membership.is_joined:
            if self._membership.is_standing_by:
                return []  # that is this process's work
            return [f"{self._spec.group}: not yet a member of its group"]
        reasons = self._seats.unready()
        if self._seen_epoch != self._membership.epoch:
            reasons.insert(0, f"{self._spec.group}: partitions are being handed out")
        return reasons

    @property
    def offsets(self) -> dict[int, int]:
        """The next offset of each partition that is open here."""
        return {tp.partition: offset for tp, offset in self._seats.offsets.items()}

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
            while await self._membership.may_join(self._stopping):
                try:
                    await self._run_with_consumer()
                except (KafkaError, OSError) as error:  # getmany gave up; the client heals or is made anew
                    log.info("consumer failed, opening another", group=self._spec.group, error=repr(error))
                    await pause(1.0, unless=self._stopping)

    async def _run_with_consumer(self) -> None:
        consumer = self._membership.consumer()
        try:
            await self._membership.join(consumer)
            while not self._stopping.is_set() and self._membership.holds:
                self._notice_assignment(consumer)
                await self._take_over(consumer)
                await self._project_next(consumer)
                await self._watch(consumer)
        finally:
            self._membership.left()
            await self._leftovers.stop()
            await self._lag.stop()
            await self._seats.leave_all()
            await consumer.stop()

    def _notice_assignment(self, consumer: AIOKafkaConsumer) -> None:
        if self._seen_epoch == self._membership.epoch:
            return
        self._seen_epoch = self._membership.epoch
        assigned = consumer.assignment()
        self._seats.hand_out(assigned)
        if assigned:
            consumer.pause(*assigned)

    async def _take_over(self, consumer: AIOKafkaConsumer) -> None:
        """Open what is due, in the background; seek only here, between two fetches."""
        for seat in self._seats:
            if seat.tp not in consumer.assignment():
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
        await self._check_redis()
        keys = self._keys(tp)
        partition_log = PartitionLog(self._kafka, tp.topic, tp.partition)
        state = PartitionState(self._redis, keys, self._spec.lua, lease_token=self._membership.lease_token)

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

    async def _check_redis(self) -> None:
        """Before the first partition; not at the start of the process, which may come before that of Redis."""
        async with self._checking_redis:
            if not self._redis_keeps_all:
                await check_eviction(self._redis)
                self._redis_keeps_all = True

    def _keys(self, tp: TopicPartition) -> StateKeys:
        return StateKeys(self._spec.hash_tag(tp.partition), tp.topic, tp.partition)

    async def _opened(self, seat: Seat[E], task: asyncio.Task[OwnedPartition[E]]) -> None:
        try:
            seat.owned = task.result()
        except LogMismatchError as error:
            self._seats.stop(seat, str(error))
        except (TransientError, FencedError) as error:
            self._seats.retry_later(seat, error)
        else:
            seat.stopped = None
            seat.must_seek = True
            seat.watched_at = 0.0

    async def _project_next(self, consumer: AIOKafkaConsumer) -> None:
        epoch = self._membership.epoch
        try:
            batches = await consumer.getmany(
                timeout_ms=_POLL_MS, max_records=min(8 * self._spec.max_records, _MOST_RECORDS)
            )
        except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
            await self._without_position(consumer, error)
            return
        if epoch != self._membership.epoch:
            return  # a rebalance came between: positions are void, and the next turn seeks
        async with asyncio.TaskGroup() as tasks:
            for tp, records in batches.items():
                seat = self._seats.of(tp)
                if seat is None or seat.owned is None or seat.must_seek:
                    continue
                self._lag.tell(consumer, seat.tp, seat.owned.checkpoint.next_offset)  # what is in hand is not done
                tasks.create_task(self._advance(consumer, seat, records))

    async def _without_position(self, consumer: AIOKafkaConsumer, error: KafkaError) -> None:
        """Partitions not yet taken over have no position, and need none; for others the log is not what it was."""
        named = error.args[0] if error.args else ()
        for tp in named if isinstance(named, dict | list | tuple | set) else self._seats.offsets:
            seat = self._seats.of(tp)
            if seat is not None and seat.owned is not None and not seat.must_seek:
                await self._verify(seat)
                if seat.stopped is None:
                    seat.must_seek = True

    async def _advance(self, consumer: AIOKafkaConsumer, seat: Seat[E], records: Sequence[ConsumerRecord]) -> None:
        owned = seat.owned
        assert owned is not None
        try:
            position = await consumer.position(seat.tp)
            if records[0].offset < owned.checkpoint.next_offset:
                raise TransientError(f"read offset {records[0].offset}, stands at {owned.checkpoint.next_offset}")
            await owned.advance(records, position)
            self._lag.tell(consumer, seat.tp, position)
            seat.failures = 0
        except IllegalStateError:
            return  # the partition is no longer ours; the next turn notices
        except (TransientError, FencedError) as error:
            self._seats.give_up(consumer, seat, error)
        except Exception as error:
            culprit = next((r for r in records if r.offset >= owned.checkpoint.next_offset), records[-1])
            await owned.crashed(culprit, error)
            raise

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        now = monotonic()
        due = [
            seat
            for seat in self._seats
            if seat.owned is not None and not seat.must_seek and now - seat.watched_at >= _WATCH_EVERY
        ]
        async with asyncio.TaskGroup() as tasks:
            for seat in due:
                tasks.create_task(self._watch_one(consumer, seat))
        if due and not self._membership.is_alone:
            self._lag.commit(consumer, self._seats.offsets)
        if due and self._rebuilding is None:
            self._leftovers.look(self._keys(seat.tp) for seat in due)

    async def _watch_one(self, consumer: AIOKafkaConsumer, seat: Seat[E]) -> None:
        owned = seat.owned
        assert owned is not None
        try:
            if self._seen_epoch != self._membership.epoch or seat.tp not in consumer.assignment():
                return
            position = await consumer.position(seat.tp)
            if self._seen_epoch != self._membership.epoch:
                return  # a rebalance came between: this may be the position that Kafka remembers
            end = self._lag.tell(consumer, seat.tp, position)
            seat.watched_at = monotonic()
            at_end = end is not None and position >= end
            await owned.keep_watch(position, at_end_ago=self._lag.age(consumer, seat.tp) if at_end else None)
            if seat.watched_at - seat.verified_at >= _VERIFY_EVERY:
                seat.verified_at = seat.watched_at
                await self._verify(seat)
        except IllegalStateError:
            return
        except (TransientError, FencedError) as error:
            self._seats.give_up(consumer, seat, error)

    async def _verify(self, seat: Seat[E]) -> None:
        assert seat.owned is not None
        try:
            await seat.owned.verify()
        except LogMismatchError as error:
            self._seats.stop(seat, str(error))
        except TransientError as error:
            log.info("could not verify", topic=seat.tp.topic, partition=seat.tp.partition, reason=str(error))
