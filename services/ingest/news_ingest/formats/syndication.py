"""RSS 0.9x to 2.0, RSS 1.0 (RDF) and Atom."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from news_ingest.formats.atom import fields_of_deleted, fields_of_entry
from news_ingest.formats.feed_elements import ATOM_FEEDS, Children, by_name, language_of, local_name, name_of
from news_ingest.formats.native import MAX_ITEMS
from news_ingest.formats.native_item import take_item
from news_ingest.formats.outcome import Reading, broken_off, rejection
from news_ingest.formats.rss import fields_of_rss_item
from news_ingest.formats.xml_documents import Element, XmlDocument, base_of, children, text_of
from news_shared.errors import PoisonError

_ROOTS = {"rss", "rdf", "feed", "channel"}


def is_feed(root: Element) -> bool:
    """Whether a document's root is that of RSS, RDF or Atom."""
    return local_name(root) in _ROOTS


def read_feed(document: XmlDocument, source: str, now: datetime, base: str | None = None) -> Reading:
    """Entries of a feed, in its order.

    Args:
        document: its XML.
        source: whose items these are.
        now: the time of arrival.
        base: the feed's own address.

    Raises:
        PoisonError: this is no feed.
    """
    root = document.root
    broken = document.warnings[-1] if document.warnings else ""
    if not is_feed(root) or (broken and not len(root)):
        raise PoisonError(
            f"This is neither RSS, Atom nor NewsML-G2: the first element is <{local_name(root)[:50]}>. {broken}".strip()
        )
    reading = Reading()
    for warning in document.warnings:
        reading.warn(warning)
    for index, (element, channel) in enumerate(_entries(root)):
        if index >= MAX_ITEMS:
            why = f"only the first {MAX_ITEMS:,} items of a feed are read"
            reading.rejected.append(rejection(index, None, "", why))
        else:
            said = _said(reading, index, element, channel, base or _home(channel))
            if element is document.unfinished:
                reading.rejected.append(broken_off(index, said.get("id") or said.get("url")))
                continue
            content_base = said.pop("content base", None)
            take_item(reading, index, said, source, now, base_of(element, base or _home(channel)), content_base)
    return reading


def _entries(root: Element) -> Iterator[tuple[Element, Children]]:
    """Entries with what their channel says; RDF has them beside the channel, and broken feeds anywhere."""
    channel_element = root
    if local_name(root) in {"rss", "rdf"}:
        channel_element = next((e for e in children(root) if local_name(e) == "channel"), root)
    channel = by_name(channel_element)
    for element in root.iter("{*}item", "{*}entry", "{*}deleted-entry"):
        yield element, channel


def _said(reading: Reading, index: int, element: Element, channel: Children, base: str | None) -> dict[str, Any]:
    """The fields of an entry."""
    said: dict[str, Any]
    if local_name(element) == "deleted-entry":
        said = fields_of_deleted(element)
    else:
        is_atom = name_of(element).startswith(ATOM_FEEDS)
        parts = by_name(element)
        said = fields_of_entry(element, parts, channel, base) if is_atom else fields_of_rss_item(parts)
        said["language"] = said.get("language") or language_of(element, parts, channel)
    for name in ("date_published", "date_modified"):
        if said.pop(f"{name} unreadable", False):
            reading.warn(f"{name} is no date", index)
    return said


def _home(channel: Children) -> str | None:
    for name in ("link", "atom:link"):
        for element in channel.get(name, ()):
            if address := element.get("href") or text_of(element):
                return str(address)
    return None
