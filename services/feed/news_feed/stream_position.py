"""How far a reader of the stream has come: the next offset of each partition of ``news.articles``, as short text."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeAlias

from news_shared.errors import PoisonError

Offsets: TypeAlias = tuple[int, ...]
"""The next offset of each partition."""

_MAX_OFFSET_BITS = 63


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
