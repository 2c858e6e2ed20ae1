"""Open sessions: when each reader last opened each article, for as long as that can still decide anything."""

from functools import lru_cache
from typing import Final, Self

import numpy as np
import numpy.typing as npt

Moments = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

_NO_KEY: Final = np.uint64(0)
_NEVER: Final = np.iinfo(np.int64).min // 2
_SPREAD: Final = np.uint64(0x9E37_79B9_7F4A_7C15)  # Fibonacci hashing: the high bits of the product are the place
_SMALLEST: Final = 10  # bits


@lru_cache(maxsize=50_000)
def article_key(article: str) -> int:
    """64 bits of an article's id, as good as the id itself: it is a hash already."""
    number = int(article.replace("-", ""), 16)
    return (number ^ number >> 64) & 0xFFFF_FFFF_FFFF_FFFF


def session_keys(articles: Keys, readers: Keys) -> Keys:
    """One key for an article (see `article_key`) and a reader's hash.

    Two sessions out of ten million have the same one with a chance of one in 300,000; what is counted then is still
    the same in every process.
    """
    keys = (articles * _SPREAD) ^ readers
    keys[keys == _NO_KEY] = 1
    return keys


class OpenSessions:
    """Who would repeat now. Entries go away one or two session lengths after their last use, a whole table at once.

    Times are the partition clock in milliseconds and must not go back between calls, except within the grace of
    beacons that were kept; what they open late is only there for as long as it matters.
    """

    def __init__(self, session_ms: int) -> None:
        self._session_ms = session_ms
        self._current = _Table(_SMALLEST)
        self._former = _Table(_SMALLEST)
        self._newest = 0
        self._turns_at = 0

    @property
    def entries(self) -> int:
        """How many are in memory now."""
        return self._current.entries + self._former.entries

    @property
    def nbytes(self) -> int:
        """What they take."""
        return self._current.nbytes + self._former.nbytes

    def renew(self, keys: Keys, former_keys: Keys, has_former: Mask, clocks: Moments) -> Mask:
        """Note countable beacons in the order of the log; True where one opens a session, which makes it a view.

        Around a change of salts a reader has two hashes: either open session makes it a repeat, and both are renewed,
        because a process that has not changed yet may still send the old one.

        Args:
            keys: of each beacon, see `session_keys`.
            former_keys: the same with the former salt.
            has_former: where that one means something.
            clocks: the partition's clock at each beacon.
        """
        if not keys.size:
            return np.zeros(0, np.bool_)
        if clocks[0] >= self._turns_at:
            self._turn(int(clocks[0]))
        self._newest = max(self._newest, int(clocks.max()))  # beacons that waited may come last, with older clocks
        second = np.flatnonzero(has_former & (former_keys != keys))
        if not second.size:
            return clocks - self._touch(keys, clocks, np.argsort(keys, kind="stable")) >= self._session_ms
        touched = np.concatenate((keys, former_keys[second]))
        beacons = np.concatenate((np.arange(keys.size), second))
        last = self._touch(touched, clocks[beacons], np.lexsort((beacons, touched)))
        latest = last[: keys.size].copy()
        latest[second] = np.maximum(latest[second], last[keys.size :])
        return clocks - latest >= self._session_ms

    def _touch(self, keys: Keys, clocks: Moments, order: npt.NDArray[np.intp]) -> Moments:
        """Set each key to its clock, in this order; returns what each found."""
        sorted_keys, sorted_clocks = keys[order], clocks[order]
        is_first = np.empty(keys.size, np.bool_)
        is_first[0] = True
        np.not_equal(sorted_keys[1:], sorted_keys[:-1], out=is_first[1:])
        firsts = np.flatnonzero(is_first)
        lasts = np.append(firsts[1:], keys.size) - 1
        before = np.empty_like(sorted_clocks)
        before[1:] = sorted_clocks[:-1]  # within a run of one key each finds the one before it
        distinct = sorted_keys[firsts]
        before[firsts] = self._stored(distinct)
        self._current.put(distinct, sorted_clocks[lasts])
        found = np.empty_like(before)
        found[order] = before
        return found

    def _stored(self, keys: Keys) -> Moments:
        clocks = self._current.get(keys)
        if self._former.entries:
            missing = np.flatnonzero(clocks == _NEVER)
            clocks[missing] = self._former.get(keys[missing])
        return clocks

    def _turn(self, clock_ms: int) -> None:
        """What was last used before the turn before is over by now, whoever it was."""
        smallest = _Table(_SMALLEST)
        self._former = self._current if clock_ms < self._newest + self._session_ms else smallest
        self._current = _Table.for_entries(self._former.entries)
        self._turns_at = clock_ms + self._session_ms


class _Table:
    """Open addressing: 16 bytes a place, between a third and two thirds of the places taken, nothing ever removed."""

    def __init__(self, bits: int) -> None:
        self._clear(bits)

    def _clear(self, bits: int) -> None:
        self._shift = np.uint64(64 - bits)
        self._last_place = (1 << bits) - 1
        self._keys = np.zeros(1 << bits, np.uint64)
        self._clocks = np.zeros(1 << bits, np.int64)
        self.entries = 0

    @classmethod
    def for_entries(cls, entries: int) -> Self:
        """Room for so many before it has to grow."""
        return cls(max(_SMALLEST, (entries * 3 // 2).bit_length()))

    @property
    def nbytes(self) -> int:
        return self._keys.nbytes + self._clocks.nbytes

    def get(self, keys: Keys) -> Moments:
        """The clock of each key, `_NEVER` where it has none."""
        clocks = np.full(keys.size, _NEVER, np.int64)
        waiting = np.arange(keys.size)
        places = self._places(keys)
        while waiting.size:
            held = self._keys[places]
            is_found = held == keys[waiting]
            clocks[waiting[is_found]] = self._clocks[places[is_found]]
            goes_on = ~is_found & (held != _NO_KEY)
            waiting, places = waiting[goes_on], (places[goes_on] + 1) & self._last_place
        return clocks

    def put(self, keys: Keys, clocks: Moments) -> None:
        """Set the clocks of these keys, each of which occurs once."""
        if (self.entries + keys.size) * 3 > self._keys.size * 2:
            self._grow(self.entries + keys.size)
        places = self._places(keys)
        while keys.size:
            is_free = self._keys[places] == _NO_KEY
            self._keys[places[is_free]] = keys[is_free]  # of several that want one place the last gets it
            is_there = self._keys[places] == keys
            self._clocks[places[is_there]] = clocks[is_there]
            self.entries += int(np.count_nonzero(is_there & is_free))
            goes_on = ~is_there
            keys, clocks, places = keys[goes_on], clocks[goes_on], (places[goes_on] + 1) & self._last_place

    def _places(self, keys: Keys) -> npt.NDArray[np.intp]:
        return (keys * _SPREAD >> self._shift).astype(np.intp)

    def _grow(self, entries: int) -> None:
        taken = self._keys != _NO_KEY
        keys, clocks = self._keys[taken], self._clocks[taken]
        self._clear((entries * 2).bit_length())
        self.put(keys, clocks)
