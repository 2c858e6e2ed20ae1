"""The partitions that are assigned to this process, and how far taking each of them over has come."""

import asyncio
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from news_shared.cancelling import cancel
from news_shared.errors import FencedError
from news_shared.projection.contract import ProjectionSpec
from news_shared.projection.metrics import DiscardReason, ProjectionMetrics
from news_shared.projection.partition import OwnedPartition, close_quietly

log = structlog.get_logger()
E = TypeVar("E")

_WATCHED_WITHIN = 15.0  # a loop that takes longer for a turn hangs, and who looks at /readyz must know
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 5.0
_STOPPED_DELAY = 5.0


@dataclass
class Seat(Generic[E]):
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


class Seats(Generic[E]):
    """All seats of this process; iterates over them."""

    def __init__(self, spec: ProjectionSpec[E], metrics: ProjectionMetrics) -> None:
        self._spec = spec
        self._metrics = metrics
        self._seats: dict[TopicPartition, Seat[E]] = {}
        self._closing: set[asyncio.Task[Any]] = set()

    def __iter__(self) -> Iterator[Seat[E]]:
        return iter(self._seats.values())

    def of(self, tp: TopicPartition) -> Seat[E] | None:
        """The seat of a partition, if it is assigned to this process."""
        return self._seats.get(tp)

    @property
    def offsets(self) -> dict[TopicPartition, int]:
        """The next offset of each partition that is open here."""
        return {tp: seat.owned.checkpoint.next_offset for tp, seat in self._seats.items() if seat.owned}

    def unready(self) -> list[str]:
        """Why this process does not do the work of its partitions completely now."""
        reasons = []
        for seat in self:
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

    def hand_out(self, assigned: Set[TopicPartition]) -> None:
        """These are assigned from now on; whatever was derived from the others is thrown away."""
        for tp in set(self._seats) - assigned:
            self.discard(self._seats.pop(tp), "lost")
        for tp in assigned:
            seat = self._seats.setdefault(tp, Seat(tp))
            seat.must_seek = True
            seat.watched_at = 0.0  # somebody else may have had it in between: compare before anything else

    def give_up(self, consumer: AIOKafkaConsumer, seat: Seat[E], error: Exception) -> None:
        """Throw away what this process derived from the log, and open the partition anew in a moment."""
        self.discard(seat, "mismatch" if isinstance(error, FencedError) else "transient")
        self.retry_later(seat, error)
        if seat.tp in consumer.assignment():
            consumer.pause(seat.tp)

    def stop(self, seat: Seat[E], reason: str) -> None:
        """Let a partition stand still: state and log do not belong together, and only a person can tell why.

        It is looked at again, since what the person does (a rebuild, a restored topic) is done elsewhere.
        """
        if reason != seat.stopped:
            log.error("partition stopped", reason=reason)
        if seat.owned is not None:
            self.discard(seat, "mismatch")
        seat.stopped = reason
        seat.retry_at = monotonic() + _STOPPED_DELAY

    def retry_later(self, seat: Seat[E], error: Exception) -> None:
        """Open a partition anew after a delay that grows."""
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

    def discard(self, seat: Seat[E], why: DiscardReason) -> None:
        """Throw away what this process derived from the log of a partition."""
        self._metrics.discarded(self._spec.group, why)
        if why == "lost":
            self._metrics.left(self._spec.group, seat.tp.partition)
        if seat.opening is not None:
            self._finish(asyncio.create_task(_give_back(seat.opening), name=f"give back {seat.tp}"))
            seat.opening = None
        if seat.owned is not None:
            owned, seat.owned = seat.owned, None
            self._finish(asyncio.create_task(close_quietly(owned), name=f"close {seat.tp}"))
        seat.must_seek = True

    async def leave_all(self) -> None:
        """Discard all, and wait until everything that they held is given back."""
        for seat in self:
            self.discard(seat, "lost")
        self._seats.clear()
        if self._closing:
            await asyncio.wait(self._closing)

    def _finish(self, task: asyncio.Task[Any]) -> None:
        """Let a task give back what it holds; `leave_all` waits for it."""
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else asks for it


async def _give_back(opening: "asyncio.Task[OwnedPartition[E]]") -> None:
    """End an opening that nobody waits for any more; it may have come to its end already, with everything open."""
    await cancel([opening])
    if not opening.cancelled() and opening.exception() is None:
        await close_quietly(opening.result())
