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
from news_views.view_log import BATCH_HEADERS, LATEST_MS, Beacon, are_ids, encode_batch

_ARTICLE: Final = ArticleId("a" * 36)
_SALT: Final = "s" * 15  # as long as `salts.Salt.name`
_READER: Final = 0x0102_0304_0506_0708
_TIME: Final = 0x0000_0102_0304_0506
_SAMPLE: Final = encode_batch(_SALT, [Beacon(_ARTICLE, _READER, 0, _TIME, 0)])
_SIZE: Final = len(_SAMPLE)


def _slice_of(sought: bytes) -> slice:
    start = _SAMPLE.index(sought)
    return slice(start, start + len(sought))


_AT_SALT: Final = _slice_of(_SALT.encode())
_AT_ARTICLE: Final = _slice_of(_ARTICLE.encode())
_AT_READER: Final = _slice_of(_READER.to_bytes(8, "little"))
_AT_TIME: Final = _slice_of(_TIME.to_bytes(8, "big"))
_AT_FLAGS: Final = _SIZE - 1
_IS_FIXED: Final = np.ones(_SIZE, np.bool_)
for _differs in (_AT_SALT, _AT_ARTICLE, _AT_READER, _AT_TIME, _AT_FLAGS):
    _IS_FIXED[_differs] = False
_FIXED: Final = np.frombuffer(_SAMPLE, np.uint8)[_IS_FIXED]


class Singles(NamedTuple):
    """Beacons that are a record each, one after the other in the log; a place in each column is one of them."""

    offset: int  # of the first
    articles: Sequence[ArticleId]
    appended_ms: npt.NDArray[np.int64]
    readers: npt.NDArray[np.uint64]
    times_ms: npt.NDArray[np.int64]
    flags: npt.NDArray[np.uint8]


def may_be_single(record: ConsumerRecord) -> bool:
    """Whether it is worth a try to read this record with others; see `read_singles`."""
    value = record.value
    return value is not None and len(value) == _SIZE and record.headers == BATCH_HEADERS


def read_singles(records: Sequence[ConsumerRecord]) -> Singles | None:
    """What these records say, each of which `may_be_single`; None when one of them is not: decode each by itself."""
    values = b"".join([record.value for record in records])
    rows = np.frombuffer(values, np.uint8).reshape(-1, _SIZE)
    if not (rows[:, _IS_FIXED] == _FIXED).all() or (rows[:, _AT_SALT] > 127).any():
        return None
    times = _column(rows, _AT_TIME, ">u8")
    if times.max() >= LATEST_MS:
        return None
    text = values.decode("latin-1")
    articles = [text[start : start + len(_ARTICLE)] for start in range(_AT_ARTICLE.start, len(text), _SIZE)]
    if not are_ids(articles):
        return None
    return Singles(
        records[0].offset,
        cast("list[ArticleId]", articles),
        np.array([record.timestamp for record in records], np.int64).clip(0, LATEST_MS),
        _column(rows, _AT_READER, "<u8"),
        times.astype(np.int64),
        rows[:, _AT_FLAGS],
    )


def _column(rows: npt.NDArray[np.uint8], at: slice, kind: str) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(rows[:, at]).view(kind)[:, 0]
