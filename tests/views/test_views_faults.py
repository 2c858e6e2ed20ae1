"""Faults of servers that forget: a fail-over that loses writes, a log that was trimmed, an owner that was frozen."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from news_shared.redis_client import open_redis
from news_shared.topics import VIEWS
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.redis_cluster import RedisCluster
from tests.testbed.role import Roles
from tests.testbed.waiting import until
from tests.views.partitions import applied_offsets, stored_fields
from tests.views.test_views_projector import Partitions, assert_same, run_rebuild

pytestmark = [pytest.mark.fault, pytest.mark.kafka, pytest.mark.timeout(300)]


@pytest_asyncio.fixture
async def views(fresh_backend: Backend) -> AsyncIterator[Partitions]:
    async with open_redis(fresh_backend.redis_settings) as redis:
        yield Partitions(fresh_backend, redis)


async def test_a_log_trimmed_up_to_the_changelog_is_not_needed(views: Partitions) -> None:
    await views.write(20_000)
    async with views.projecting():
        await views.caught_up()
        await views.flushed()
    before = await stored_fields(views.redis)
    progress = await views.changelog_progress()
    await trim(views.backend, progress)
    await views.redis.flushall()
    async with views.projecting():
        await views.caught_up()
        assert_same(await stored_fields(views.redis), before)


@pytest.mark.slow
async def test_a_log_that_begins_after_the_changelog_is_refused_until_somebody_asks_for_a_recount(
    views: Partitions,
) -> None:
    await views.write(3_000)
    async with views.projecting():
        await views.caught_up()
        await views.flushed()
        states = {article: fields.state for article, fields in (await stored_fields(views.redis)).items()}
    await views.write(3_000, seed=2)
    logs = await views.bounds()
    await trim(views.backend, {partition: bounds.end - 1 for partition, bounds in logs.items()})
    await views.redis.flushall()
    async with views.projecting() as projector:

        def is_refused() -> bool:
            return len([reason for reason in projector.unready() if "stands still" in reason]) == PARTITIONS

        await until(is_refused, "every partition to stand still")
    await run_rebuild(views.backend, recount=True)
    async with views.projecting():
        await views.caught_up()
        recounted = await stored_fields(views.redis)
        for article, state in states.items():
            assert recounted[article].state == state, "what the markers said is not lost"
        beacons = sum(fields.views + sum(fields.filtered.values()) for fields in recounted.values())
        assert beacons <= PARTITIONS * 20, "one batch a partition was left to count"
        await views.flushed()
    await views.redis.flushall()
    async with views.projecting():
        await views.caught_up()
        assert_same(await stored_fields(views.redis), recounted)


@pytest.mark.parametrize("under_load", [True, False], ids=["under load", "idle"])
async def test_a_fail_over_that_loses_the_last_writes_is_noticed_and_made_good(
    views: Partitions, under_load: bool
) -> None:
    cluster = views.backend.redis
    assert isinstance(cluster, RedisCluster)
    await views.write(5_000)
    async with views.projecting():
        await views.caught_up()
        master = cluster.master_of("{views-3}:live")
        replica = await asyncio.to_thread(cluster.cut_off, master)
        before = await applied_offsets(views.redis)
        await views.write(5_000, seed=2)
        await views.caught_up()
        ahead = await applied_offsets(views.redis)
        assert ahead[3] > before[3]
        writing = asyncio.create_task(views.write(5_000, seed=3, batch=2)) if under_load else None
        await asyncio.to_thread(cluster.fail_over, master, replica)
        if writing is not None:
            await writing
        await views.caught_up()
        await views.assert_exact()
        await views.flushed()
        await views.redis.flushall()
        await views.caught_up()
        await views.assert_exact()


async def test_five_projectors_that_come_and_go_count_every_beacon_once(views: Partitions) -> None:
    writing = asyncio.create_task(views.write(40_000, batch=4))
    async with views.projecting("0") as first:
        await until(lambda: not first.unready(), "the first to own everything")
        async with views.projecting("1"), views.projecting("2"), views.projecting("3"), views.projecting("4") as last:
            await until(lambda: bool(last.offsets), "the fifth to own something")
        async with views.projecting("1") as again:
            await until(lambda: bool(again.offsets), "the second to own something again")
        await writing
        await views.caught_up()
    await views.assert_exact()


@pytest.mark.slow
async def test_a_frozen_former_owner_that_comes_back_changes_nothing(views: Partitions, roles: Roles) -> None:
    settings = {"NEWS_VIEWS_FLUSH": "PT1S"}
    frozen = await roles.start("views-projector", instance="0", **settings)
    await views.write(10_000)
    await views.caught_up()
    writing = asyncio.create_task(views.write(10_000, seed=2, batch=2))
    frozen.freeze()
    await roles.start("views-projector", instance="1", **settings)
    await writing
    await views.caught_up()
    frozen.thaw()
    await views.write(3_000, seed=3, batch=2)
    await views.caught_up()
    await views.assert_exact()
    await views.flushed()
    for process in roles.processes:
        process.kill()
    await views.redis.flushall()
    await roles.start("views-projector", instance="2", **settings)
    await views.caught_up()
    await views.assert_exact()


async def trim(backend: Backend, offsets: dict[int, int]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=backend.kafka_bootstrap)
    await admin.start()
    try:
        await admin.delete_records(
            {
                TopicPartition(VIEWS, partition): RecordsToDelete(before_offset=offset)
                for partition, offset in offsets.items()
            }
        )
    finally:
        await admin.close()
