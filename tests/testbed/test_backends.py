"""The servers that tests rely on do what the tests believe of them."""

import os
import signal
import subprocess
import sys
from time import monotonic, sleep

import psutil
import pytest
from redis import Redis

from newsfeed.embedded import embedded_redis
from tests.testbed.backends import Backend, backend_name
from tests.testbed.redis_cluster import redis_cluster

_PARENT = """
import sys, time
from newsfeed.embedded import embedded_kafka, embedded_redis
with embedded_kafka() as kafka, embedded_redis() as redis:
    print(kafka.process.pid, redis.process.pid, flush=True)
    time.sleep(600)
"""


def test_the_backend_has_its_topics_and_no_keys(backend: Backend) -> None:
    assert backend.name == backend_name()


def test_children_are_gone_after_their_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True)
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
    with embedded_redis() as server:
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
