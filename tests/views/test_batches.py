"""Beacons wait together: one record for those that come at once, one salt in each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from news_shared.errors import OverloadError
from news_shared.producer import open_producer
from news_shared.topics import VIEWS
from news_views.beacons.batches import BeaconBatches
from news_views.beacons.metrics import BeaconMetrics
from news_views.view_log import Batch, decode
from tests.testbed.backends import Backend
from tests.views.builders import a_beacon
from tests.views.partitions import raw_log


@asynccontextmanager
async def batches_on(
    backend: Backend, *, linger: timedelta, at_most: int = 50, queue: int = 1000
) -> AsyncIterator[BeaconBatches]:
    async with open_producer(backend.kafka_settings) as producer:
        yield BeaconBatches(
            producer, BeaconMetrics(CollectorRegistry()), linger=linger, batch_beacons=at_most, queue_beacons=queue
        )


async def put(batches: BeaconBatches, partition: int, salt: str, reader: int) -> None:
    """Returns when Kafka has it."""
    written: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settled(error: Exception | None) -> None:
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)

    batches.add(partition, salt, a_beacon(reader=reader), settled)
    await written


async def written(backend: Backend, partition: int) -> list[tuple[str, int]]:
    decoded = [decode(record) for record in await raw_log(backend.kafka_settings, VIEWS, partition)]
    return [(batch.salt, batch.size) for batch in decoded if isinstance(batch, Batch)]


async def test_beacons_that_come_together_become_one_record_with_one_salt(backend: Backend) -> None:
    async with batches_on(backend, linger=timedelta(milliseconds=50)) as batches:
        await asyncio.gather(
            *(put(batches, 1, "old", n) for n in range(3)),
            *(put(batches, 1, "new", n) for n in range(4)),
        )
    assert sorted(await written(backend, 1)) == [("new", 4), ("old", 3)]


async def test_a_full_batch_does_not_wait(backend: Backend) -> None:
    async with batches_on(backend, linger=timedelta(hours=1), at_most=5) as batches:
        await asyncio.gather(*(put(batches, 2, "salt", n) for n in range(10)))
    assert await written(backend, 2) == [("salt", 5), ("salt", 5)]


async def test_closing_sends_what_waits(backend: Backend) -> None:
    async with batches_on(backend, linger=timedelta(hours=1)) as batches:
        both = [asyncio.create_task(put(batches, 3, "salt", n)) for n in range(2)]
        await asyncio.sleep(0)
        await batches.close()
        await asyncio.gather(*both)
    assert await written(backend, 3) == [("salt", 2)]


async def test_beyond_the_bound_nothing_more_is_taken_until_kafka_has_some(backend: Backend) -> None:
    async with batches_on(backend, linger=timedelta(hours=1), queue=2) as batches:
        both = [asyncio.create_task(put(batches, 4, "salt", n)) for n in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadError, match="2 beacons wait"):
            await put(batches, 4, "salt", 3)
        await batches.close()
        await asyncio.gather(*both)
        third = asyncio.create_task(put(batches, 4, "salt", 3))
        await asyncio.sleep(0)
        await batches.close()
        await third
    assert await written(backend, 4) == [("salt", 2), ("salt", 1)]
