"""Which format a document is in: by what the caller says, else by its content."""

import re
from datetime import datetime
from enum import StrEnum

from news_ingest.formats.native import read_json
from news_ingest.formats.newsml import is_newsml, read_newsml
from news_ingest.formats.outcome import Reading
from news_ingest.formats.syndication import read_feed
from news_ingest.formats.xml_documents import read_xml


class Format(StrEnum):
    """Names for ``?format=``."""

    JSON = "json"
    NDJSON = "ndjson"
    JSON_FEED = "jsonfeed"
    NINJS = "ninjs"
    RSS = "rss"
    ATOM = "atom"
    NEWSML = "newsml-g2"


BY_TYPE = {
    "application/json": Format.JSON,
    "application/feed+json": Format.JSON_FEED,
    "application/vnd.iptc.ninjs+json": Format.NINJS,
    "application/x-ndjson": Format.NDJSON,
    "application/ndjson": Format.NDJSON,
    "application/jsonl": Format.NDJSON,
    "application/rss+xml": Format.RSS,
    "application/rdf+xml": Format.RSS,
    "application/atom+xml": Format.ATOM,
    "application/vnd.iptc.g2.newsitem+xml": Format.NEWSML,
    "application/vnd.iptc.g2.newsmessage+xml": Format.NEWSML,
    "application/xml": Format.RSS,
    "text/xml": Format.RSS,
}
_TELLS_NOTHING = {"", "application/octet-stream", "text/plain", "application/x-www-form-urlencoded"}
_FOR_PAGES = {"text/html", "application/xhtml+xml"}  # what many servers say of their feeds
_FEED = re.compile(rb"<(?:\w+:)?(?:rss|feed|rdf|newsItem|newsMessage)[\s>]", re.IGNORECASE)
KNOWN = ", ".join(sorted(BY_TYPE))


def format_of(name: str | None, content_type: str, beginning: bytes) -> Format | None:
    """The format; None when neither the name, nor the type, nor the first bytes tell.

    Which kind of XML or JSON a document is, its root and its fields tell when it is read; here only the family counts.
    """
    if name:
        return Format(name) if name in set(Format) else None
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in BY_TYPE:
        return BY_TYPE[media_type]
    start = beginning.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n")
    if media_type in _FOR_PAGES:
        return Format.RSS if _FEED.search(start) else None
    if media_type.endswith("+json"):
        return Format.JSON
    if media_type.endswith("+xml"):
        return Format.RSS
    if media_type not in _TELLS_NOTHING:
        return None
    if start[:1] in {b"{", b"["}:
        return Format.JSON
    return Format.RSS if start[:1] == b"<" else None


def read_document(
    form: Format,
    body: bytes,
    content_type: str,
    source: str,
    now: datetime,
    base: str | None = None,
    *,
    may_be_one: bool = True,
) -> Reading:
    """Read a whole document of any format but NDJSON.

    Args:
        form: its family: what is XML, or JSON, of another kind than was said is read as what it is.
        body: its bytes.
        content_type: the header, for its charset.
        source: whose items these are.
        now: the time of arrival; it stands in for a date that is missing.
        base: the address that the document came from.
        may_be_one: whether JSON may be one item, and not a list of them.

    Raises:
        PoisonError: it cannot be read at all.
    """
    if form not in {Format.RSS, Format.ATOM, Format.NEWSML}:
        return read_json(body, source, now, content_type, base, ninjs=form is Format.NINJS, may_be_one=may_be_one)
    document = read_xml(body, content_type)
    if is_newsml(document.root):
        return read_newsml(document, source, now, base)
    return read_feed(document, source, now, base)
