"""Exact nearest neighbours in memory: the best of each article among all articles of one window, kept while articles
come and go.

All vectors stand in one int8 matrix; its blocks are multiplied as float32, in which sums of such products are whole
numbers and so do not depend on the order of addition. The lists hold somewhat more than is shown of them: what an
article loses when others leave is made up for from there, and only a list that has run short is searched anew. What is
shown is a function of what is in the window, whatever happened before. What stands behind it goes on with the ranking,
without a gap; how far depends on what happened before, so it is stored with the rest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from news_related.graph.positions import Position
from news_related.neighbours import similarity
from news_related.neighbours.meanings import PACKED, Meaning
from news_shared.article_ids import ArticleId

_BLOCK = 512  # rows that stay in the processor's cache as float32
_COLUMNS = 16 * _BLOCK  # scored at once
_ROWS = 32  # searched at once
_EXACT = 1024  # components whose products add up exactly in float32: 1024 * 128² = 2²⁴
_MOST = np.int64(np.iinfo(np.int32).max)
_NONE = np.iinfo(np.int32).min
_NOTHING_ENTERS = np.iinfo(np.int32).max

_BLAS = ThreadpoolController().select(user_api="blas")


class Window:
    """Articles of one space, and the neighbours of each; not safe to be used by two threads at once."""

    def __init__(self, *, shown: int = similarity.NEIGHBOURS, spare: int = similarity.SPARE) -> None:
        self._shown = shown
        self._kept = shown + spare
        self._slots: dict[ArticleId, int] = {}
        self._meanings: list[Meaning | None] = []
        self._free: list[int] = []
        self._by_id: NDArray[np.int64] | None = None  # all slots in the order of ids, while it is known
        self._languages: dict[str, int] = {}
        self._matrix = np.zeros((0, 0), np.int8)
        self._scale = np.zeros(0, np.float64)
        self._date = np.zeros(0, np.int64)
        self._language = np.zeros(0, np.int32)
        self._high = np.zeros(0, np.uint64)
        self._low = np.zeros(0, np.uint64)
        self._is_here = np.zeros(0, np.bool_)
        self._near = np.zeros((0, self._kept), np.int32)  # slots, best first; -1 behind the last
        self._score = np.zeros((0, self._kept), np.int32)
        self._length = np.zeros(0, np.int32)

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, key: ArticleId) -> bool:
        return key in self._slots

    def __iter__(self) -> Iterator[ArticleId]:
        return iter(self._slots)

    def meaning(self, key: ArticleId) -> Meaning:
        """What an article of the window means."""
        found = self._meanings[self._slots[key]]
        assert found is not None
        return found

    def oldest(self, count: int) -> list[Position]:
        """The places of the oldest articles, the oldest first."""
        here = np.flatnonzero(self._is_here)
        if count < len(here):
            dates = self._date[here]
            here = here[dates <= np.partition(dates, count)[count]]
        here = here[np.lexsort((self._low[here], self._high[here], self._date[here]))][:count]
        return [meaning.position for slot in here.tolist() if (meaning := self._meanings[slot]) is not None]

    def neighbours(self, key: ArticleId) -> bytes:
        """The packed list of an article with what it has to spare, best first, ties by id; see `decode_neighbours`."""
        slot = self._slots[key]
        length = self._length[slot]
        near = self._near[slot, :length]
        packed = np.empty(length, PACKED)
        packed["high"], packed["low"], packed["score"] = self._high[near], self._low[near], self._score[slot, :length]
        return packed.tobytes()

    def change(self, removed: Iterable[ArticleId], added: Sequence[Meaning]) -> set[ArticleId]:
        """Take articles out, then others in; returns those of the window whose lists may have changed.

        A list is what `neighbours` gives: it has changed, too, when only what it has to spare has. What
        is added takes the place of what the same article meant before. Removing what is not here changes nothing.
        """
        with _BLAS.limit(limits=1):  # products this small gain nothing by more threads, and those that wait burn time
            return self._changed(removed, added)

    def _changed(self, removed: Iterable[ArticleId], added: Sequence[Meaning]) -> set[ArticleId]:
        leaving = dict.fromkeys([*removed, *(meaning.id for meaning in added)])
        changed = self._drop([self._slots[key] for key in leaving if key in self._slots])
        for start in range(0, len(added), _ROWS):
            before = len(self)
            fresh = np.array([self._place(meaning) for meaning in added[start : start + _ROWS]], np.int64)
            found = self._search(fresh)
            changed.update(fresh.tolist())
            changed |= self._offer(fresh, found, before)
        short = self._short()
        for start in range(0, len(short), _ROWS):
            self._search(short[start : start + _ROWS])
        changed.update(short.tolist())
        return {meaning.id for slot in changed if (meaning := self._meanings[slot]) is not None}

    def put(self, meanings: Iterable[Meaning]) -> None:
        """Take in articles whose lists follow in `put_neighbours`."""
        for meaning in meanings:
            self._place(meaning)

    def put_neighbours(self, lists: Mapping[ArticleId, bytes]) -> None:
        """Take in lists as `neighbours` had given them.

        Raises:
            KeyError: one of the articles, or a neighbour, is not here.
        """
        if not lists:
            return
        slots = np.array([self._slots[key] for key in lists], np.int64)
        lengths = np.array([len(packed) // PACKED.itemsize for packed in lists.values()])
        if lengths.max(initial=0) > self._kept:
            raise KeyError("a list is longer than lists are now")
        neighbours = np.frombuffer(b"".join(lists.values()), PACKED)
        held = np.arange(self._kept) < lengths[:, None]
        rows, places = np.nonzero(held)
        self._near[slots[rows], places] = self._slots_of(neighbours)
        self._score[slots[rows], places] = neighbours["score"]
        self._length[slots] = lengths

    def _slots_of(self, ids: NDArray[np.void]) -> NDArray[np.int64]:
        if self._by_id is None:
            here = np.flatnonzero(self._is_here)
            self._by_id = here[np.lexsort((self._low[here], self._high[here]))]
        high, low = self._high[self._by_id], self._low[self._by_id]
        places = np.searchsorted(high, ids["high"].astype(np.uint64))
        while True:  # ids whose first halves are equal stand next to each other
            places = np.minimum(places, len(high) - 1)
            is_other = low[places] != ids["low"]
            if not is_other.any():
                break
            if (is_other & ((high[places] != ids["high"]) | (places == len(high) - 1))).any():
                raise KeyError("a neighbour is not in the window")
            places = places + is_other
        if (high[places] != ids["high"]).any():
            raise KeyError("a neighbour is not in the window")
        return self._by_id[places]

    def _place(self, meaning: Meaning) -> int:
        if not self._slots and self._matrix.shape[1] != len(meaning.vector):
            self._matrix = np.zeros((len(self._meanings), len(meaning.vector)), np.int8)
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._by_id = None
        self._slots[meaning.id] = slot
        self._meanings[slot] = meaning
        self._matrix[slot] = np.frombuffer(meaning.vector, np.int8)
        self._scale[slot] = meaning.scale
        self._date[slot] = meaning.position.date_ms
        self._language[slot] = self._languages.setdefault(meaning.language, len(self._languages))
        bits = UUID(meaning.id).int
        self._high[slot], self._low[slot] = bits >> 64, bits & 0xFFFFFFFFFFFFFFFF
        self._is_here[slot] = True
        self._near[slot] = -1
        self._length[slot] = 0
        return slot

    def _grow(self) -> None:
        size = len(self._meanings)
        more = max(64, size // 2)
        for name in (
            "_matrix",
            "_scale",
            "_date",
            "_language",
            "_high",
            "_low",
            "_is_here",
            "_near",
            "_score",
            "_length",
        ):
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.zeros((more, *array.shape[1:]), array.dtype)]))
        self._near[size:] = -1
        self._meanings += [None] * more
        self._free = list(range(size + more - 1, size - 1, -1))

    def _drop(self, gone: Sequence[int]) -> set[int]:
        """Take slots out of the window and of every list; returns the slots of lists that are shorter now."""
        if not gone:
            return set()
        self._by_id = None
        for slot in gone:
            meaning = self._meanings[slot]
            assert meaning is not None
            del self._slots[meaning.id]
            self._meanings[slot] = None
        self._is_here[gone] = False
        self._near[gone] = -1
        self._length[gone] = 0
        self._free += gone
        rows = self._listing(gone)
        near, score = self._near[rows], self._score[rows]
        stays = (near >= 0) & self._is_here[near]
        order = np.argsort(~stays, axis=1, kind="stable")
        lengths = stays.sum(axis=1, dtype=np.int32)
        near = np.take_along_axis(near, order, axis=1)
        near[np.arange(self._kept) >= lengths[:, None]] = -1
        self._near[rows], self._score[rows] = near, np.take_along_axis(score, order, axis=1)
        self._length[rows] = lengths
        return set(rows.tolist())

    def _listing(self, slots: Sequence[int]) -> NDArray[np.int64]:
        """The slots whose lists name one of some slots."""
        if len(slots) <= 4:
            found = [np.flatnonzero(self._near.reshape(-1) == slot) for slot in slots]
        else:
            marked = np.zeros(len(self._near) + 1, np.bool_)  # the last is what -1 finds
            marked[slots] = True
            found = [np.flatnonzero(marked[self._near.reshape(-1)])]
        return np.unique(np.concatenate(found) // self._kept)

    def _short(self) -> NDArray[np.int64]:
        enough = min(self._shown, len(self) - 1)
        return np.flatnonzero(self._is_here & (self._length < enough))

    def _search(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """Make the lists of some slots anew; returns the scores of each with every slot."""
        found = self._scores(rows)
        places = found.shape[1]
        for row, slot in zip(found, rows, strict=True):
            least = np.partition(row, places - self._kept)[places - self._kept] if places > self._kept else _NONE
            best = np.flatnonzero(row >= max(least, _NONE + 1))
            best = best[np.lexsort((self._low[best], self._high[best], -row[best]))[: self._kept]]
            self._near[slot, : len(best)], self._near[slot, len(best) :] = best, -1
            self._score[slot, : len(best)] = row[best]
            self._length[slot] = len(best)
        return found

    def _scores(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        size = len(self._matrix)
        found = np.empty((len(rows), size), np.int32)
        wanted = self._matrix[rows].astype(np.float32)
        for start in range(0, size, _COLUMNS):
            some = slice(start, min(start + _COLUMNS, size))
            found[:, some] = similarity.scores(
                self._dots(wanted, some),
                self._scale[rows, None] * self._scale[some],
                np.abs(self._date[rows, None] - self._date[some]),
                self._language[rows, None] == self._language[some],
            )
        found[:, ~self._is_here] = _NONE
        found[np.arange(len(rows)), rows] = _NONE
        return found

    def _dots(self, wanted: NDArray[np.float32], some: slice) -> NDArray[np.float64]:
        dots = np.zeros((len(wanted), some.stop - some.start))
        for start in range(some.start, some.stop, _BLOCK):
            others = self._matrix[start : min(start + _BLOCK, some.stop)].astype(np.float32)
            block = dots[:, start - some.start :][:, : len(others)]
            for part in range(0, wanted.shape[1], _EXACT):
                block += wanted[:, part : part + _EXACT] @ others[:, part : part + _EXACT].T
        return dots

    def _ordered(
        self, groups: NDArray[np.int64], near: NDArray[np.int32], score: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """The order by group, then the best first, ties by id."""
        keys = (groups.astype(np.int64) << 32) + (_MOST - score)
        order = np.argsort(keys)
        tied = np.diff(keys[order]) == 0
        is_tied = np.concatenate([tied, [False]]) | np.concatenate([[False], tied])
        some = order[is_tied]
        order[is_tied] = some[np.lexsort((self._low[near[some]], self._high[near[some]], keys[some]))]
        return order

    def _offer(self, fresh: NDArray[np.int64], found: NDArray[np.int32], before: int) -> set[int]:
        """Put new articles into the lists that they belong in; returns the slots of those lists.

        Args:
            fresh: their slots.
            found: the scores of each with every slot.
            before: articles in the window before them.
        """
        last = np.take_along_axis(self._score, np.maximum(self._length - 1, 0)[:, None], axis=1)[:, 0]
        is_whole = self._length == before - 1  # holds all there was: whatever is new belongs to it
        least = np.where(is_whole & (self._length < self._kept), _NONE + 1, last)
        least[~self._is_here | (~is_whole & (self._length == 0))] = _NOTHING_ENTERS
        least[fresh] = _NOTHING_ENTERS
        which, entered = np.nonzero(found >= least)
        if not len(which):
            return set()
        rows, group = np.unique(entered, return_inverse=True)
        lengths = self._length[rows]
        held = np.arange(self._kept) < lengths[:, None]
        groups = np.concatenate([np.repeat(np.arange(len(rows)), lengths), group])
        near = np.concatenate([self._near[rows][held], fresh[which]])
        score = np.concatenate([self._score[rows][held], found[which, entered]])
        is_new = np.arange(len(groups)) >= len(groups) - len(group)
        order = self._ordered(groups, near, score)
        groups, near, score, is_new = groups[order], near[order], score[order], is_new[order]
        starts = np.searchsorted(groups, np.arange(len(rows)))
        rank = np.arange(len(groups)) - starts[groups]
        # Behind the last of a list that is not whole nothing is known: what comes to stand there is left out.
        ends = np.full(len(rows), self._kept)
        ends_at = np.zeros(len(rows), np.int64)
        np.maximum.at(ends_at, groups[~is_new], rank[~is_new] + 1)
        ends = np.where(is_whole[rows], ends, np.minimum(ends, ends_at))
        stays = rank < ends[groups]
        groups, near, score, is_new, rank = groups[stays], near[stays], score[stays], is_new[stays], rank[stays]
        self._near[rows[groups], rank] = near
        self._score[rows[groups], rank] = score
        self._length[rows] = np.bincount(groups, minlength=len(rows))
        return set(rows[groups[is_new]].tolist())
