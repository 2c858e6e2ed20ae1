"""What must hold of every body, whatever it was made of."""

import re

from lxml.html import fragments_fromstring

BASE = "https://a.example/news/today"
ALLOWED_ATTRIBUTES = {"href", "title", "hreflang", "rel", "src", "alt", "width", "height", "cite", "datetime"} | {
    *("colspan", "rowspan", "scope", "start", "reversed", "lang", "dir"),
}


def assert_inert(markup: str) -> None:
    """Nothing in it runs, loads a document or looks like the page around it."""
    if not markup:
        return
    for block in fragments_fromstring(markup):
        assert isinstance(block, str) or block.tag is not None
        if isinstance(block, str):
            assert block.strip() == ""  # between blocks is only white space
            continue
        for element in block.iter():
            assert isinstance(element.tag, str), "a comment or a processing instruction"
            assert element.tag not in {"script", "style", "iframe", "object", "embed", "form", "svg", "math", "base"}
            assert set(element.attrib) <= ALLOWED_ATTRIBUTES, element.attrib
            for name in ("href", "src"):
                address = element.get(name)
                assert address is None or re.match(r"https?://[^\s]|mailto:", address, re.IGNORECASE), address
            if element.tag == "a":
                assert element.get("rel") == "noopener noreferrer"
                assert next(element.iterancestors("a"), None) is None, "a browser would end the outer link"
