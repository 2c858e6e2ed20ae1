"""The records of ``news.views``: batches of beacons, markers, and imported totals (docs/schemas/view-batch.v1.json,
marker.v1.json, import.v1.json).

Columns are little-endian bytes, so that any language reads them and numpy reads a whole fetch at once. This module
does without numpy, because the process that answers beacons needs none.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntFlag
from typing import Any, Final, Literal, NamedTuple

import msgpack
from aiokafka import ConsumerRecord
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from news_shared.article_ids import ArticleId
from news_shared.errors import PoisonError

TYPE_HEADER = "type"
BATCH_HEADERS = ((TYPE_HEADER, b"batch"),)
MARKER_HEADERS = ((TYPE_HEADER, b"marker"),)
IMPORT_HEADERS = ((TYPE_HEADER, b"import"),)
NO_READER = 0
"""In the columns of reader hashes: no hash was made."""

_VERSION = 1
LONGEST_DELAY_MS = 0xFFFF
"""Of a beacon after the first of its record."""

MOST_IMPORTED: Final = 1_000_000_000
"""Views, and readers, that one import may say of a day: their sums stay far from what Redis and JSON can hold."""

LATEST_MS: Final = 253_402_300_000_000
"""No time of a record is taken to be later: in the year 9999."""

_SEEN_IDS: Final = 100_000
ORIGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""What a system may be called that totals come from."""
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Flag(IntFlag):
    """What the receiving process saw of a beacon that must not count."""

    BOT = 1
    PREFETCH = 2
    OPTED_OUT = 4
    BURST = 8


class Beacon(NamedTuple):
    """One opened article, as it goes into a batch; neither address nor user agent are in it."""

    article: ArticleId
    reader: int  # 64 bits; NO_READER when opted out
    former_reader: int  # the same with the salt before; NO_READER except around a change of salts
    time_ms: int
    flags: int


class Batch(NamedTuple):
    """A decoded record with its place in the log; the columns are still bytes.

    A tuple, because a frozen dataclass takes five times as long to make, and single beacons are a record each.
    """

    offset: int
    appended_ms: int
    size: int  # beacons
    salt: str
    articles: tuple[ArticleId, ...]
    places: bytes  # u16: into articles
    readers: bytes  # u64
    former_readers: bytes | None  # u64
    first_ms: int
    after_ms: bytes  # u16
    flags: bytes  # u8


State = Literal["known", "withdrawn"]


class Marker(BaseModel):
    """What views has to know of an article; its place in the log decides which beacons count."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: ArticleId = Field(pattern=f"^{_UUID.pattern}$")
    revision: int = Field(ge=1)
    state: State
    language: str = "und"
    themes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedMarker:
    """A marker and its place in the log."""

    offset: int
    appended_ms: int
    marker: Marker


class Import(BaseModel):
    """What another system, the origin, counted of an article on a day. It stands for that origin, article and day
    until the next one: the same said twice changes nothing.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    v: Literal[1] = 1
    article: ArticleId = Field(pattern=f"^{_UUID.pattern}$")
    origin: str = Field(pattern=f"^{ORIGIN.pattern}$")
    day: date | None = Field(None, gt=date(1970, 1, 1), description="None: of days that nobody knows any more.")
    views: int = Field(ge=0, le=MOST_IMPORTED)
    readers: int = Field(0, ge=0, le=MOST_IMPORTED)


class PlacedImport(NamedTuple):
    """An import and its place in the log."""

    offset: int
    said: Import


def encode_batch(salt: str, beacons: Sequence[Beacon]) -> bytes:
    """The value of a batch record; beacons must stand in the order in which they were received."""
    articles, readers, former_readers, times, flags = zip(*beacons, strict=True)
    places: dict[ArticleId, int] = {}
    index = [places.setdefault(article, len(places)) for article in articles]
    n = len(beacons)
    first = min(times)
    columns: dict[str, object] = {
        "v": _VERSION,
        "n": n,
        "s": salt,
        "a": list(places),
        "i": struct.pack(f"<{n}H", *index),
        "u": struct.pack(f"<{n}Q", *readers),
        "t": first,
        "o": struct.pack(f"<{n}H", *[min(time - first, LONGEST_DELAY_MS) for time in times]),
        "f": bytes(flags),
    }
    if any(former_readers):
        columns["w"] = struct.pack(f"<{n}Q", *former_readers)
    return msgpack.packb(columns)  # type: ignore[no-any-return]  # msgpack is untyped


def encode_marker(marker: Marker) -> bytes:
    """The value of a marker record."""
    return marker.model_dump_json().encode()


def encode_import(said: Import) -> bytes:
    """The value of an import record."""
    return said.model_dump_json().encode()


def decode(record: ConsumerRecord) -> Batch | PlacedMarker | PlacedImport | None:
    """What a record of ``news.views`` says; None for a type that this version does not know.

    Raises:
        PoisonError: what is wrong with it. Nothing that this function lets through can fail later.
    """
    headers = record.headers
    # Most records have one header; comparing it costs a third of making a dictionary.
    kind = b"batch" if headers == BATCH_HEADERS else dict(headers).get(TYPE_HEADER)
    if kind == b"batch":
        return _batch(record)
    if kind == b"marker":
        try:
            return PlacedMarker(record.offset, _appended_ms(record), Marker.model_validate_json(record.value or b""))
        except ValidationError as error:
            raise PoisonError(f"not a marker: {error}") from error
    if kind == b"import":
        try:
            return PlacedImport(record.offset, Import.model_validate_json(record.value or b""))
        except ValidationError as error:
            raise PoisonError(f"not an import: {error}") from error
    if kind is None:
        raise PoisonError(f"header {TYPE_HEADER!r} is missing")
    return None


def _batch(record: ConsumerRecord) -> Batch:
    try:
        columns: Any = msgpack.unpackb(record.value or b"", raw=False)
    except (ValueError, msgpack.UnpackException) as error:
        raise PoisonError(f"not msgpack: {error!r}") from error
    if not isinstance(columns, dict) or columns.get("v") != _VERSION:
        raise PoisonError(f"not a batch of version {_VERSION}")
    get = columns.get
    n, salt, articles, first = get("n"), get("s"), get("a"), get("t")
    if type(n) is not int or n < 1:
        raise PoisonError("n: a count of beacons is missing")
    if type(first) is not int or not 0 <= first < LATEST_MS:
        raise PoisonError("t: not milliseconds since 1970")
    if not isinstance(salt, str):
        raise PoisonError("s: the name of a salt is missing")
    if not isinstance(articles, list) or not are_ids(articles):
        raise PoisonError("a: not a list of article ids")
    places: Any = get("i")
    readers: Any = get("u")
    former: Any = get("w")
    after: Any = get("o")
    flags: Any = get("f")
    if (
        not type(places) is type(readers) is type(after) is type(flags) is bytes
        or not len(places) == len(after) == 2 * n
        or len(readers) != 8 * n
        or len(flags) != n
        or not (former is None or (type(former) is bytes and len(former) == 8 * n))
    ):
        columns = (("i", places, 2), ("u", readers, 8), ("o", after, 2), ("f", flags, 1), ("w", former or b"", 8))
        name, width = next((c, w) for c, of, w in columns if type(of) is not bytes or len(of) != n * w)
        raise PoisonError(f"{name}: not a column of {n} × {width} bytes")
    if (max(struct.unpack(f"<{n}H", places)) if n > 1 else places[0] | places[1] << 8) >= len(articles):
        raise PoisonError("i: points beyond the articles")
    return Batch(
        record.offset, _appended_ms(record), n, salt, tuple(articles), places, readers, former, first, after, flags
    )


_seen_ids: set[str] = set()
"""Ids that were looked at already, so that a popular article costs a look-up and no pattern; bounded."""


def are_ids(articles: Sequence[object]) -> bool:
    """Whether all of these are ids of articles."""
    try:
        if _seen_ids.issuperset(articles):
            return True
    except TypeError:  # something that has no hash
        return False
    ids = [article for article in articles if isinstance(article, str) and _UUID.fullmatch(article)]
    if len(_seen_ids) + len(ids) > _SEEN_IDS:
        _seen_ids.clear()
    _seen_ids.update(ids)
    return len(ids) == len(articles)


def _appended_ms(record: ConsumerRecord) -> int:
    return min(max(0, int(record.timestamp)), LATEST_MS)
