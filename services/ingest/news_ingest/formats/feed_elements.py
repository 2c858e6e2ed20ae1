"""What the dialects of feeds have in common: names across namespaces, texts, dates, people, pictures."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from news_ingest.formats.dates import moment_of
from news_ingest.formats.xml_documents import Element, children, inherited, text_of
from news_shared.languages import language_tag

Children = Mapping[str, Sequence[Element]]
"""Elements by the name that everybody calls them, such as ``dc:creator``, whatever their prefix is here."""

ATOM_FEEDS = "atom:"
_NAMESPACES = {
    "http://purl.org/rss/1.0": "",
    "http://my.netscape.com/rdf/simple/0.9": "",
    "http://channel.netscape.com/rdf/simple/0.9": "",
    "http://my.netscape.com/publish/formats/rss-0.91.dtd": "",
    "http://backend.userland.com/rss2": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://purl.org/rss/1.0/modules/content": "content:",
    "http://purl.org/dc/elements/1.1": "dc:",
    "http://purl.org/dc/elements/1.0": "dc:",
    "http://purl.org/dc/terms": "dcterms:",
    "http://search.yahoo.com/mrss": "media:",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "http://www.w3.org/2005/atom": "atom:",
    "http://purl.org/atom/ns#": "atom:",
    "http://purl.org/atom/app#": "app:",
    "http://www.w3.org/2007/app": "app:",
    "http://purl.org/atompub/tombstones/1.0": "at:",
    "http://www.w3.org/1999/xhtml": "xhtml:",
}
_MAILBOX = re.compile(r"[^\s@]+@[^\s@()]+\s+\((.+)\)")
_NAMED_ADDRESS = re.compile(r"(.+?)\s*<[^<>\s]+@[^<>\s]+>")
_MAX_PEOPLE, _MAX_TAGS, _MAX_NAME = 50, 100, 300
_MAX_SUMMARY = 20_000


def name_of(element: Element) -> str:
    """The name with its usual prefix, in lower case: ``dc:creator``, ``item``, ``atom:entry``."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    if tag[0] != "{":
        return tag.lower()  # also with a prefix that is declared nowhere
    namespace, _, local = tag[1:].rpartition("}")
    return _NAMESPACES.get(namespace.rstrip("/").lower(), f"{namespace}:") + local.lower()


def local_name(element: Element) -> str:
    """The name without namespace and prefix, in lower case."""
    return name_of(element).rpartition(":")[2]


def by_name(element: Element) -> Children:
    """An element's children by name."""
    named: dict[str, list[Element]] = defaultdict(list)
    for child in children(element):
        named[name_of(child)].append(child)
    return named


def first_text(parts: Children, *names: str) -> str | None:
    """The text of the first of these elements that has one."""
    for name in names:
        for element in parts.get(name, ()):
            if text := text_of(element):
                return text
    return None


def dates(parts: Children, published: Sequence[str], modified: Sequence[str]) -> dict[str, Any]:
    """``date_published`` and ``date_modified`` of an item, and which of them is written but is no date."""
    fields: dict[str, Any] = {}
    for name, elements in (("date_published", published), ("date_modified", modified)):
        texts = [text for element in elements if (text := first_text(parts, element))]
        fields[name] = next((moment for text in texts if (moment := moment_of(text))), None)
        fields[f"{name} unreadable"] = bool(texts) and fields[name] is None
    if fields["date_published"] is None:
        fields["date_published"], fields["date_modified"] = fields["date_modified"], None
    first, last = fields["date_published"], fields["date_modified"]
    if isinstance(first, datetime) and isinstance(last, datetime) and last < first:
        fields["date_modified"] = None  # somebody's clock
    return fields


def person(written: str, url: str | None = None) -> dict[str, Any] | None:
    """A person as RSS writes one: ``desk@a.example (The Desk)``, ``The Desk <desk@a.example>``, or a name."""
    named = _MAILBOX.fullmatch(written.strip()) or _NAMED_ADDRESS.fullmatch(written.strip())
    name = (named[1] if named else written).strip(" \"'")[:_MAX_NAME].strip()
    return {"name": name, "url": url} if name else None


def people(found: Iterator[dict[str, Any] | None]) -> list[dict[str, Any]]:
    """Those that have names, each once."""
    return list({one["name"]: one for one in found if one}.values())[:_MAX_PEOPLE]


def tags(found: Iterator[str | None]) -> list[str]:
    """Those that say something, each once."""
    return list(dict.fromkeys(tag for tag in found if tag))[:_MAX_TAGS]


def summary_of(text: str | None) -> str | None:
    """A summary within what is taken."""
    return text[:_MAX_SUMMARY] if text else None


def picture(parts: Children) -> str | None:
    """The address of an item's picture: Media RSS, then an enclosure, then what podcasts use."""
    groups = [by_name(group) for group in parts.get("media:group", ())]
    for named in (parts, *groups):
        for element in (*named.get("media:content", ()), *named.get("media:thumbnail", ())):
            kind = (element.get("medium", "image"), element.get("type", "image/").partition("/")[0])
            if element.get("url") and kind == ("image", "image"):
                return str(element.get("url"))
            for inner in children(element):
                if name_of(inner) == "media:thumbnail" and inner.get("url"):
                    return str(inner.get("url"))
    for element in parts.get("enclosure", ()):
        if element.get("type", "").startswith("image/") and element.get("url"):
            return str(element.get("url"))
    return next((str(e.get("href")) for e in parts.get("itunes:image", ()) if e.get("href")), None)


def language_of(element: Element, parts: Children, channel: Children) -> str | None:
    """The language of an entry: its own, that of its text, that of the feed; None where no tag of BCP 47 says it."""
    inside = (
        inherited(text, "lang")
        for name in ("content", "atom:content", "content:encoded", "title", "atom:title")
        for text in parts.get(name, ())
    )
    said = (
        first_text(parts, "dc:language", "language"),
        *inside,
        inherited(element, "lang"),
        first_text(channel, "language", "dc:language"),
    )
    return next((tag for text in said if text and (tag := language_tag(text))), None)
