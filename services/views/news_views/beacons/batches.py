"""Beacons on their way to Kafka: those of one partition wait a moment together and become one record."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from news_shared.errors import NewsError, OverloadError
from news_shared.producer import Outgoing, Producer
from news_shared.topics import VIEWS
from news_views.beacons.metrics import BeaconMetrics
from news_views.view_log import BATCH_HEADERS, Beacon, encode_batch

BeaconSettled: TypeAlias = Callable[[Exception | None], None]
"""Hears once what became of a beacon: None when Kafka has it, or why the outcome is unknown."""


@dataclass(eq=False)
class _OpenBatch:
    partition: int
    salt: str
    beacons: list[Beacon] = field(default_factory=list)
    waiting: list[BeaconSettled] = field(default_factory=list)


class BeaconBatches:
    """Collects, sends and answers; bounded by the beacons that wait for an answer.

    Args:
        linger: how long the first beacon of a batch waits for others.
        batch_beacons: a batch of so many goes at once.
        queue_beacons: so many may wait in this process.
    """

    def __init__(
        self,
        producer: Producer,
        metrics: BeaconMetrics,
        *,
        linger: timedelta,
        batch_beacons: int,
        queue_beacons: int,
    ) -> None:
        self._producer = producer
        self._metrics = metrics
        self._linger = linger.total_seconds()
        self._batch_beacons = batch_beacons
        self._queue_beacons = queue_beacons
        self._open: dict[int, _OpenBatch] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._waiting = 0

    def add(self, partition: int, salt: str, beacon: Beacon, settled: BeaconSettled) -> None:
        """Write a beacon with the next batch of its partition.

        Args:
            partition: its article's.
            salt: the name of the one that its hash was made with.
            beacon: what to write.
            settled: called later, once, unless this call raises.

        Raises:
            OverloadError: too many wait already; this one is not written.
        """
        if self._waiting >= self._queue_beacons:
            raise OverloadError(f"{self._waiting} beacons wait for Kafka")
        batch = self._open.get(partition)
        if batch is not None and batch.salt != salt:  # a batch names one salt
            self._send([batch])
            batch = None
        if batch is None:
            batch = self._open[partition] = _OpenBatch(partition, salt)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._linger, self._send_all)
        batch.beacons.append(beacon)
        batch.waiting.append(settled)
        self._waiting += 1
        if len(batch.beacons) >= self._batch_beacons:
            self._send([batch])

    async def close(self) -> None:
        """Send what waits, and wait for its answers."""
        self._send_all()
        if self._sending:
            await asyncio.wait(self._sending)

    def _send_all(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._open:
            self._send(list(self._open.values()))

    def _send(self, batches: Sequence[_OpenBatch]) -> None:
        for batch in batches:
            del self._open[batch.partition]
        task = asyncio.create_task(self._write(batches), name="write batches of beacons")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _write(self, batches: Sequence[_OpenBatch]) -> None:
        def settled(place: int, error: NewsError | None) -> None:
            waiting = batches[place].waiting
            self._waiting -= len(waiting)
            if error is None:
                self._metrics.batch_written(len(waiting))
            for tell in waiting:
                tell(error)

        # A partition whose leader is away must not keep the others' readers waiting.
        await self._producer.send_each(
            [
                Outgoing(VIEWS, batch.partition, None, encode_batch(batch.salt, batch.beacons), BATCH_HEADERS)
                for batch in batches
            ],
            settled,
        )
