"""A process that waits at its start: it ends when it is told to, as at any other time."""

import signal
from pathlib import Path

import pytest

from tests.testbed.backends import Backend
from tests.testbed.role import Roles, running_roles
from tests.testbed.waiting import until

NOBODY = "127.0.0.1:1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("role", ["feed-projector", "ingest-publisher"])
async def test_a_process_that_waits_for_kafka_ends_when_told_to(
    backend: Backend, role: str, number: signal.Signals, tmp_path: Path
) -> None:
    with running_roles(backend, tmp_path) as roles:
        process = roles.make(role, NEWS_KAFKA_BOOTSTRAP=NOBODY)
        process.launch()
        await until(lambda: "waiting for Kafka" in process.said(), "it to wait")
        process.send_signal(number)
        assert await process.ended(seconds=10) == (0 if number == signal.SIGINT else -signal.SIGTERM)
        assert "Traceback" not in process.said()


async def test_a_start_that_fails_is_told_apart(roles: Roles) -> None:
    process = roles.make("feed-projector", NEWS_PARTITIONS="5")
    process.launch()
    assert await process.ended() == 3
    assert "NEWS_PARTITIONS is 5" in process.said()
