"""The publisher's own faults: a Redis that went back, a trimmed log of submissions, an owner that was frozen."""

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from news_shared.article_ids import article_id, partition_of
from news_shared.projection.log import PartitionLog
from news_shared.redis_client import open_redis
from news_shared.topics import SUBMISSIONS
from tests.faults.posting import assert_invariants, events_in_the_log, posting
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.redis_cluster import RedisCluster
from tests.testbed.role import Roles
from tests.testbed.waiting import until

pytestmark = [pytest.mark.fault, pytest.mark.kafka, pytest.mark.timeout(240)]


async def test_submissions_trimmed_up_to_the_checkpoint_are_not_needed_when_redis_is_lost(
    roles: Roles, fresh_backend: Backend
) -> None:
    await roles.start("ingest-api")
    publisher = await roles.start("ingest-publisher")
    async with posting(roles) as poster:
        await poster.post("a", 1)
        await poster.post("a", 2)
        await until(lambda: poster.has_revision("a", 2), "the second revision")
        publisher.kill()
        await delete_all_submissions(fresh_backend)
        async with open_redis(fresh_backend.redis_settings) as redis:
            await redis.flushall()
        await publisher.start()
        await poster.post("a", 2)  # the feed lists it again: nothing new
        await poster.post("a", 3)
        poster.expected["a"] = "a version 3"
        await until(lambda: poster.has_revision("a", 3), "the next revision")
    assert_invariants(await events_in_the_log(fresh_backend), poster.expected)


async def test_a_fail_over_that_loses_decisions_decides_nothing_twice(roles: Roles, fresh_backend: Backend) -> None:
    cluster = fresh_backend.redis
    assert isinstance(cluster, RedisCluster)
    partition = partition_of(article_id("fault", "a"), PARTITIONS)
    key = f"{{ingest-{partition}}}:1:state:{SUBMISSIONS}:{partition}"
    await roles.start("ingest-api")
    await roles.start("ingest-publisher")
    async with posting(roles) as poster:
        await poster.post("a", 1)
        await until(lambda: poster.has_revision("a", 1), "the first revision")
        master = cluster.master_of(key)
        replica = await asyncio.to_thread(cluster.cut_off, master)
        await poster.post("a", 2)
        await until(lambda: poster.has_revision("a", 2), "the revision that Redis will forget")
        decided = int(cluster.node(master).hget(key, "next"))
        await asyncio.to_thread(cluster.fail_over, master, replica)
        await poster.post("a", 2)
        await poster.post("a", 3)
        poster.expected["a"] = "a version 3"
        await until(lambda: poster.has_revision("a", 3), "the revision after the fail-over", seconds=60)
        assert decided < int(cluster.node(replica).hget(key, "next"))
    assert_invariants(await events_in_the_log(fresh_backend), poster.expected)


async def test_a_frozen_former_owner_that_comes_back_changes_nothing(roles: Roles, fresh_backend: Backend) -> None:
    await roles.start("ingest-api")
    frozen = await roles.start("ingest-publisher", instance="0")
    async with posting(roles) as poster:
        for n in range(30):
            await poster.post(f"a{n}", 1)
        await until(lambda: poster.has_revision("a29", 1), "the first revisions")
        await asyncio.gather(*(poster.post(f"a{n}", 2) for n in range(30)))
        frozen.freeze()  # with some of them in hand
        await roles.start("ingest-publisher", instance="1")
        for n in range(30):
            await poster.post(f"a{n}", 3)
            poster.expected[f"a{n}"] = f"a{n} version 3"

        async def all_decided() -> bool:
            outcomes = [await poster.outcome(guid) for guid in poster.expected]
            return all(outcome.get("version") == "3" for outcome in outcomes)

        await until(all_decided, "the other publisher to decide", seconds=60)
        before = await events_in_the_log(fresh_backend)
        frozen.thaw()
        await frozen.ready()
        await poster.post("a0", 4)
        poster.expected["a0"] = "a0 version 4"

        async def updated() -> bool:
            return (await poster.outcome("a0")).get("version") == "4"

        await until(updated, "an update after the thaw", seconds=60)
    after = await events_in_the_log(fresh_backend)
    assert {key: after[key] for key in before if key != article_id("fault", "a0")} == {
        key: events for key, events in before.items() if key != article_id("fault", "a0")
    }
    assert_invariants(after, poster.expected)


async def delete_all_submissions(backend: Backend) -> None:
    """As retention does when it has caught up with the publisher."""
    ends = {}
    for partition in range(PARTITIONS):
        bounds = await PartitionLog(backend.kafka_settings, SUBMISSIONS, partition).bounds()
        ends[TopicPartition(SUBMISSIONS, partition)] = RecordsToDelete(before_offset=bounds.end)
    admin = AIOKafkaAdminClient(bootstrap_servers=backend.kafka_bootstrap)
    await admin.start()
    try:
        await admin.delete_records(ends)
    finally:
        await admin.close()
