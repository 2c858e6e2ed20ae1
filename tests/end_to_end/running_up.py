"""``newsfeed up`` as a child process, with the addresses that it writes to its ready file."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from tests.testbed.backends import Backend
from tests.testbed.ports import reserved_block


class Up:
    """A running newsfeed."""

    def __init__(self, process: "subprocess.Popen[bytes]", ready_file: Path, log: Path) -> None:
        self.process = process
        self.log = log
        self._ready_file = ready_file

    @property
    def ready(self) -> dict[str, Any]:
        return dict(json.loads(self._ready_file.read_text()))

    @property
    def is_announced(self) -> bool:
        """Whether the ready file is there."""
        return self._ready_file.exists()

    def wait_until_ready(self, seconds: float = 90) -> None:
        deadline = monotonic() + seconds
        while not self.is_announced:
            if self.process.poll() is not None or monotonic() > deadline:
                raise RuntimeError(f"newsfeed up is not ready: {self.log.read_text()[-5000:]}")
            sleep(0.05)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def assert_gone(processes: list[psutil.Process], seconds: float = 15) -> None:
    deadline = monotonic() + seconds
    while left := [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
        assert monotonic() < deadline, f"left behind: {[' '.join(p.cmdline()) for p in left]}"
        sleep(0.05)


@contextmanager
def newsfeed_up(folder: Path, *arguments: str, backend: Backend | None = None, **settings: str) -> Iterator[Up]:
    """Start it; on the given backend's servers, or on embedded ones of its own."""
    ready_file, log = folder / "ready.json", folder / "up.log"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NEWS_")}
    places = ["--ready-file", str(ready_file), "--port-base", str(reserved_block())]
    command = [sys.executable, "-m", "newsfeed", "up", *places, *arguments]
    if backend is not None:
        command += ["--kafka", backend.kafka_bootstrap, "--redis", backend.redis_url]
        environment |= backend.environment
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment | settings, stdout=output, stderr=output)
    up = Up(process, ready_file, log)
    children: list[psutil.Process] = []
    try:
        up.wait_until_ready()
        children = up.children()
        yield up
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert_gone(children)
