"""Our roles as processes of their own, as in production: started, killed, frozen, and read when a test fails."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from newsfeed import tether
from newsfeed.roles import ROLES, Places, choose_places, role_environment
from tests.testbed import warm_start
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.ports import reserved_port
from tests.testbed.waiting import until
from tests.testbed.warm_start import WarmProcess

_SHOWN_LOG_BYTES = 20_000


class RoleProcess:
    """One process of a role; a restart keeps its port, its settings and its log."""

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], url: str, log: Path, *, warm: bool
    ) -> None:
        self.name = name
        self.url = url
        self.log = log
        self.environment = environment
        self._command = command
        self._warm = warm
        self._process: subprocess.Popen[bytes] | WarmProcess | None = None

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start it without waiting."""
        if self._warm:
            self._process = warm_start.start(self._command, log=self.log, environment=self.environment)
            return
        with self.log.open("ab") as log:
            self._process = tether.start(self._command, output=log, environment=self.environment)

    async def start(self, *, seconds: float = 60) -> None:
        """Start it and wait until it is ready."""
        self.launch()
        await self.ready(seconds=seconds)

    async def ready(self, *, seconds: float = 60) -> None:
        """Wait until ``/readyz`` says yes; a process that ended instead is an error with its last lines."""
        async with plain_client(timeout=2) as client:

            async def is_ready() -> bool:
                if not self.is_alive:
                    raise RuntimeError(f"{self.name} ended with exit code {self._running.returncode}: {self.said()}")
                try:
                    return (await client.get(f"{self.url}/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(is_ready, f"{self.name} to be ready", seconds=seconds, every=0.05)

    async def ended(self, *, seconds: float = 30) -> int:
        """Wait until it ends by itself, for example at a crash point; returns the exit code."""
        await until(lambda: not self.is_alive, f"{self.name} to end", seconds=seconds)
        tether.release(self.pid)
        code = self._running.poll()
        assert code is not None
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, and do not wait."""
        self._running.send_signal(number)

    async def stop(self, *, seconds: float = 10) -> int:
        """SIGTERM, and wait until it has drained; returns the exit code."""
        self._running.terminate()
        return await self.ended(seconds=seconds)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone, with all that it started."""
        if self.is_alive:
            os.killpg(self.pid, signal.SIGKILL)
            running = self._running
            if isinstance(running, WarmProcess):
                running.kill()
            else:
                tether.kill(running)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, heartbeats end."""
        running = self._running
        if isinstance(running, WarmProcess):
            running.freeze()
        else:
            tether.freeze(running)

    def thaw(self) -> None:
        """SIGCONT."""
        self._running.send_signal(signal.SIGCONT)

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-_SHOWN_LOG_BYTES:] if self.log.exists() else ""

    @property
    def _running(self) -> "subprocess.Popen[bytes] | WarmProcess":
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started.")
        return self._process


class Roles:
    """The processes of one test, all on one backend."""

    def __init__(self, backend: Backend, folder: Path, *, warm: bool) -> None:
        self._backend = backend
        self._warm = warm
        self._folder = folder
        self.processes: list[RoleProcess] = []
        self.places: Places = choose_places(
            port_base=0,
            kafka=backend.kafka_bootstrap,
            redis=backend.redis_url,
            host="127.0.0.1",
            free_port=lambda _preferred: reserved_port(),
        )

    def make(self, name: str, *, instance: str = "0", **settings: str) -> RoleProcess:
        """A process that is not started yet.

        Args:
            name: of the role, for example ``views-projector``.
            instance: tells copies of the role apart; only the first is at the address that the web is told.
            settings: variables beyond the backend's, for example ``NEWS_CRASH_AT="views.after-commit"``.
        """
        role = next(role for role in ROLES if role.name == name)
        port = self.places.ports[name] if instance == "0" else reserved_port()
        surroundings = {key: value for key, value in os.environ.items() if not key.startswith("NEWS_")}
        environment = {
            **role_environment(role, self.places, surroundings | self._backend.environment),
            "NEWS_PORT": str(port),
            "NEWS_INSTANCE": instance,
            **settings,
        }
        title = f"{name}-{instance}"
        process = RoleProcess(
            title,
            role.command,
            environment,
            f"http://127.0.0.1:{port}",
            self._folder / f"{title}.log",
            warm=self._warm,
        )
        self.processes.append(process)
        return process

    async def start(self, name: str, *, instance: str = "0", **settings: str) -> RoleProcess:
        """A process that is ready; see `make`."""
        process = self.make(name, instance=instance, **settings)
        await process.start()
        return process

    async def start_all(self, **settings: str) -> dict[str, RoleProcess]:
        """Every role once, started side by side, all ready; by the name of the role."""
        processes = {role.name: self.make(role.name, **settings) for role in ROLES}
        for process in processes.values():
            process.launch()
        for process in processes.values():
            await process.ready()
        return processes

    def kill_all(self) -> None:
        for process in reversed(self.processes):
            process.kill()


_open: list[Roles] = []


@contextmanager
def running_roles(backend: Backend, folder: Path, *, warm: bool = False) -> Iterator[Roles]:
    """Roles on a backend; whatever runs at the end is killed. Their logs are shown when a test fails meanwhile.

    Args:
        warm: see `warm_start`; where that is not possible they start cold.
    """
    roles = Roles(backend, folder, warm=warm and warm_start.IS_POSSIBLE)
    _open.append(roles)
    try:
        yield roles
    finally:
        _open.remove(roles)
        roles.kill_all()


def logs_of_running_roles() -> list[tuple[str, str]]:
    """Name and end of log of every process of the tests that run now."""
    return [(process.name, process.said()) for roles in _open for process in roles.processes]
