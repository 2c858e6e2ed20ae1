"""How far a reader of the stream has come: the next offset of each partition of ``news.articles``, as short text."""

import base64
import binascii
from collections.abc import Sequence
from typing import Final, TypeAlias

from news_shared.errors import PoisonError

Offsets: TypeAlias = tuple[int, ...]
"""The next offset of each partition."""

_MAX_OFFSET_BITS = 63
_MOST_PARTITIONS = 1024
"""That `NEWS_PARTITIONS` may be."""
LONGEST_POSITION: Final = -(-_MOST_PARTITIONS * (_MAX_OFFSET_BITS // 7) * 8 // 6)
"""Characters of the longest id that there can be. Those that there are fit into a header of 8 kB, which proxies let
through, as long as none of 1,024 partitions has more than 34 thousand million records."""


def position_text(offsets: Sequence[int]) -> str:
    """An event's ``id``: variable-length integers, seven bits a byte, in base64url without padding."""
    written = bytearray()
    for offset in offsets:
        while offset > 0x7F:
            written.append(0x80 | offset & 0x7F)
            offset >>= 7
        written.append(offset)
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


def parse_position(text: str, partitions: int) -> Offsets:
    """The inverse of `position_text`.

    Raises:
        PoisonError: it is no id of this stream.
    """
    try:
        written = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        written = b""
    offsets, offset, bits = [], 0, 0
    for byte in written:
        offset |= (byte & 0x7F) << bits
        bits += 7
        if bits > _MAX_OFFSET_BITS:
            break
        if byte < 0x80:
            offsets.append(offset)
            offset, bits = 0, 0
    if bits or len(offsets) != partitions:
        raise PoisonError(
            "Last-Event-ID: use the id of an event of this stream, unchanged, or none to begin with what comes next"
        )
    return tuple(offsets)
