"""Where an article stands in lists by time: bytes whose order is the order of time, ties by id."""

import base64
import binascii
from typing import NamedTuple

from news_shared.article_ids import ArticleId
from news_shared.articles import Article
from news_shared.clock import epoch_ms
from news_shared.errors import PoisonError

_DATE_BYTES = 7
_BIAS_MS = 10**14  # dates before 1970 (down to the year 1) must not be negative

ID_BYTES = 16
LENGTH = _DATE_BYTES + ID_BYTES


class Position(NamedTuple):
    """An article's place: greater is newer."""

    date_ms: int
    id: ArticleId

    @classmethod
    def of(cls, article: Article) -> "Position":
        """By the article's date, but never later than when it reached us: a clock in the future leads no list."""
        return cls(epoch_ms(min(article.date_published, article.first_published_at)), article.id)

    def encode(self) -> bytes:
        """As the end of a sorted set's member; Redis compares members byte by byte where the scores are equal."""
        return date_bytes(self.date_ms) + id_bytes(self.id)

    @classmethod
    def decode(cls, member: bytes) -> "Position":
        """The inverse of `encode`.

        Raises:
            ValueError: these bytes are no position.
        """
        if len(member) != LENGTH:
            raise ValueError(f"a position has {LENGTH} bytes, not {len(member)}")
        date_ms = int.from_bytes(member[:_DATE_BYTES], "big") - _BIAS_MS
        return cls(date_ms, id_from(member[_DATE_BYTES:]))


def id_bytes(key: ArticleId) -> bytes:
    """An id in `ID_BYTES` bytes."""
    return bytes.fromhex(key.replace("-", ""))


def id_from(packed: bytes) -> ArticleId:
    """The id in `ID_BYTES` bytes; `UUID` takes three times as long, and a list reads hundreds."""
    digits = packed.hex()
    return ArticleId(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")


def date_bytes(date_ms: int) -> bytes:
    """How positions of a moment begin."""
    return (date_ms + _BIAS_MS).to_bytes(_DATE_BYTES, "big")


def cursor_of(place: bytes) -> str:
    """Opaque text with which the page after a place is asked for."""
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def parse_cursor(cursor: str) -> bytes:
    """The inverse of `cursor_of`.

    Raises:
        PoisonError: this text was never a cursor.
    """
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise PoisonError(f"cursor {cursor[:80]!r} is not one that a page gave as next") from error
