"""Copies of what services answered, so that a page has something to show while they are away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from news_shared.recently_used import RecentlyUsed
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
        size: bytes of question and answer on the wire.
    """

    body: Mapping[str, Any]
    etag: str | None
    asked_at: float
    size: int


BESIDES: Final = 640
"""Bytes that a copy takes beside what came over the wire: the smallest answer, read, with all that keeps it."""

Copies: TypeAlias = RecentlyUsed[Question, Copy]


def copies_of(most_bytes: int) -> Copies:
    """No copies yet; never more than so many bytes, as they come over the wire and with what each takes besides."""
    return RecentlyUsed(most_bytes, lambda copy: copy.size + BESIDES)
