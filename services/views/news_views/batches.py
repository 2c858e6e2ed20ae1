"""Beacons on their way to Kafka: those of one partition wait a moment together and become one record."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from news_shared.errors import OverloadError, PoisonError, TransientError
from news_shared.producer import Producer
from news_shared.topics import VIEWS
from news_views.metrics import BeaconMetrics
from news_views.view_log import BATCH_HEADERS, Beacon, encode_batch


@dataclass(eq=False)
class _OpenBatch:
    partition: int
    salt: str
    sent: "asyncio.Future[None]"
    beacons: list[Beacon] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None


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
        self._sending: set[asyncio.Task[None]] = set()
        self._waiting = 0

    async def put(self, partition: int, salt: str, beacon: Beacon) -> None:
        """Write a beacon; returns when Kafka has it.

        Raises:
            OverloadError: too many wait already; this one was not written.
            TransientError: Kafka did not acknowledge in time: the outcome is unknown.
        """
        if self._waiting >= self._queue_beacons:
            raise OverloadError(f"{self._waiting} beacons wait for Kafka")
        batch = self._open.get(partition)
        if batch is not None and batch.salt != salt:  # a batch names one salt
            self._send(batch)
            batch = None
        if batch is None:
            loop = asyncio.get_running_loop()
            batch = self._open[partition] = _OpenBatch(partition, salt, loop.create_future())
            batch.timer = loop.call_later(self._linger, self._send, batch)
        batch.beacons.append(beacon)
        self._waiting += 1
        if len(batch.beacons) >= self._batch_beacons:
            self._send(batch)
        try:
            await asyncio.shield(batch.sent)  # a caller that hangs up must not take the others with it
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Send what waits, and wait for its answers."""
        for batch in list(self._open.values()):
            self._send(batch)
        if self._sending:
            await asyncio.wait(self._sending)

    def _send(self, batch: _OpenBatch) -> None:
        if batch.timer is not None:
            batch.timer.cancel()
        if self._open.get(batch.partition) is batch:
            del self._open[batch.partition]
        task = asyncio.create_task(self._write(batch), name="write a batch of beacons")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _write(self, batch: _OpenBatch) -> None:
        try:
            await self._producer.send(
                VIEWS,
                partition=batch.partition,
                value=encode_batch(batch.salt, batch.beacons),
                headers=BATCH_HEADERS,
            )
        except (TransientError, PoisonError) as error:
            batch.sent.set_exception(error)
        else:
            self._metrics.batch_written(len(batch.beacons))
            batch.sent.set_result(None)
        finally:
            if not batch.sent.done():  # cut off, or a bug: nobody may wait for ever
                batch.sent.set_exception(TransientError("the batch was not written"))
            batch.sent.exception()  # seen, also when everybody who waited has hung up
