"""Scored pairs as columns, and the best of each list among them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ANY = np.iinfo(np.int32).min
"""Less than every score: whatever comes is good enough."""

NONE = np.iinfo(np.int32).max
"""More than every score: nothing is good enough."""


class Pairs(NamedTuple):
    """Columns of one length.

    Attributes:
        row: number of the list that each pair belongs to.
        slot: who stands in it.
        score: as `similarity.scores` has it.
    """

    row: NDArray[np.int64]
    slot: NDArray[np.int64]
    score: NDArray[np.int32]

    @classmethod
    def together(cls, parts: Sequence["Pairs"]) -> "Pairs":
        """All of some, in their order."""
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def at(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> "Pairs":
        """Some of them, by their numbers or by a mask."""
        return Pairs(self.row[places], self.slot[places], self.score[places])

    def best_first(self) -> NDArray[np.int64]:
        """Their numbers list by list, the best first; those that tie in any order."""
        return np.argsort(self._keys())

    def best_first_by_id(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The same with ties by the ids of the slots, of which two halves are given."""
        keys = self._keys()
        order = np.argsort(keys)
        is_next = np.diff(keys[order]) == 0
        is_tied = np.zeros(len(order), np.bool_)
        is_tied[1:] |= is_next
        is_tied[:-1] |= is_next
        some = order[is_tied]
        order[is_tied] = some[np.lexsort((low[self.slot[some]], high[self.slot[some]], keys[some]))]
        return order

    def ranks(self) -> NDArray[np.int64]:
        """How many pairs of its list stand before each, in columns that are ordered by list."""
        starts = np.searchsorted(self.row, np.arange(self.row.max(initial=-1) + 1))
        return np.arange(len(self.row)) - starts[self.row]

    def _keys(self) -> NDArray[np.int64]:
        return (self.row << 32) + (np.int64(NONE) - self.score)


class BestOfRows:
    """The best of each of some lists, of pairs that come in parts.

    Attributes:
        least: for each list, the score that a pair must have to be among its best so far.
    """

    def __init__(self, rows: int, kept: int) -> None:
        self.least = np.full(rows, ANY, np.int32)
        self._kept = kept
        self._parts: list[Pairs] = []
        self._more = 0

    def add(self, pairs: Pairs) -> None:
        """Take in some more; those that score less than `least` need not be among them."""
        self._parts.append(pairs)
        self._more += len(pairs.row)
        if self._more > self._kept * len(self.least):
            self._drop_the_rest()

    def ordered(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Pairs:
        """The best list by list, the best first, ties by id; see `Pairs.best_first_by_id`."""
        found = Pairs.together(self._parts)
        found = found.at(found.best_first_by_id(high, low))
        return found.at(found.ranks() < self._kept)

    def _drop_the_rest(self) -> None:
        found = Pairs.together(self._parts)
        found = found.at(found.best_first())
        last = found.at(found.ranks() == self._kept - 1)
        self.least[last.row] = last.score
        self._parts = [found.at(found.score >= self.least[found.row])]  # with all that tie with the last
        self._more = 0
