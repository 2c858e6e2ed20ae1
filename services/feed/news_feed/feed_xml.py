"""Writing XML: elements with text, in the namespaces of feeds."""

import re
from typing import Any, Final

from lxml import etree

Element = Any  # lxml ships no types

ATOM: Final = "http://www.w3.org/2005/Atom"
CONTENT: Final = "http://purl.org/rss/1.0/modules/content/"
DUBLIN_CORE: Final = "http://purl.org/dc/elements/1.1/"
MEDIA: Final = "http://search.yahoo.com/mrss/"
TOMBSTONES: Final = "http://purl.org/atompub/tombstones/1.0"
XML_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """The text without the characters that XML cannot carry."""
    return _NOT_IN_XML.sub("", text)


def add(parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
    """Append an element; ``name`` with its namespace in braces, where it has one."""
    element = etree.SubElement(parent, name, {key: xml_text(value) for key, value in attributes.items()})
    if text is not None:
        element.text = xml_text(text)
    return element


def document(root: Element) -> bytes:
    """The bytes of a document."""
    written: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written
