"""A backup as one file: a header, the records of the topics, and at the end a manifest without which it is none.

gzip over a stream of msgpack. The header is a map. A record is ``[topic, partition, offset, timestamp in ms, key,
value, [[header, bytes], …]]`` with the topic as its place in the header. The manifest is a map with the SHA-256 of all
before it.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgpack

from news_shared.clock import rfc3339
from news_shared.errors import PoisonError
from news_shared.topics import MAX_RECORD_BYTES

_FORMAT: Final = "newsfeed-backup"
_VERSION: Final = 1
_MAX_BYTES: Final = 2 * MAX_RECORD_BYTES
_DATA_READ: Final = 1024 * 1024


@dataclass(frozen=True)
class Saved:
    """A record as it stood in its topic."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class Header:
    """What all of a backup has in common."""

    partitions: int
    taken_at: str
    topics: tuple[str, ...]


@dataclass
class Manifest:
    """What a whole backup holds.

    Attributes:
        records: of each topic, how many in each partition.
        starts: of each topic whose offsets others name, the offset in each partition that becomes 0.
    """

    records: dict[str, list[int]] = field(default_factory=dict)
    starts: dict[str, list[int]] = field(default_factory=dict)


class BackupWriter:
    """Writes a backup; make it with `writing_backup`."""

    def __init__(self, stream: Any, header: Header) -> None:
        self._stream = stream
        self._header = header
        self._places = {topic: place for place, topic in enumerate(header.topics)}
        self._sum = hashlib.sha256()
        self.manifest = Manifest({topic: [0] * header.partitions for topic in header.topics})
        self._write(
            {
                "format": _FORMAT,
                "version": _VERSION,
                "partitions": header.partitions,
                "taken_at": header.taken_at,
                "topics": list(header.topics),
            }
        )

    def add(self, record: Saved) -> None:
        """Append a record."""
        headers = [[name, value] for name, value in record.headers]
        place = self._places[record.topic]
        self._write([place, record.partition, record.offset, record.timestamp_ms, record.key, record.value, headers])
        self.manifest.records[record.topic][record.partition] += 1

    def finish(self) -> None:
        """Append the manifest."""
        manifest = {"records": self.manifest.records, "starts": self.manifest.starts, "sha256": self._sum.hexdigest()}
        self._stream.write(msgpack.packb(manifest))

    def _write(self, content: object) -> None:
        packed: bytes = msgpack.packb(content)
        self._sum.update(packed)
        self._stream.write(packed)


@contextmanager
def writing_backup(path: Path, *, partitions: int, topics: Sequence[str], now: datetime) -> Iterator[BackupWriter]:
    """A backup that gets its name when it is whole and on disk; until then it is ``<name>.partial``.

    Only its owner may read it: it holds texts under embargo and withdrawn ones, and hashes of keys.
    """
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=5) as stream:
            writer = BackupWriter(stream, Header(partitions, rfc3339(now), tuple(topics)))
            yield writer
            writer.finish()
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class BackupReader:
    """Reads a backup that was found to be whole.

    Raises:
        PoisonError: it is none, or a part of one, or damaged; nothing of it may be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.header = self._read_header()
            self.manifest = self._checked()
        except (LookupError, TypeError) as error:
            raise PoisonError(f"{path} is damaged: {error!r}") from error

    def __iter__(self) -> Iterator[Saved]:
        """The records in the order in which they were saved."""
        for content, _ in self._contents():
            if isinstance(content, list):
                topic, partition, offset, timestamp_ms, key, value, headers = content
                pairs = [(name, bytes(said)) for name, said in headers]
                yield Saved(self.header.topics[topic], partition, offset, timestamp_ms, key, value, pairs)

    def _read_header(self) -> Header:
        header, _ = next(self._contents(), (None, b""))
        if not isinstance(header, dict) or header.get("format") != _FORMAT:
            raise PoisonError(f"{self._path} is no backup of newsfeed")
        if header.get("version") != _VERSION:
            said = header.get("version")
            raise PoisonError(f"{self._path} has version {said}; this newsfeed reads version {_VERSION}")
        return Header(header["partitions"], header["taken_at"], tuple(header["topics"]))

    def _checked(self) -> Manifest:
        digest = hashlib.sha256()
        counted = {topic: [0] * self.header.partitions for topic in self.header.topics}
        last: Any = None
        for content, packed in self._contents():
            if isinstance(last, dict) and "sha256" in last:
                raise PoisonError(f"{self._path} goes on after its end: it is damaged")
            last = content
            if isinstance(content, list):
                counted[self.header.topics[content[0]]][content[1]] += 1
            if not (isinstance(content, dict) and "sha256" in content):
                digest.update(packed)
        if not isinstance(last, dict) or "sha256" not in last:
            raise PoisonError(f"{self._path} ends too early: it is a part of a backup. Take another one.")
        if last["sha256"] != digest.hexdigest() or last["records"] != counted:
            raise PoisonError(f"{self._path} is damaged: it does not hold what its manifest says")
        return Manifest(last["records"], last["starts"])

    def _contents(self) -> Iterator[tuple[Any, bytes]]:
        unpacker = msgpack.Unpacker(max_buffer_size=_MAX_BYTES + _DATA_READ)
        try:
            with gzip.open(self._path, "rb") as stream:
                while data := stream.read(_DATA_READ):
                    unpacker.feed(data)
                    for content in unpacker:
                        yield content, msgpack.packb(content)
        except FileNotFoundError as error:
            raise PoisonError(f"There is no {self._path}") from error
        except EOFError as error:
            raise PoisonError(f"{self._path} ends too early: it is a part of a backup. Take another one.") from error
        except (OSError, ValueError, zlib.error, msgpack.UnpackException) as error:
            raise PoisonError(f"{self._path} cannot be read: {error}") from error


def counted(records: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Records of each topic."""
    return {topic: sum(of_partitions) for topic, of_partitions in records.items()}
