"""The file that tells other programs where everything is, once it is ready."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from newsfeed.roles import PEERS, ROLES, Places


class ReadyFile:
    """Appears in one piece when all is ready, follows the process ids, and goes when we stop."""

    def __init__(self, path: Path | None, places: Places, admin_key: str) -> None:
        self._path = path
        self._places = places
        self._admin_key = admin_key
        self._is_written = False

    def write(self, pids: Mapping[str, int]) -> None:
        """Write it, with the process ids of all programs."""
        self._is_written = True
        if self._path is None:
            return
        content = {
            "web": self._places.url("web"),
            **{peer: self._places.url(f"{peer}-api") for peer in PEERS},
            "roles": {role.name: self._places.url(role.name) for role in ROLES},
            "kafka": self._places.kafka,
            "redis": self._places.redis,
            "admin_key": self._admin_key,
            "pids": {role.name: pids[role.name] for role in ROLES},
        }
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        beside.unlink(missing_ok=True)
        beside.touch(mode=0o600)  # the admin key is in it
        beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        beside.replace(self._path)

    def rewrite(self, pids: Mapping[str, int]) -> None:
        """Write it again if it was written: a program has another process id."""
        if self._is_written:
            self.write(pids)

    def remove(self) -> None:
        """It says nothing true any more."""
        self._is_written = False
        if self._path is not None:
            self._path.unlink(missing_ok=True)


@contextmanager
def ready_file(path: Path | None, places: Places, admin_key: str) -> Iterator[ReadyFile]:
    """The file, not written yet; an old one is removed now, the new one at the end."""
    file = ReadyFile(path, places, admin_key)
    file.remove()
    try:
        yield file
    finally:
        file.remove()
