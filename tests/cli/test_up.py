"""``newsfeed up`` as a person meets it: one command, everything ready, nothing left behind."""

import html
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import psutil
import pytest

from newsfeed import tether
from newsfeed.newsroom import newsroom
from tests.testbed.backends import Fresh, backend_name
from tests.testbed.ports import reserved_block
from tests.testbed.waiting import until

NEWSROOM = newsroom(datetime.now(UTC))

pytestmark = pytest.mark.timeout(240)


class Up:
    """A running ``newsfeed up``."""

    def __init__(self, process: "subprocess.Popen[bytes]", ready_file: Path, log: Path) -> None:
        self.process = process
        self._ready_file = ready_file
        self._log = log

    @property
    def places(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._ready_file.read_text())
        return found

    @property
    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.said()
        return self._ready_file.exists()

    def said(self) -> str:
        return self._log.read_text()

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def newsfeed_up(folder: Path, *arguments: str) -> Iterator[Up]:
    ready_file, log = folder / "ready.json", folder / "log"
    command = [sys.executable, "-m", "newsfeed", "up", "--ready-file", str(ready_file), *arguments]
    with log.open("wb") as output:
        process = tether.start(command, output=output)
    try:
        yield Up(process, ready_file, log)
    except BaseException:
        print(log.read_text())  # pytest shows it
        raise
    finally:
        tether.kill(process)


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> list[str]:
    """Arguments that name the servers of the test backend; the embedded ones are started by the command itself."""
    if backend_name() == "embedded":
        return []
    fresh: Fresh = request.getfixturevalue("fresh_backends")
    return ["--kafka", fresh().kafka_bootstrap]


def is_over(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def test_everything_is_up_and_comes_back_and_stops_in_time(tmp_path: Path, servers: list[str]) -> None:
    base = reserved_block()
    with newsfeed_up(tmp_path, "--port-base", str(base), *servers) as up:
        await until(lambda: up.is_ready, "everything to be ready", seconds=120)
        await until(lambda: "loaded the sample newsroom" in up.said(), "the sample newsroom", seconds=60)
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            for service in ("web", "ingest", "views", "related", "feed"):
                assert (await client.get(f"{up.places[service]}/readyz")).status_code == 200

            async def newsroom_is_on_the_front_page() -> bool:
                page = (await client.get(f"{up.places['web']}/")).text
                return any(html.escape(str(article["title"])) in page for article in NEWSROOM.articles)

            await until(newsroom_is_on_the_front_page, "the newsroom on the front page", seconds=60)
            before = up.places["pids"]["feed-api"]
            os.kill(before, signal.SIGKILL)
            await until(lambda: up.places["pids"]["feed-api"] != before, "another process id in the ready file")

            async def feed_answers() -> bool:
                try:
                    return (await client.get(f"{up.places['feed']}/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(feed_answers, "the killed role to be ready again")
        children = up.descendants()
        assert len(children) >= len(up.places["pids"])
        begun = monotonic()
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(20) == 0
        assert monotonic() - begun < 10
        assert [child for child in children if not is_over(child)] == []
        assert not (tmp_path / "ready.json").exists()
        assert "curl" in up.said()


async def test_nothing_is_left_when_it_is_killed(tmp_path: Path, servers: list[str]) -> None:
    with newsfeed_up(tmp_path, "--port-base", str(reserved_block()), "--no-demo", *servers) as up:
        await until(lambda: len(up.descendants()) > 9, "the roles to be started", seconds=60)
        children = up.descendants()
        up.process.kill()
        await until(lambda: all(is_over(child) for child in children), "every process to be gone", seconds=10)


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
