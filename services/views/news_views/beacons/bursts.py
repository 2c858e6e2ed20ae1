"""How fast an address may send beacons: beyond one bound they do not count, beyond the other they are refused."""

from enum import Enum
from typing import Final, NamedTuple

_WINDOW: Final = 60.0
_ADDRESSES: Final = 100_000
_MINUTES: Final = 12  # beacons of servers are at most 10 minutes late


class Pace(Enum):
    """What to do with a beacon."""

    COUNT = "count"
    BURST = "burst"
    REFUSE = "refuse"


class Minute(NamedTuple):
    """What came in a minute: beacons, and how many of them from the address that sent most."""

    beacons: int
    of_busiest: int


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
        self.last_minute = Minute(0, 0)

    def of(self, address: bytes, now: float) -> Pace:
        """Note one beacon of this address; ``now`` is a monotonic clock in seconds."""
        if now >= self._window_ends or len(self._counts) >= _ADDRESSES:
            self._window_ends = now + _WINDOW
            if self._counts:
                self.last_minute = Minute(sum(self._counts.values()), max(self._counts.values()))
            self._counts = {}
        count = self._counts[address] = self._counts.get(address, 0) + 1
        if count > self._limit:
            return Pace.REFUSE
        return Pace.BURST if count > self._burst else Pace.COUNT


class MinutePaces:
    """The same for beacons that come late and in any order: counted in the minute that each was made in.

    Args:
        burst: per minute; what exceeds it is a burst. Nothing is refused: the sender is not the reader.
    """

    def __init__(self, *, burst: int) -> None:
        self._burst = burst
        self._minutes: dict[int, dict[bytes, int]] = {}

    def of(self, address: bytes, time_ms: int) -> Pace:
        """Note one beacon of this address, made at this time."""
        minute = time_ms // 60_000
        counts = self._minutes.get(minute)
        if counts is None or len(counts) >= _ADDRESSES:
            counts = self._minutes[minute] = {}
            if len(self._minutes) > _MINUTES:
                del self._minutes[min(self._minutes)]
        count = counts[address] = counts.get(address, 0) + 1
        return Pace.BURST if count > self._burst else Pace.COUNT
