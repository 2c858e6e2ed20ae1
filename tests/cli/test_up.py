"""Ends of ``newsfeed up`` that are not asked for, and starts that cannot be; a whole run is in tests/end_to_end."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from newsfeed import tether
from newsfeed.roles import ROLES
from tests.testbed.backends import Fresh, backend_name
from tests.testbed.ports import reserved_block
from tests.testbed.waiting import until

pytestmark = pytest.mark.timeout(240)
STDOUT = 1


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> list[str]:
    """Arguments that name the servers of the test backend; the embedded ones are started by the command itself."""
    if backend_name() == "embedded":
        return []
    fresh: Fresh = request.getfixturevalue("fresh_backends")
    return ["--kafka", fresh().kafka_bootstrap]


def is_over(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def test_nothing_is_left_when_it_is_killed(servers: list[str]) -> None:
    command = [sys.executable, "-m", "newsfeed", "up", "--port-base", str(reserved_block()), "--no-demo", *servers]
    process = tether.start(command, output=STDOUT)  # shown when this fails
    try:
        up = psutil.Process(process.pid)
        its_servers = 1 if servers else 2
        everything = len(ROLES) + its_servers + 1  # what kills them all is among them
        await until(lambda: len(up.children(recursive=True)) >= everything, "all to be started", seconds=60)
        children = up.children(recursive=True)
        process.kill()
        await until(lambda: all(is_over(child) for child in children), "every process to be gone", seconds=10)
    finally:
        tether.kill(process)


async def test_it_stops_when_nobody_reads_its_log_any_more(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "newsfeed", "up", "--port-base", str(reserved_block()), "--no-demo"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        with process.stdout:
            assert "starting" in process.stdout.readline().decode()
        await until(lambda: process.poll() is not None, "the end", seconds=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0


def test_an_option_that_makes_no_sense_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "newsfeed", "up", "--port-base", "70000"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "port-base" in done.stderr


def test_a_setting_that_is_wrong_is_named_before_anything_starts() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "newsfeed", "up"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NEWS_PARTITIONS": "many"},
    )
    assert done.returncode == 1
    assert "NEWS_PARTITIONS" in done.stderr
