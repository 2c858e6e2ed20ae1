"""Beacons of records in columns, as they were received: before any rule."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain, groupby
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from news_shared.article_ids import ArticleId
from news_views.counting.singles import Singles
from news_views.view_log import Batch

Beacons: TypeAlias = Batch | Singles


@dataclass(frozen=True, slots=True)
class Received:
    """Beacons in the order of the log."""

    index: npt.NDArray[np.int64]  # of the article
    readers: npt.NDArray[np.uint64]
    former_readers: npt.NDArray[np.uint64]
    times: npt.NDArray[np.int64]  # by the clock of who received them
    appended: npt.NDArray[np.int64]
    flags: npt.NDArray[np.uint8]


def received(run: Sequence[Beacons], places: dict[ArticleId, int]) -> Received:
    """The beacons of some records, ascending.

    Args:
        run: at least one.
        places: of articles that have one already; the others are given the next.
    """
    parts = [
        _of_batches([each for each in some if isinstance(each, Batch)], places)
        if kind is Batch
        else _joined([_of_singles(each, places) for each in some if isinstance(each, Singles)])
        for kind, some in groupby(run, key=type)
    ]
    return _joined(parts)


def _joined(parts: Sequence[Received]) -> Received:
    if len(parts) == 1:
        return parts[0]
    return Received(*(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(Received)))


def _of_singles(singles: Singles, places: dict[ArticleId, int]) -> Received:
    for article in dict.fromkeys(singles.articles):
        places.setdefault(article, len(places))
    index = np.fromiter(map(places.__getitem__, singles.articles), np.int64, len(singles.articles))
    return Received(
        index, singles.readers, singles.former_readers, singles.times_ms, singles.appended_ms, singles.flags
    )


def _of_batches(batches: Sequence[Batch], places: dict[ArticleId, int]) -> Received:
    _, appended_ms, counts, _, ids, local_places, reader_hashes, former_hashes, first_ms, after_ms, flag_bytes = zip(
        *batches, strict=True
    )
    for article in chain.from_iterable(ids):
        places.setdefault(article, len(places))
    # From a batch's own places to the common ones: those of all batches one after the other, and where each begins.
    common = np.fromiter(map(places.__getitem__, chain.from_iterable(ids)), np.int64)
    begins = np.cumsum([0, *map(len, ids[:-1])])
    local = np.frombuffer(b"".join(local_places), "<u2").astype(np.int64)
    times = np.repeat(np.array(first_ms, np.int64), counts)
    times += np.frombuffer(b"".join(after_ms), "<u2")
    readers = np.frombuffer(b"".join(reader_hashes), "<u8")
    former = (
        np.frombuffer(b"".join([of or bytes(8 * n) for of, n in zip(former_hashes, counts, strict=True)]), "<u8")
        if any(former_hashes)
        else np.zeros(readers.size, np.uint64)
    )
    return Received(
        common[local + np.repeat(begins, counts)],
        readers,
        former,
        times,
        np.repeat(np.array(appended_ms, np.int64), counts),
        np.frombuffer(b"".join(flag_bytes), np.uint8),
    )
