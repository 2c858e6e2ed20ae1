"""Roles that start warm: forked from a process that has imported the libraries, which is most of a start's CPU.

What is forked runs as ``python -m`` would run it: the role's own modules are imported after the fork, into its own
session, environment and log. Benchmarks start cold, since what is forked shares memory. Linux only; elsewhere, where
libraries are not safe after a fork, every start is cold.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from newsfeed import tether

IS_POSSIBLE: Final = sys.platform == "linux"
_LIBRARIES: Final = (
    "aiohttp",
    "aiokafka",
    "aiokafka.admin",
    "babel.dates",
    "babel.numbers",
    "crawleruseragents",
    "fastapi",
    "ftfy",
    "h2.connection",
    "httpcore",
    "httpx",
    "jinja2",
    "lxml.etree",
    "lxml.html",
    "msgpack",
    "multiprocessing.pool",
    "nh3",
    "numpy",
    "orjson",
    "prometheus_client",
    "pydantic.v1",
    "pydantic_settings",
    "redis.asyncio.cluster",
    "structlog",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "w3lib.url",
)
_SHORT_SECONDS: Final = 0.01
_LONGEST: Final = 1 << 20
_PR_SET_PDEATHSIG: Final = 1


class WarmProcess:
    """A forked role, with what its tests use of `subprocess.Popen`: it is no child of ours, so that its exit code comes
    from the process that forked it."""

    def __init__(self, nursery: "_Nursery", pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it lives."""
        if self.returncode is None:
            self.returncode = self._nursery.exit_code(self.pid)
        return self.returncode

    def wait(self) -> int:
        """Wait until it has ended."""
        while (code := self.poll()) is None:
            self._nursery.wait_for_news()
        return code

    def send_signal(self, number: int) -> None:
        """As Popen's: nothing happens to one that has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.send_signal(signal.SIGKILL)
        self.wait()
        tether.release(self.pid)

    def freeze(self) -> None:
        """SIGSTOP, and wait until all its threads have stopped."""
        self.send_signal(signal.SIGSTOP)
        while self.poll() is None and not _is_stopped(self.pid):
            time.sleep(_SHORT_SECONDS)


def start(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> WarmProcess:
    """Start a role.

    Args:
        command: a Python, ``-m``, a module and its arguments.
        log: to which it appends what it says.
        environment: all of it.
    """
    python, dash_m, *module_and_arguments = command
    if python != sys.executable or dash_m != "-m":
        raise ValueError(f"only a module of this Python starts warm, not {command}")
    return _nursery.fork(module_and_arguments, log, environment)


def _is_stopped(pid: int) -> bool:
    states = [task.read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(state == "T" for state in states)


class _Nursery:
    """The process that forks, started with the first role and kept as long as this one lives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._started: list[int] = []
        self._ended: dict[int, int] = {}

    def fork(self, module_and_arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> WarmProcess:
        request = {"module": module_and_arguments, "log": str(log), "environment": dict(environment)}
        with self._lock:
            self._opened().sendall(json.dumps(request).encode())
            while not self._started:
                self._receive()
            pid = self._started.pop()
        tether.adopt(pid)
        return WarmProcess(self, pid)

    def exit_code(self, pid: int) -> int | None:
        with self._lock:
            while self._has_news(0):
                self._receive()
            return self._ended.pop(pid, None)

    def wait_for_news(self) -> None:
        with self._lock:
            self._has_news(_SHORT_SECONDS)

    def _opened(self) -> socket.socket:
        if self._control is None:
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                fd = theirs.fileno()
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.testbed.warm_start", str(fd)],
                    pass_fds=(fd,),
                    stdin=subprocess.DEVNULL,
                )
            atexit.register(self._close)
        return self._control

    def _has_news(self, seconds: float) -> bool:
        assert self._control is not None
        return bool(select.select([self._control], [], [], seconds)[0])

    def _receive(self) -> None:
        assert self._control is not None
        news = json.loads(self._control.recv(_LONGEST) or b'["nothing, for it has ended itself"]')
        match news:
            case ["started", pid]:
                self._started.append(pid)
            case ["ended", pid, code]:
                self._ended[pid] = code
            case _:
                raise RuntimeError(f"The process that forks roles said {news}.")

    def _close(self) -> None:
        if self._control is not None and self._process is not None:
            self._control.close()  # which it takes as its end
            self._process.wait()


_nursery = _Nursery()


def _fork_what_is_asked_for(control: socket.socket) -> dict[str, Any]:
    """Fork for each request, and say who has ended; comes back in a forked process only, with its request."""
    news, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # written to the pipe
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # of a terminal; the end comes by the socket
    while True:
        readable, _, _ = select.select([control.fileno(), news], [], [])
        if news in readable:
            os.read(news, 4096)
            while (ended := _reaped()) is not None:
                control.sendall(json.dumps(["ended", *ended]).encode())
        if control.fileno() in readable:
            request = control.recv(_LONGEST)
            if not request:
                os._exit(0)  # nothing here to tidy up
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                os.close(news)
                os.close(wakes)
                control.close()
                return dict(json.loads(request))
            control.sendall(json.dumps(["started", pid]).encode())


def _reaped() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None


def _become(request: Mapping[str, Any]) -> None:
    """What the kernel and Python do for a new process, as far as a role can tell; then run it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    for name in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)
    os.environ.clear()
    os.environ.update(request["environment"])
    module, *arguments = request["module"]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    """The process that forks: imports, then waits for requests on the socket whose number it is given."""
    for library in _LIBRARIES:
        importlib.import_module(library)
    gc.collect()
    gc.freeze()  # so that a forked process's collections leave shared pages alone
    _become(_fork_what_is_asked_for(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
