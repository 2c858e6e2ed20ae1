"""What was used last, within so many bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RecentlyUsed(Generic[K, V]):
    """Keeps what was used last.

    Args:
        most_bytes: of all together; what would take more than a sixteenth of it is not kept.
        size: bytes of one.
    """

    def __init__(self, most_bytes: int, size: Callable[[V], int]) -> None:
        self._most_bytes = most_bytes
        self._size = size
        self._bytes = 0
        self._kept: OrderedDict[K, V] = OrderedDict()

    def find(self, key: K) -> V | None:
        """What is kept under a key; it has been used now."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: K, value: V) -> None:
        """In place of what was kept under it before."""
        self.forget(key)
        if self._size(value) > self._most_bytes // 16:
            return
        self._kept[key] = value
        self._bytes += self._size(value)
        while self._bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= self._size(oldest)

    def forget(self, key: K) -> None:
        """Whether or not it was kept."""
        before = self._kept.pop(key, None)
        if before is not None:
            self._bytes -= self._size(before)
