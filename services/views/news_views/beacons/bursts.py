"""How fast an address may send beacons: beyond one bound they do not count, beyond the other they are refused."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

_WINDOW: Final = 60.0
_MINUTE_MS: Final = 60_000
_ADDRESSES: Final = 100_000
_MINUTES: Final = 12  # beacons of servers are at most 10 minutes late


class Pace(Enum):
    """What to do with a beacon."""

    COUNT = "count"
    BURST = "burst"
    REFUSE = "refuse"


class Minute(NamedTuple):
    """What came in a minute: beacons, and how many of them from the address that sent most, or nobody knows whose."""

    beacons: int
    of_busiest: int
    of_proxies: int = 0


class Paces:
    """Counts beacons of each address in windows of a minute, in this process only; addresses never leave it.

    Args:
        burst: per minute; what exceeds it is a burst.
        limit: per minute; what exceeds it is refused.

    Attributes:
        last_minute: the last one that is over and had beacons.
    """

    def __init__(self, *, burst: int, limit: int) -> None:
        self._burst = burst
        self._limit = limit
        self._window_ends = 0.0
        self._counts: dict[bytes, int] = {}
        self._not_written: dict[bytes, int] = {}
        self._of_proxies = 0
        self.last_minute = Minute(0, 0)

    def of(self, address: bytes, now: float) -> Pace:
        """Note one beacon of this address; ``now`` is a monotonic clock in seconds."""
        if now >= self._window_ends or len(self._counts) >= _ADDRESSES:
            self._begin_window(now)
        count = self._counts[address] = self._counts.get(address, 0) + 1
        if count > self._limit:
            return Pace.REFUSE
        if count <= self._burst:
            return Pace.COUNT
        return Pace.BURST if count - self._not_written.get(address, 0) > self._burst else Pace.COUNT

    def of_proxy(self, now: float) -> None:
        """Note one that a proxy of ours sent and did not say for whom: it has no pace, as all its readers are one."""
        if now >= self._window_ends:
            self._begin_window(now)
        self._of_proxies += 1

    def _begin_window(self, now: float) -> None:
        self._window_ends = now + _WINDOW
        if self._counts or self._of_proxies:
            known = self._counts.values()
            self.last_minute = Minute(sum(known) + self._of_proxies, max(known, default=0), self._of_proxies)
        self._counts, self._not_written, self._of_proxies = {}, {}, 0

    def forget(self, now: float) -> None:
        """Let go of the addresses of a window that is over, also while none comes."""
        if now >= self._window_ends and (self._counts or self._of_proxies):
            self._begin_window(now)

    def was_not_written(self, address: bytes, noted_at: float) -> None:
        """One that was noted at this moment failed and comes again: it is no part of a burst.

        It still is one of those that may be refused: what fails costs as much.
        """
        if noted_at >= self._window_ends - _WINDOW:
            self._not_written[address] = self._not_written.get(address, 0) + 1


PaceOf: TypeAlias = Callable[[bytes, int], Pace]
"""Notes one beacon of an address, made at a time in ms."""


class MinutePaces:
    """The same for beacons that come late and in any order: counted in the minute that each was made in.

    Args:
        burst: per minute; what exceeds it is a burst. Nothing is refused: the sender is not the reader.
    """

    def __init__(self, *, burst: int) -> None:
        self._burst = burst
        self._minutes: dict[int, dict[bytes, int]] = {}

    @contextmanager
    def request(self) -> Iterator[PaceOf]:
        """Note the beacons of one request; they are taken back when it fails, because all of it is then sent again."""
        noted: Counter[tuple[int, bytes]] = Counter()

        def of(address: bytes, time_ms: int) -> Pace:
            minute = time_ms // _MINUTE_MS
            noted[minute, address] += 1
            return self._of(address, minute)

        try:
            yield of
        except BaseException:
            self._take_back(noted)
            raise

    def _of(self, address: bytes, minute: int) -> Pace:
        counts = self._minutes.get(minute)
        if counts is None or len(counts) >= _ADDRESSES:
            counts = self._minutes[minute] = {}
            if len(self._minutes) > _MINUTES:  # the furthest, which is a later one when the clock was set back
                del self._minutes[max(self._minutes, key=lambda other: abs(other - minute))]
        count = counts[address] = counts.get(address, 0) + 1
        return Pace.BURST if count > self._burst else Pace.COUNT

    def forget(self, now_ms: int) -> None:
        """Let go of minutes that no beacon can be of any more, or of yet."""
        newest = now_ms // _MINUTE_MS
        self._minutes = {m: counts for m, counts in self._minutes.items() if newest - _MINUTES < m <= newest}

    def _take_back(self, noted: Mapping[tuple[int, bytes], int]) -> None:
        for (minute, address), beacons in noted.items():
            counts = self._minutes.get(minute, {})
            if address in counts:
                counts[address] = max(0, counts[address] - beacons)
