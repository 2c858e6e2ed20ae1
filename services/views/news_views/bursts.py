"""How fast an address may send beacons: beyond one bound they do not count, beyond the other they are refused."""

from enum import Enum
from typing import Final

_WINDOW: Final = 60.0
_ADDRESSES: Final = 100_000


class Pace(Enum):
    """What to do with a beacon."""

    COUNT = "count"
    BURST = "burst"
    REFUSE = "refuse"


class Paces:
    """Counts beacons of each address in windows of a minute, in this process only; addresses never leave it.

    Args:
        burst: per minute; what exceeds it is a burst.
        limit: per minute; what exceeds it is refused.
    """

    def __init__(self, *, burst: int, limit: int) -> None:
        self._burst = burst
        self._limit = limit
        self._window_ends = 0.0
        self._counts: dict[bytes, int] = {}

    def of(self, address: bytes, now: float) -> Pace:
        """Note one beacon of this address; ``now`` is a monotonic clock in seconds."""
        if now >= self._window_ends or len(self._counts) >= _ADDRESSES:
            self._window_ends = now + _WINDOW
            self._counts = {}
        count = self._counts[address] = self._counts.get(address, 0) + 1
        if count > self._limit:
            return Pace.REFUSE
        return Pace.BURST if count > self._burst else Pace.COUNT
