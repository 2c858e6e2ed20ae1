"""Exact nearest neighbours in memory: the best of each article among all articles of one window, kept while articles
come and go.

All vectors stand in one int8 matrix; its blocks are multiplied as float32, in which sums of such products are whole
numbers and so do not depend on the order of addition. The lists hold somewhat more than is shown of them: what an
article loses when others leave is made up for from there, and only a list that has run short is searched anew. What is
shown is a function of what is in the window, whatever happened before. What stands behind it goes on with the ranking,
without a gap; how far depends on what happened before, so it is stored with the rest.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from news_related.graph.positions import Position, id_bytes
from news_related.neighbours import similarity
from news_related.neighbours.meanings import PACKED, Meaning
from news_related.neighbours.pairs import ANY, NONE, BestOfRows, Pairs
from news_shared.article_ids import ArticleId

_COLUMNS = 512  # whose vectors as float32, products and scores stay in the processor's cache
_ROWS = 256  # searched at once: the more, the less each costs
_EXACT = 1024  # components whose products add up exactly in float32: 1024 * 128² = 2²⁴

_BLAS = ThreadpoolController().select(user_api="blas")


class Window:
    """Articles of one space, and the neighbours of each; not safe to be used by two threads at once."""

    def __init__(self, *, shown: int = similarity.SHOWN_NEIGHBOURS, spare: int = similarity.SPARE) -> None:
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

    def edge(self) -> Position | None:
        """The place of the oldest article."""
        return next(iter(self.oldest(1)), None)

    def neighbours(self, keys: Collection[ArticleId]) -> dict[ArticleId, bytes]:
        """The packed lists of some articles with what they have to spare, best first, ties by id.

        See `decode_neighbours`.
        """
        slots = [self._slots[key] for key in keys]
        held = np.arange(self._kept) < self._length[slots, None]
        near = self._near[slots][held]
        packed = np.empty(len(near), PACKED)
        packed["high"], packed["low"], packed["score"] = self._high[near], self._low[near], self._score[slots][held]
        whole = packed.tobytes()
        ends = (np.cumsum(self._length[slots]) * PACKED.itemsize).tolist()
        return {key: whole[start:end] for key, start, end in zip(keys, [0, *ends], ends, strict=False)}

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
            fresh = self._place(added[start : start + _ROWS])
            is_whole = self._is_here & (self._length == before - 1)  # holds all there was
            pairs = self._search(fresh, self._asked_of(fresh, is_whole))
            changed.update(fresh.tolist())
            changed |= self._offer(fresh, pairs, is_whole)
        short = self._short()
        nothing = np.full(len(self._matrix), NONE, np.int32)
        for start in range(0, len(short), _ROWS):
            self._search(short[start : start + _ROWS], nothing)
        changed.update(short.tolist())
        return {meaning.id for slot in changed if (meaning := self._meanings[slot]) is not None}

    def put(self, meanings: Sequence[Meaning]) -> None:
        """Take in articles whose lists follow in `put_neighbours`."""
        if meanings:
            self._place(meanings)

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
        wanted_high, wanted_low = ids["high"].astype(np.uint64), ids["low"].astype(np.uint64)
        order = np.argsort(wanted_high)  # one after the other they are found in a third of the time
        places = np.empty(len(ids), np.int64)
        places[order] = np.searchsorted(high, wanted_high[order])
        while True:  # ids whose first halves are equal stand next to each other
            places = np.minimum(places, len(high) - 1)
            is_other = low[places] != wanted_low
            if not is_other.any():
                break
            if (is_other & ((high[places] != wanted_high) | (places == len(high) - 1))).any():
                raise KeyError("a neighbour is not in the window")
            places = places + is_other
        if (high[places] != wanted_high).any():
            raise KeyError("a neighbour is not in the window")
        return self._by_id[places]

    def _place(self, meanings: Sequence[Meaning]) -> NDArray[np.int64]:
        """Give articles slots, with empty lists; returns these."""
        vectors = np.frombuffer(b"".join([meaning.vector for meaning in meanings]), np.int8).reshape(len(meanings), -1)
        if not self._slots and self._matrix.shape[1] != vectors.shape[1]:
            self._matrix = np.zeros((len(self._meanings), vectors.shape[1]), np.int8)
        if len(self._free) < len(meanings):
            self._grow(len(meanings) - len(self._free))
        taken = [self._free.pop() for _ in meanings]
        for slot, meaning in zip(taken, meanings, strict=True):
            self._slots[meaning.id] = slot
            self._meanings[slot] = meaning
        slots = np.array(taken, np.int64)
        self._by_id = None
        self._matrix[slots] = vectors
        self._scale[slots] = [meaning.scale for meaning in meanings]
        self._date[slots] = [meaning.position.date_ms for meaning in meanings]
        known = self._languages
        self._language[slots] = [known.setdefault(meaning.language, len(known)) for meaning in meanings]
        ids = np.frombuffer(b"".join([id_bytes(meaning.id) for meaning in meanings]), ">u8")
        self._high[slots], self._low[slots] = ids[::2], ids[1::2]
        self._is_here[slots] = True
        self._near[slots] = -1
        self._length[slots] = 0
        return slots

    def _grow(self, least: int) -> None:
        size = len(self._meanings)
        more = max(64, size // 2, least)
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
        self._free = [*range(size + more - 1, size - 1, -1), *self._free]

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

    def _search(self, rows: NDArray[np.int64], least: NDArray[np.int32]) -> Pairs:
        """Make the lists of some slots anew; returns their pairs with slots that ask for no more than they score.

        Args:
            least: for each slot, the score that it asks for.
        """
        best = BestOfRows(len(rows), self._kept)
        asked_for = []
        wanted = self._matrix[rows].astype(np.float32)
        for end in range(len(self._matrix), 0, -_COLUMNS):  # from what came last: near in time, most often
            some = slice(max(0, end - _COLUMNS), end)
            found = self._worth_it(rows, wanted, some, best.least, least[some])
            best.add(found.at(found.score >= best.least[found.row]))
            asked_for.append(found.at(found.score >= least[found.slot]))
        listed = best.ordered(self._high, self._low)
        self._near[rows] = -1
        self._put_lists(rows, listed, listed.ranks())
        return Pairs.together(asked_for)

    def _worth_it(
        self,
        rows: NDArray[np.int64],
        wanted: NDArray[np.float32],
        some: slice,
        least_of_rows: NDArray[np.int32],
        least_of_some: NDArray[np.int32],
    ) -> Pairs:
        """The pairs of rows, whose vectors are `wanted`, and slots in which one side may get the score it asks for.

        To score all of them exactly would take as long as their products.
        """
        dots = _dots(wanted, self._matrix[some].astype(np.float32))
        about = dots * np.multiply.outer(self._scale[rows].astype(np.float32), self._scale[some].astype(np.float32))
        is_near = about >= similarity.least_product(least_of_rows)[:, None]
        is_near |= about >= similarity.least_product(least_of_some)
        row, column = np.divmod(np.flatnonzero(is_near), is_near.shape[1])
        slot = column + some.start
        is_pair = self._is_here[slot] & (slot != rows[row])
        row, column, slot = row[is_pair], column[is_pair], slot[is_pair]
        one = rows[row]
        score = similarity.scores(
            dots[row, column].astype(np.float64),
            self._scale[one] * self._scale[slot],
            np.abs(self._date[one] - self._date[slot]),
            self._language[one] == self._language[slot],
        )
        return Pairs(row, slot, score)

    def _asked_of(self, fresh: NDArray[np.int64], is_whole: NDArray[np.bool_]) -> NDArray[np.int32]:
        """For each slot, what a new article must score to come into its list."""
        last = np.take_along_axis(self._score, np.maximum(self._length - 1, 0)[:, None], axis=1)[:, 0]
        least = np.where(self._length > 0, last, NONE)
        least[is_whole & (self._length < self._kept)] = ANY
        least[~self._is_here] = NONE
        least[fresh] = NONE
        return least

    def _put_lists(self, slots: NDArray[np.int64], listed: Pairs, ranks: NDArray[np.int64]) -> None:
        places = slots[listed.row], ranks
        self._near[places], self._score[places] = listed.slot, listed.score
        self._length[slots] = np.bincount(listed.row, minlength=len(slots))

    def _offer(self, fresh: NDArray[np.int64], pairs: Pairs, is_whole: NDArray[np.bool_]) -> set[int]:
        """Put new articles into the lists that they belong in; returns the slots of those lists.

        Args:
            fresh: their slots.
            pairs: of a number in `fresh` and a slot that asked for it.
            is_whole: for each slot, whether its list holds all there was before.
        """
        if not len(pairs.row):
            return set()
        slots, row = np.unique(pairs.slot, return_inverse=True)
        lengths = self._length[slots]
        held = np.arange(self._kept) < lengths[:, None]
        near = self._near[slots][held].astype(np.int64)
        of_before = Pairs(np.repeat(np.arange(len(slots)), lengths), near, self._score[slots][held])
        listed = Pairs.together([of_before, Pairs(row, fresh[pairs.row], pairs.score)])
        order = listed.best_first_by_id(self._high, self._low)
        is_new = order >= len(of_before.row)
        listed = listed.at(order)
        ranks = listed.ranks()
        # Behind the last of a list that is not whole nothing is known: what comes to stand there is left out.
        ends = np.zeros(len(slots), np.int64)
        np.maximum.at(ends, listed.row[~is_new], ranks[~is_new] + 1)
        ends = np.where(is_whole[slots], self._kept, np.minimum(self._kept, ends))
        stays = ranks < ends[listed.row]
        listed, ranks, is_new = listed.at(stays), ranks[stays], is_new[stays]
        self._put_lists(slots, listed, ranks)
        return set(slots[listed.row[is_new]].tolist())


def _dots(some: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32] | NDArray[np.float64]:
    """The products of each with each: whole numbers, exact."""
    if some.shape[1] <= _EXACT:
        return some @ others.T
    dots = np.zeros((len(some), len(others)))
    for part in range(0, some.shape[1], _EXACT):
        dots += some[:, part : part + _EXACT] @ others[:, part : part + _EXACT].T
    return dots
