"""How much a key may do in a minute: what it used is given back evenly as time passes."""

from dataclasses import dataclass
from math import ceil
from typing import Final

_MINUTE: Final = 60.0
_PRUNED_AT: Final = 10_000


@dataclass
class _Used:
    amount: float
    at: float


class Allowances:
    """Counts one kind of thing for each key, in this process only; memory is bounded by the keys of the last minute.

    A key may use a whole minute's worth at once, and then as much as comes back: ``per_minute / 60`` a second.
    """

    def __init__(self) -> None:
        self._used: dict[str, _Used] = {}

    def __len__(self) -> int:
        """Keys that are remembered."""
        return len(self._used)

    def take(self, key: str, per_minute: int, wanted: int, now: float) -> int:
        """How many of those wanted the key may have now; they are noted as used.

        Args:
            key: whose allowance.
            per_minute: the allowance, at least 1.
            wanted: how many, at least 0.
            now: a monotonic clock in seconds.
        """
        used = self._of(key, per_minute, now)
        granted = max(0, min(wanted, int(per_minute - used.amount + 1e-6)))
        used.amount += granted
        return granted

    def take_back(self, key: str, granted: int) -> None:
        """Give back what was granted and not needed."""
        self._used[key].amount -= granted

    def wait(self, key: str, per_minute: int, wanted: int, now: float) -> int:
        """Whole seconds until so many could be had, at least 1; of more than a minute's worth, until the first are."""
        used = self._of(key, per_minute, now)
        lacking = min(wanted, per_minute) - (per_minute - used.amount)
        return max(1, ceil(lacking * _MINUTE / per_minute - 1e-6))

    def _of(self, key: str, per_minute: int, now: float) -> _Used:
        if len(self._used) >= _PRUNED_AT and key not in self._used:
            self._used = {name: used for name, used in self._used.items() if now - used.at < _MINUTE}
        used = self._used.setdefault(key, _Used(0.0, now))
        used.amount = max(0.0, used.amount - (now - used.at) * per_minute / _MINUTE)
        used.at = now
        return used
