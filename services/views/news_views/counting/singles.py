"""Records of ``news.views`` that hold one beacon each, read many at a time.

`view_log.encode_batch` puts all that differs between two such records in the same places, so that numpy reads a whole
fetch at once; reading each by itself takes ten times as long.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from aiokafka import ConsumerRecord

from news_shared.article_ids import ArticleId
from news_views.view_log import BATCH_HEADERS, LATEST_MS, NO_READER, Beacon, are_ids, encode_batch

_ARTICLE: Final = ArticleId("a" * 36)
_SALT: Final = "s" * 15  # as long as `salts.Salt.name`
_READER: Final = 0x0102_0304_0506_0708
_FORMER_READER: Final = 0x1112_1314_1516_1718
_TIME: Final = 0x0000_0102_0304_0506
_FLAGS: Final = 0x1F


class Singles(NamedTuple):
    """Beacons that are a record each, one after the other in the log; a place in each column is one of them."""

    offset: int  # of the first
    articles: Sequence[ArticleId]
    appended_ms: npt.NDArray[np.int64]
    readers: npt.NDArray[np.uint64]
    former_readers: npt.NDArray[np.uint64]
    times_ms: npt.NDArray[np.int64]
    flags: npt.NDArray[np.uint8]

    def part(self, start: int, stop: int) -> "Singles":
        """Those from a place up to, not including, another; the offset stays that of the first of all."""
        within = slice(start, stop)
        return Singles(
            self.offset,
            self.articles[within],
            self.appended_ms[within],
            self.readers[within],
            self.former_readers[within],
            self.times_ms[within],
            self.flags[within],
        )


class _Read(NamedTuple):
    """What records of one shape say."""

    articles: list[str]
    readers: npt.NDArray[np.uint64]
    former_readers: npt.NDArray[np.uint64]
    times_ms: npt.NDArray[np.uint64]
    flags: npt.NDArray[np.uint8]


class _Shape:
    """Where in a record of this size stands what differs between two of them."""

    def __init__(self, former_reader: int) -> None:
        self._sample = encode_batch(_SALT, [Beacon(_ARTICLE, _READER, former_reader, _TIME, _FLAGS)])
        self.size = len(self._sample)
        self._salt = self._slice_of(_SALT.encode())
        self._article = self._slice_of(_ARTICLE.encode())
        self._reader = self._slice_of(_READER.to_bytes(8, "little"))
        self._time = self._slice_of(_TIME.to_bytes(8, "big"))
        self._flags = self._slice_of(bytes([_FLAGS]))
        self._former_reader = self._slice_of(former_reader.to_bytes(8, "little")) if former_reader else None
        self._is_fixed = np.ones(self.size, np.bool_)
        for differs in (self._salt, self._article, self._reader, self._time, self._flags, self._former_reader):
            if differs is not None:
                self._is_fixed[differs] = False
        self._fixed = np.frombuffer(self._sample, np.uint8)[self._is_fixed]

    def _slice_of(self, sought: bytes) -> slice:
        assert self._sample.count(sought) == 1
        start = self._sample.index(sought)
        return slice(start, start + len(sought))

    def read(self, values: Sequence[bytes]) -> _Read | None:
        """What these values of this size say; None when one of them has another shape."""
        joined = b"".join(values)
        rows = np.frombuffer(joined, np.uint8).reshape(-1, self.size)
        if not (rows[:, self._is_fixed] == self._fixed).all() or (rows[:, self._salt] > 127).any():
            return None
        text = joined.decode("latin-1")
        return _Read(
            [text[start : start + len(_ARTICLE)] for start in range(self._article.start, len(text), self.size)],
            _column(rows, self._reader, "<u8"),
            np.full(len(values), NO_READER, np.uint64)
            if self._former_reader is None
            else _column(rows, self._former_reader, "<u8"),
            _column(rows, self._time, ">u8"),
            rows[:, self._flags.start],
        )


def _column(rows: npt.NDArray[np.uint8], at: slice, kind: str) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(rows[:, at]).view(kind)[:, 0]


# Around a change of salts readers have a former hash too, those that opted out have not.
_SHAPES: Final = {shape.size: shape for shape in (_Shape(NO_READER), _Shape(_FORMER_READER))}


def may_be_single(record: ConsumerRecord) -> bool:
    """Whether it is worth a try to read this record with others; see `read_singles`."""
    value = record.value
    return value is not None and len(value) in _SHAPES and record.headers == BATCH_HEADERS


def read_singles(records: Sequence[ConsumerRecord]) -> Singles | None:
    """What these records say, each of which `may_be_single`; None when one of them is not: decode each by itself."""
    found = _read([record.value for record in records])
    if found is None or found.times_ms.max() >= LATEST_MS or not are_ids(found.articles):
        return None
    return Singles(
        records[0].offset,
        cast("list[ArticleId]", found.articles),
        np.array([record.timestamp for record in records], np.int64).clip(0, LATEST_MS),
        found.readers,
        found.former_readers,
        found.times_ms.astype(np.int64),
        found.flags,
    )


def _read(values: Sequence[bytes]) -> _Read | None:
    sizes = np.fromiter(map(len, values), np.int64, len(values))
    parts: list[_Read] = []
    places: list[npt.NDArray[np.int64]] = []
    for size, shape in _SHAPES.items():
        of_this_size = np.flatnonzero(sizes == size)
        if of_this_size.size:
            read = shape.read(values if of_this_size.size == sizes.size else [values[p] for p in of_this_size.tolist()])
            if read is None:
                return None
            parts.append(read)
            places.append(of_this_size)
    return parts[0] if len(parts) == 1 else _in_order(parts, np.argsort(np.concatenate(places)))


def _in_order(parts: Sequence[_Read], order: npt.NDArray[np.int64]) -> _Read:
    """All of these, by their places in the log."""
    articles, *columns = zip(*parts, strict=True)
    joined = [article for part in articles for article in part]
    return _Read([joined[place] for place in order.tolist()], *(np.concatenate(column)[order] for column in columns))
