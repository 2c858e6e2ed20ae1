"""Which format a document is in: by what the caller says, else by its content."""

from datetime import datetime
from enum import StrEnum

from news_ingest.formats.native import read_json
from news_ingest.formats.outcome import Reading
from news_ingest.formats.syndication import read_feed


class Format(StrEnum):
    """Names for ``?format=``."""

    JSON = "json"
    NDJSON = "ndjson"
    JSON_FEED = "jsonfeed"
    RSS = "rss"
    ATOM = "atom"


_BY_TYPE = {
    "application/json": Format.JSON,
    "application/feed+json": Format.JSON_FEED,
    "application/x-ndjson": Format.NDJSON,
    "application/ndjson": Format.NDJSON,
    "application/jsonl": Format.NDJSON,
    "application/rss+xml": Format.RSS,
    "application/rdf+xml": Format.RSS,
    "application/atom+xml": Format.ATOM,
    "application/xml": Format.RSS,
    "text/xml": Format.RSS,
}
_TELLS_NOTHING = {"", "application/octet-stream", "text/plain", "application/x-www-form-urlencoded"}
KNOWN = ", ".join(sorted(_BY_TYPE))


def format_of(name: str | None, content_type: str, beginning: bytes) -> Format | None:
    """The format; None when neither the name, nor the type, nor the first bytes tell."""
    if name:
        return Format(name) if name in set(Format) else None
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _BY_TYPE:
        return _BY_TYPE[media_type]
    if media_type not in _TELLS_NOTHING:
        return None
    start = beginning.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in {b"{", b"["}:
        return Format.JSON
    return Format.RSS if start == b"<" else None


def read_document(form: Format, body: bytes, content_type: str, source: str, now: datetime) -> Reading:
    """Read a whole document of any format but NDJSON.

    Raises:
        PoisonError: it cannot be read at all.
    """
    if form in {Format.RSS, Format.ATOM}:
        return read_feed(body, content_type, source, now)
    return read_json(body, source, now)
