"""Copies of what services answered, so that a page has something to show while they are away."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from news_web.public_paths import Service


class Question(NamedTuple):
    """What was asked: the answer may differ by each of these."""

    service: Service
    target: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Copy:
    """An answer.

    Attributes:
        body: its JSON; shared by all who read it, so nobody may change it.
        etag: asks whether it is still the same.
        asked_at: when the question left that it answers or that confirmed it, on a clock that never goes back.
        size: bytes on the wire.
    """

    body: Mapping[str, Any]
    etag: str | None
    asked_at: float
    size: int


class Copies:
    """The copies used last, up to so many bytes as they came over the wire.

    Args:
        most_bytes: of all together; an answer that would take more than a sixteenth of it is not kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[Question, Copy] = OrderedDict()

    def find(self, question: Question) -> Copy | None:
        """What was answered last, however old."""
        copy = self._kept.get(question)
        if copy is not None:
            self._kept.move_to_end(question)
        return copy

    def keep(self, question: Question, copy: Copy) -> None:
        """In place of what was answered before."""
        self.forget(question)
        if copy.size > self._most_bytes // 16:
            return
        self._kept[question] = copy
        self._bytes += copy.size
        while self._bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.size

    def forget(self, question: Question) -> None:
        """Because the service says that there is no such thing any more."""
        before = self._kept.pop(question, None)
        if before is not None:
            self._bytes -= before.size
