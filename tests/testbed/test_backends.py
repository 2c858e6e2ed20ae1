"""The servers that tests rely on do what the tests believe of them."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from time import monotonic, sleep

import psutil
import pytest
from redis import Redis

from news_shared.errors import TransientError
from news_shared.producer import open_producer
from news_shared.projection.log import PartitionLog
from news_shared.redis_client import open_redis
from news_shared.topics import ARTICLES, check_topics
from newsfeed.embedded import embedded_redis
from tests.testbed.apache_kafka import ApacheKafka
from tests.testbed.backends import PARTITIONS, Backend, backend_name
from tests.testbed.ports import reserved_port
from tests.testbed.redis_cluster import redis_cluster

_PARENT = """
import sys, time
from newsfeed.embedded import embedded_kafka, embedded_redis
with embedded_kafka(int(sys.argv[1])) as kafka, embedded_redis(int(sys.argv[2])) as redis:
    print(kafka.process.pid, redis.process.pid, flush=True)
    time.sleep(600)
"""


async def test_a_backend_has_its_topics_and_no_keys(fresh_backend: Backend) -> None:
    assert fresh_backend.name == backend_name()
    await check_topics(fresh_backend.kafka_settings, PARTITIONS)
    async with open_redis(fresh_backend.redis_settings) as redis:
        assert [key async for key in redis.scan_iter()] == []


async def test_records_and_keys_come_back_from_where_they_were_put(backend: Backend) -> None:
    async with open_producer(backend.kafka_settings) as producer, open_redis(backend.redis_settings) as redis:
        position = await producer.send(ARTICLES, partition=3, key=b"a", value=b"1")
        assert await redis.set("{a}", "1")
        assert await redis.get("{a}") == b"1"
    record = await PartitionLog(backend.kafka_settings, ARTICLES, 3).record_at(position.offset)
    assert record is not None
    assert record.value == b"1"


async def test_a_frozen_broker_answers_when_it_is_thawed(backend: Backend) -> None:
    impatient = backend.kafka_settings.model_copy(update={"request_timeout": timedelta(seconds=1)})
    backend.kafka.freeze()
    try:
        with pytest.raises(TransientError):
            await check_topics(impatient, PARTITIONS)
    finally:
        backend.kafka.thaw()
    await check_topics(backend.kafka_settings, PARTITIONS)


@pytest.mark.kafka
@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_kafka_keeps_its_records_over_a_restart(fresh_backend: Backend, how: str) -> None:
    kafka = fresh_backend.kafka
    assert isinstance(kafka, ApacheKafka)
    async with open_producer(fresh_backend.kafka_settings) as producer:
        position = await producer.send(ARTICLES, partition=0, key=b"a", value=b"1")
    kafka.kill() if how == "kill" else kafka.stop()
    kafka.start()
    record = await PartitionLog(fresh_backend.kafka_settings, ARTICLES, 0).record_at(position.offset)
    assert record is not None
    assert record.value == b"1"


def test_children_are_gone_after_their_parent_is_killed() -> None:
    ports = [str(reserved_port()), str(reserved_port())]
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, *ports], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = monotonic() + 10
    while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
        assert monotonic() < deadline, "the servers outlived their parent"
        sleep(0.02)


def test_an_embedded_server_that_was_killed_comes_back_empty_on_its_port() -> None:
    with embedded_redis(reserved_port()) as server:
        with Redis(host="127.0.0.1", port=server.port) as client:
            client.set("a", "1")
        server.kill()
        server.start()
        with Redis(host="127.0.0.1", port=server.port) as client:
            assert client.get("a") is None


@pytest.mark.kafka
def test_a_fail_over_with_the_replica_cut_off_loses_what_was_acknowledged_since() -> None:
    with redis_cluster() as cluster:
        master = cluster.master_of("{a}")
        cluster.node(master).set("{a}", "before")
        assert cluster.node(master).wait(1, 5000) == 1
        replica = cluster.cut_off(master)
        cluster.node(master).set("{a}", "after")
        cluster.fail_over(master, replica)
        assert cluster.master_of("{a}") == replica
        assert cluster.node(replica).get("{a}") == b"before"
