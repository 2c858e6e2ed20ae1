"""What a beacon's HTTP request says, before anything is done with it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from news_shared.article_ids import ArticleId, parse_article_id, partition_of
from news_shared.errors import PoisonError
from news_shared.problems import BAD_REQUEST, INVALID, UNSUPPORTED, ProblemError

BODY_LIMIT = 4096
"""Bytes: room for the longest guid that makes sense."""

_EXAMPLE = 'Send {"article": "<id, or source:guid>"} as application/json or text/plain.'
_FORMATS = (b"", b"application/json", b"text/plain")
_KNOWN_BYTES = 256
_SAYING = frozenset(
    {
        b"user-agent",
        b"x-forwarded-for",
        b"content-type",
        b"sec-purpose",
        b"purpose",
        b"x-purpose",
        b"x-moz",
        b"sec-gpc",
        b"dnt",
    }
)


@dataclass(slots=True)
class BeaconHeaders:
    """The headers that decide something, as the browser sent them."""

    user_agent: bytes = b""
    forwarded_for: str = ""
    content_type: bytes = b""
    is_prefetch: bool = False
    is_opted_out: bool = False


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> BeaconHeaders:
    """Pick what matters from ASGI headers (names in lower case)."""
    found = BeaconHeaders()
    for name, value in headers:
        if name not in _SAYING:  # most are not; a look-up costs less than nine comparisons
            continue
        match name:
            case b"user-agent":
                found.user_agent = value
            case b"x-forwarded-for":
                more = value.decode("latin-1")
                found.forwarded_for = f"{found.forwarded_for},{more}" if found.forwarded_for else more
            case b"content-type":
                found.content_type = value.partition(b";")[0].strip().lower()
            case b"sec-purpose" | b"purpose" | b"x-purpose" | b"x-moz":
                found.is_prefetch = found.is_prefetch or is_prefetch(value.lower())
            case b"sec-gpc" | b"dnt":
                if value.strip() == b"1":
                    found.is_opted_out = True
            case _:
                pass
    return found


def is_prefetch(purpose: bytes) -> bool:
    """Whether a page was fetched or rendered before anybody asked for it, by the header that says so (lower case)."""
    return b"prefetch" in purpose or b"prerender" in purpose or b"preview" in purpose


def read_article(content_type: bytes, body: bytes, partitions: int) -> tuple[ArticleId, int]:
    """The article that a beacon is about, and its partition.

    Raises:
        ProblemError: 415, 400 or 422, with what to send instead.
    """
    if content_type not in _FORMATS:
        raise ProblemError(UNSUPPORTED, f"{content_type.decode('latin-1')[:100]} is not read here. {_EXAMPLE}")
    return _known_article(body, partitions) if len(body) <= _KNOWN_BYTES else _article(body, partitions)


def _article(body: bytes, partitions: int) -> tuple[ArticleId, int]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise ProblemError(BAD_REQUEST, f"The body is not JSON. {_EXAMPLE}") from None
    article = content.get("article") if isinstance(content, dict) else None
    if not isinstance(article, str):
        raise ProblemError(INVALID, f"article: a string is missing. {_EXAMPLE}")
    try:
        return placed(article, partitions)
    except (PoisonError, UnicodeEncodeError) as error:
        said = str(error) if isinstance(error, PoisonError) else "not valid Unicode"
        raise ProblemError(INVALID, f"article: {said}. {_EXAMPLE}") from None


_known_article = lru_cache(16_384)(_article)  # the same few articles are read all day; mistakes are not remembered


@lru_cache(16_384)
def placed(text: str, partitions: int) -> tuple[ArticleId, int]:
    """An article by our id or by ``source:guid``, and its partition.

    Raises:
        PoisonError, UnicodeEncodeError: it is neither.
    """
    article = parse_article_id(text)
    return article, partition_of(article, partitions)
