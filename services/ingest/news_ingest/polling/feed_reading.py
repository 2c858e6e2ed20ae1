"""From what a server sent to items: which format it is, told by the bytes before it is told by the server."""

import codecs
import re
from datetime import datetime

from news_ingest.formats.detection import Format, format_of, read_document
from news_ingest.formats.outcome import Reading
from news_shared.errors import PoisonError

_DECLARED = re.compile(rb"""(<\?xml[^>]{0,200}?)\s+encoding\s*=\s*["'][^"']*["']""")

_NO_ENCODINGS = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"}  # escapes of text


def read_feed_document(
    body: bytes, content_type: str, source: str, now: datetime, encoding: str | None, base: str | None = None
) -> Reading:
    """Read a fetched document.

    Args:
        body: as it came, decompressed.
        content_type: of the answer; believed where the bytes do not tell.
        source: whose items they become.
        now: for items without a date.
        encoding: the operator's word on the encoding, against what the document says.
        base: the address that the document came from; relative links are resolved against it.

    Raises:
        PoisonError: it is no feed.
    """
    if encoding is not None:
        body, content_type = _recoded(body, encoding), f"{content_type.partition(';')[0] or 'text/xml'}; charset=utf-8"
    beginning = body[:200]
    form = format_of(None, "", beginning) or format_of(None, content_type, beginning)
    if form is None or form is Format.NDJSON:
        raise PoisonError(
            f"{content_type[:100] or 'a document without a type'} is no feed, and its beginning tells none"
        )
    if not body.strip():
        raise PoisonError("the document is empty")
    media_type, semicolon, parameters = content_type.partition(";")
    if form is not Format.JSON and "xml" not in media_type:
        content_type = f"text/xml{semicolon}{parameters}"  # else the type decides that it is no feed
    return read_document(form, body, content_type, source, now, base, may_be_one=False)


def known_encoding(name: str) -> bool:
    """Whether documents can be read in an encoding of this name."""
    try:
        codec = codecs.lookup(name)
        return codec.name not in _NO_ENCODINGS and "<rss>".encode(name).decode(name) == "<rss>"
    except (LookupError, ValueError):  # also of names that are none
        return False


def _recoded(body: bytes, encoding: str) -> bytes:
    text = body.decode(encoding, errors="replace").removeprefix("\ufeff")
    return _DECLARED.sub(rb"\1", text.encode("utf-8", errors="replace"), count=1)
