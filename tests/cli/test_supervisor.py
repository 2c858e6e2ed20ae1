"""The supervisor with tiny programs: kept alive, shown line by line, stopped in reverse, none left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from newsfeed.supervisor import Patience, Program, ProgramFailedError, Supervisor
from tests.testbed.waiting import until

GRACE = timedelta(seconds=5)
QUICK = Patience(
    first_delay=timedelta(milliseconds=10), longest_delay=timedelta(milliseconds=50), attempts_to_be_ready=3
)

WAITS = "import signal; signal.pause()"
TELLS_WHEN_IT_STOPS = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # or one that comes just before the wait would be missed
print("runs", flush=True)
signal.sigwait({signal.SIGTERM})
print("stops", flush=True)
"""
IS_DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("runs", flush=True)
while True:
    signal.pause()
"""
HAS_A_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(child.pid, flush=True)
child.wait()
"""


class Log:
    """What a supervisor shows."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def show(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def of(self, name: str) -> list[str]:
        return [line for who, line in self.lines if who == name]


async def at_once() -> bool:
    return True


async def never() -> bool:
    return False


def program(name: str, code: str, log: Log, *, waits_for: str | None = None, restarts: bool = True) -> Program:
    async def is_ready() -> bool:
        return waits_for is None or waits_for in log.of(name)

    return Program(name, [sys.executable, "-c", code], os.environ, is_ready, restarts=restarts)


def supervisor(log: Log, *, on_restart: Callable[[], None] = lambda: None, patience: Patience = QUICK) -> Supervisor:
    return Supervisor(log.show, on_restart=on_restart, patience=patience)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_program_that_was_killed_runs_again_under_another_id() -> None:
    log, restarts = Log(), asyncio.Event()
    one = supervisor(log, on_restart=restarts.set)
    async with one.running([program("a", WAITS, log)], grace=GRACE):
        for _ in range(4):  # more often than it may fail before it was ready for the first time
            restarts.clear()
            before = one.pids["a"]
            os.kill(before, signal.SIGKILL)
            await asyncio.wait_for(restarts.wait(), 10)
            assert one.pids["a"] != before
        last = one.pids["a"]
    assert is_gone(last)
    assert log.of("a")[0] == "was killed by SIGKILL; started again in 0.01 s"
    assert log.of("a")[3] == "was killed by SIGKILL; started again in 0.05 s", "the delay grows up to its bound"


async def test_what_a_killed_program_left_behind_is_killed_too() -> None:
    log, restarts = Log(), asyncio.Event()
    one = supervisor(log, on_restart=restarts.set)
    async with one.running([program("a", HAS_A_CHILD, log)], grace=GRACE):
        await until(lambda: bool(log.of("a")), "the child's id")
        os.kill(one.pids["a"], signal.SIGKILL)
        await asyncio.wait_for(restarts.wait(), 10)
        assert is_gone(int(log.of("a")[0]))


async def test_every_line_is_shown_under_its_program_also_without_an_end_and_beyond_utf_8() -> None:
    log = Log()
    code = "import sys; sys.stdout.buffer.write('одне\\n'.encode() + b'\\xff\\nx'); sys.stdout.flush(); sys.exit(3)"
    with pytest.raises(ProgramFailedError, match="exit code 3"):
        async with supervisor(log).running([program("a", code, log, waits_for="never")], grace=GRACE):
            pass
    assert log.of("a")[:3] == ["одне", "\ufffd", "x"]


async def test_a_line_without_end_comes_in_pieces() -> None:
    log = Log()
    code = "print('x' * 300_000, flush=True); import signal; signal.pause()"
    async with supervisor(log).running([program("a", code, log)], grace=GRACE):
        await until(lambda: sum(map(len, log.of("a"))) == 300_000, "all of it")
    assert len(log.of("a")) > 1


async def test_what_starts_within_starts_after_the_outer_is_ready_and_stops_before_it() -> None:
    log = Log()
    one = supervisor(log)
    async with AsyncExitStack() as stack:
        for name in ("first", "second"):
            one_by_one = one.running([program(name, TELLS_WHEN_IT_STOPS, log, waits_for="runs")], grace=GRACE)
            await stack.enter_async_context(one_by_one)
    assert log.lines == [("first", "runs"), ("second", "runs"), ("second", "stops"), ("first", "stops")]


async def test_stages_start_side_by_side_and_the_last_stops_first() -> None:
    log = Log()
    names = ("first", "second", "third")
    stages = [[program(name, TELLS_WHEN_IT_STOPS, log, waits_for="runs")] for name in names]
    async with supervisor(log).running(*stages, grace=GRACE):
        pass
    assert sorted(log.lines[:3]) == [(name, "runs") for name in names]
    assert log.lines[3:] == [(name, "stops") for name in reversed(names)]


async def test_one_that_does_not_stop_is_killed_when_its_grace_is_over() -> None:
    log = Log()
    one = supervisor(log)
    async with one.running([program("a", IS_DEAF, log, waits_for="runs")], grace=timedelta(milliseconds=100)):
        pid = one.pids["a"]
    assert is_gone(pid)
    assert log.of("a")[-1] == "does not stop within 0.1 s and is killed"


async def test_one_that_is_frozen_stops_too() -> None:
    log = Log()
    one = supervisor(log)
    async with one.running([program("a", TELLS_WHEN_IT_STOPS, log, waits_for="runs")], grace=GRACE):
        os.kill(one.pids["a"], signal.SIGSTOP)
    assert log.of("a") == ["runs", "stops"]


async def test_one_that_never_becomes_ready_is_an_error_that_names_it_and_stops_the_others() -> None:
    log = Log()
    one = supervisor(log)
    programs = [program("well", WAITS, log), program("ill", "raise SystemExit(7)", log, waits_for="never")]
    with pytest.raises(ProgramFailedError, match=r"ill ended with exit code 7, 3 times without ever being ready"):
        async with one.running(programs, grace=GRACE):
            pass
    assert one.pids == {}


async def test_one_that_lives_but_is_never_ready_is_an_error_too() -> None:
    log = Log()
    one = supervisor(log, patience=Patience(ready=timedelta(milliseconds=300)))
    with pytest.raises(ProgramFailedError, match=r"a was not ready after 0 s"):
        async with one.running([Program("a", [sys.executable, "-c", WAITS], os.environ, never)], grace=GRACE):
            pass


async def test_the_death_of_one_that_cannot_be_restarted_ends_the_wait() -> None:
    log = Log()
    one = supervisor(log)
    async with one.running([program("a", WAITS, log, restarts=False)], grace=GRACE):
        os.kill(one.pids["a"], signal.SIGKILL)
        with pytest.raises(ProgramFailedError, match=r"a was killed by SIGKILL, and what it held is lost"):
            await asyncio.wait_for(one.wait(), 10)


_SUPERVISES = """
import asyncio, os, sys
from datetime import timedelta
from newsfeed.supervisor import Program, Supervisor

async def at_once():
    return True

async def main():
    one = Supervisor(lambda name, line: print(line, flush=True), on_restart=lambda: None)
    programs = [Program(n, [sys.executable, "-c", sys.argv[1]], os.environ, at_once) for n in "ab"]
    async with one.running(programs, grace=timedelta(seconds=5)):
        print(*one.pids.values(), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_no_process_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        parent = subprocess.Popen([sys.executable, "-c", _SUPERVISES, HAS_A_CHILD], stdout=output)
    await until(lambda: len(log.read_text().split()) == 4, "two children and two grandchildren")
    descendants = [int(pid) for pid in log.read_text().split()]
    assert not any(is_gone(pid) for pid in descendants)
    guards = [child.pid for child in psutil.Process(parent.pid).children() if child.pid not in descendants]
    assert len(guards) == 1
    parent.kill()
    parent.wait()
    await until(lambda: all(is_gone(pid) for pid in [*descendants, *guards]), "every process to be gone", seconds=10)
