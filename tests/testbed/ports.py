"""Ports that belong to one test process: no other test, and no outgoing connection, takes them in between."""

import fcntl
import random
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_FIRST, _LAST = 10_000, 30_000  # below those that the kernel gives to outgoing connections
_BLOCK = 100  # `newsfeed up` spreads over as many
_FOLDER = Path(tempfile.gettempdir()) / "newsfeed-test-ports"

_locks: list[IO[bytes]] = []  # held until this process ends, however it ends
_left: list[int] = []


def reserved_port() -> int:
    """A port for a server of this process; servers may come back to it after they were killed."""
    while not _left or not _is_free(_left[-1]):
        if not _left:
            first = reserved_block()
            _left[:] = range(first, first + _BLOCK)
        else:
            _left.pop()
    return _left.pop()


def reserved_block() -> int:
    """The first of a hundred ports in a row, for ``newsfeed up --port-base``."""
    for first in _in_random_order():
        lock = (_FOLDER / str(first)).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        _locks.append(lock)
        return first
    raise RuntimeError("Other test processes have reserved every block of ports.")


def _in_random_order() -> Iterator[int]:
    _FOLDER.mkdir(exist_ok=True)
    blocks = list(range(_FIRST, _LAST, _BLOCK))
    random.shuffle(blocks)  # what listens here for other reasons is met rarely
    yield from blocks


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
