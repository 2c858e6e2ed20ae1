"""Where an article stands in a list, and how a page of a list is continued: newest first, ties by id."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from news_shared.article_ids import ArticleId
from news_shared.articles import Article
from news_shared.clock import epoch_ms
from news_shared.errors import PoisonError

_DATE_BYTES = 7
_BIAS_MS = 10**14  # dates before 1970 (down to the year 1) must not be negative
_LENGTH = _DATE_BYTES + 16


@dataclass(frozen=True, order=True)
class Position:
    """An article's place: greater is newer.

    As bytes it is the member of a sorted set whose scores are all 0: Redis compares members byte by byte, so a page
    begins exactly after any position in logarithmic time, also among thousands of articles of one moment.
    """

    date_ms: int
    id: ArticleId

    @classmethod
    def of(cls, article: Article) -> "Position":
        """The place of an article: by its date, but never later than when it reached us.

        A feed with a clock in the future (or a date that is one) must not lead every list for ever.
        """
        return cls(epoch_ms(min(article.date_published, article.first_published_at)), article.id)

    def encode(self) -> bytes:
        """23 bytes whose order is the order of positions."""
        return (self.date_ms + _BIAS_MS).to_bytes(_DATE_BYTES, "big") + UUID(self.id).bytes

    @classmethod
    def decode(cls, member: bytes) -> "Position":
        """The inverse of `encode`."""
        if len(member) != _LENGTH:
            raise ValueError(f"a position has {_LENGTH} bytes, not {len(member)}")
        date_ms = int.from_bytes(member[:_DATE_BYTES], "big") - _BIAS_MS
        return cls(date_ms, ArticleId(str(UUID(bytes=member[_DATE_BYTES:]))))


def cursor_after(position: Position) -> str:
    """The opaque text with which the page after this position is asked for.

    It names a place, not a number of rows: what arrives or goes meanwhile neither repeats nor hides an article.
    """
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def parse_cursor(text: str) -> Position:
    """The position behind a cursor.

    Raises:
        PoisonError: it is not one of ours.
    """
    try:
        return Position.decode(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise PoisonError("cursor: use the value of `next` from the page before, unchanged") from error


def newest(pages: Iterable[Iterable[Position]], limit: int) -> tuple[list[Position], Position | None]:
    """The newest of several partitions' newest, and the position to go on after when there are more.

    Each page must hold ``limit + 1`` positions or all that there are.
    """
    merged = sorted((position for page in pages for position in page), reverse=True)
    return merged[:limit], merged[limit - 1] if len(merged) > limit else None
