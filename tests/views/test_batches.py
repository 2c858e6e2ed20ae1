"""Beacons wait together: one record for those that come at once, one salt in each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from prometheus_client import CollectorRegistry

from news_shared.producer import open_producer
from news_shared.topics import VIEWS
from news_views.batches import BeaconBatches
from news_views.metrics import BeaconMetrics
from news_views.view_log import Batch, decode
from tests.testbed.backends import Backend
from tests.views.builders import a_beacon
from tests.views.partitions import raw_log


@asynccontextmanager
async def batches_on(backend: Backend, *, linger: timedelta, at_most: int = 50) -> AsyncIterator[BeaconBatches]:
    async with open_producer(backend.kafka_settings) as producer:
        yield BeaconBatches(
            producer, BeaconMetrics(CollectorRegistry()), linger=linger, batch_beacons=at_most, queue_beacons=1000
        )


async def written(backend: Backend, partition: int) -> list[tuple[str, int]]:
    decoded = [decode(record) for record in await raw_log(backend.kafka_settings, VIEWS, partition)]
    return [(batch.salt, batch.size) for batch in decoded if isinstance(batch, Batch)]


async def test_beacons_that_come_together_become_one_record_with_one_salt(backend: Backend) -> None:
    async with batches_on(backend, linger=timedelta(milliseconds=50)) as batches:
        await asyncio.gather(
            *(batches.put(1, "old", a_beacon(reader=n)) for n in range(3)),
            *(batches.put(1, "new", a_beacon(reader=n)) for n in range(4)),
        )
    assert sorted(await written(backend, 1)) == [("new", 4), ("old", 3)]


async def test_a_full_batch_does_not_wait(backend: Backend) -> None:
    async with batches_on(backend, linger=timedelta(hours=1), at_most=5) as batches:
        await asyncio.gather(*(batches.put(2, "salt", a_beacon(reader=n)) for n in range(10)))
    assert await written(backend, 2) == [("salt", 5), ("salt", 5)]


async def test_a_caller_that_hangs_up_takes_nobody_with_it_and_closing_sends_what_waits(backend: Backend) -> None:
    async with batches_on(backend, linger=timedelta(hours=1)) as batches:
        first = asyncio.create_task(batches.put(3, "salt", a_beacon(reader=1)))
        second = asyncio.create_task(batches.put(3, "salt", a_beacon(reader=2)))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait({first})
        await batches.close()
        await second
    assert await written(backend, 3) == [("salt", 2)]
