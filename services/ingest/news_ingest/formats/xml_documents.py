"""Reading XML of strangers: no entities, no document types, nothing from outside, nothing without bounds."""

import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from html import escape, unescape
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from news_ingest.formats.encodings import decoded, mended_controls
from news_ingest.text import fit
from news_shared.errors import PoisonError

Element = Any  # lxml ships no types

MAX_XML_BYTES = 8_000_000  # one wide character makes the text four times as large
_MAX_MARKS = 500_000
_BEFORE_ROOT = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_PROLOGUE_WITHIN = 2_000_000
_JUNK = 20_000  # what a server's own errors may fill before the document begins
_DECLARATION = re.compile(r"<\?xml\s")
_ROOT = re.compile(r"<[?!A-Za-z_]")
_ELEMENT = re.compile(r"<[A-Za-z_]")
_LATIN_CONTROL = re.compile(r"&#(?:1[2-5]\d|x[89][0-9a-f]);", re.IGNORECASE)
_REFERENCE = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos);)(#\d{1,9};|#x[0-9a-f]{1,8};|\w{0,40};?)",
    re.DOTALL | re.IGNORECASE,
)
_PARSED_FROM = re.compile(r" \(<string>, line \d+\)$")
_ITEMS = ("{*}item", "{*}entry", "{*}deleted-entry", "{*}newsItem")
_BOUNDS = re.compile(
    rb"<(?:[\w.-]{1,50}:)?(?:item|entry|deleted-entry|newsItem)(?:\s[^<>]{0,2000})?(?<!/)>"
    rb"|</(?:[\w.-]{1,50}:)?(?:item|entry|deleted-entry|newsItem|channel|feed|rss|rdf|newsMessage)\s*>",
    re.IGNORECASE,
)
_KEPT = frozenset("<>&\"'")
XML = "{http://www.w3.org/XML/1998/namespace}"


@dataclass(frozen=True)
class XmlDocument:
    """The root of a document, and what was wrong with it."""

    root: Element
    warnings: list[str]
    unfinished: Element | None = None
    """The item in which it breaks off: half an article must not replace a whole one."""


def read_xml(body: bytes, content_type: str) -> XmlDocument:
    """Parse a document; what is not well-formed gives what can be had, with a warning.

    Raises:
        PoisonError: there is no element in it, or it is too large.
    """
    if len(body) > MAX_XML_BYTES:
        raise PoisonError(f"The document has {len(body):,} bytes; at most {MAX_XML_BYTES:,} are read at once")
    text, warning = decoded(body, content_type)
    warnings = [warning] if warning else []
    if (right := mended_controls(text)) != text:
        text = right
        warnings.append("text that was encoded twice was put right")
    text = _without_prologue(fit(text))
    if "&#" in text:  # numbers of windows-1252 where those of Unicode should be: people's apostrophes
        text = _LATIN_CONTROL.sub(lambda found: unescape(found[0]), text)
    for what, mark in (("tags", "<"), ("attributes", "="), ("references", "&")):
        if (count := text.count(mark)) > _MAX_MARKS:
            raise PoisonError(f"The document has {count:,} {what}; at most {_MAX_MARKS:,} are read at once")
    data = text.encode()
    del text  # it may be four times as large
    try:
        return XmlDocument(etree.fromstring(data, _parser(recover=False)), warnings)
    except (etree.XMLSyntaxError, ValueError) as error:
        root = _recovered(data, error)
        warnings.append(f"The document is not well-formed: {_said(error)}")
        return XmlDocument(root, warnings, _last_item(root) if _breaks_off(data) else None)


def _parser(*, recover: bool) -> Any:
    return etree.XMLParser(
        recover=recover,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )


def _without_prologue(text: str) -> str:
    """From the root on: the declaration speaks of bytes that are decoded, a document type of entities."""
    head = text[:_PROLOGUE_WITHIN]
    begin = _DECLARATION.search(head[:_JUNK]) or _ROOT.search(head)
    at = begin.start() if begin else 0
    while found := _BEFORE_ROOT.match(head, at):
        at = found.end()
    element = _ELEMENT.search(text, at)
    return text[element.start() :] if element else text[at:]


def _recovered(data: bytes, error: Exception) -> Element:
    """The tree of a document in which people's ampersands and entities are put right first."""
    root = None
    with suppress(etree.XMLSyntaxError, ValueError):  # the first error says more
        root = etree.fromstring(_REFERENCE.sub(_reference, data), _parser(recover=True))
    if root is None:
        raise PoisonError(f"This is neither RSS, Atom nor NewsML-G2, for it is no XML: {_said(error)}")
    return root


def _breaks_off(data: bytes) -> bool:
    """Whether the last item begins, and neither it nor what it stands in ends."""
    return any(not last[0].startswith(b"</") for last in deque(_BOUNDS.finditer(data), maxlen=1))


def _last_item(root: Element) -> Element | None:
    return next(iter(deque(root.iter(*_ITEMS), maxlen=1)), None)


def _reference(found: re.Match[bytes]) -> bytes:
    if found[1] is None:
        return found[0]  # a CDATA section has no references
    written = found[0].decode()
    character = fit(unescape(written))
    if written.startswith("&#"):
        return found[0] if character and character != "\ufffd" else b""
    is_entity = written.endswith(";") and character != written and not _KEPT & {*character}
    return character.encode() if is_entity else b"&amp;" + found[1]


def _said(error: Exception) -> str:
    return _PARSED_FROM.sub("", str(error))[:200]


def text_of(element: Element | None) -> str:
    """All text in an element; empty for None."""
    return "" if element is None else "".join(element.itertext()).strip()


def inherited(element: Element, name: str) -> str | None:
    """An attribute of ``xml:`` that holds for an element, from it or from the nearest around it."""
    while element is not None:
        value = element.get(XML + name)
        if value:
            return str(value)
        element = element.getparent()
    return None


def base_of(element: Element, document: str | None) -> str | None:
    """What addresses in an element are relative to: ``xml:base`` of it and of all around it."""
    bases = [value for e in (element, *element.iterancestors()) if (value := e.get(XML + "base"))]
    base = document or ""
    for value in reversed(bases):
        try:
            base = urljoin(base, value)
        except ValueError:  # no address
            continue
    return base or None


def rename(element: Element, name: str) -> None:
    """Give an element another name; in a document that was mended a name may be none, which becomes ``span``."""
    try:
        element.tag = name
    except ValueError:
        element.tag = "span"


def inner_markup(element: Element) -> str:
    """What stands in an element as HTML, whatever prefixes its software gave the tags."""
    for inner in element.iter(etree.Element):
        rename(inner, str(inner.tag).rpartition("}")[2])
        for name in [name for name in inner.attrib if "{" in name]:
            value = inner.attrib.pop(name)
            if name == XML + "lang":
                inner.set("lang", value)
    etree.cleanup_namespaces(element)

    return escape(element.text or "", quote=False) + "".join(
        etree.tostring(child, encoding="unicode", method="html") for child in element
    )


def children(element: Element) -> Iterator[Element]:
    """Child elements, without what is none."""
    return (child for child in element if isinstance(child.tag, str))
