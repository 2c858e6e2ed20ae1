"""Text and HTML of articles made harmless: what may stand in a body, plain text, and the links of a body."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import nh3
from lxml import etree
from lxml import html as lxml_html

from news_ingest.urls import canonical_url
from news_shared.articles import Link

# fmt: off
_BLOCKS = frozenset({
    "p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "figure", "table", "pre", "hr", "div",
})
_WITHIN = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del", "dfn", "dt", "em",
    "figcaption", "i", "img", "ins", "kbd", "li", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span",
    "strong", "sub", "sup", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "u", "var", "wbr",
})
# fmt: on
_ATTRIBUTES = {
    "*": {"lang", "dir"},
    "a": {"href", "hreflang", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
_WITHOUT_CONTENT = {
    "script",
    "style",
    "noscript",
    "template",
    "iframe",
    "object",
    "form",
    "select",
    "textarea",
    "title",
}
_WRAPPERS = {"div", "body"}  # a lone one around everything says nothing
_SAYS_SOMETHING = {"img", "hr", "table"}
_LOOKS_LIKE_HTML = re.compile(r"<[a-zA-Z/!?][^<>]*>|&(?:[a-zA-Z][a-zA-Z0-9]{1,30}|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufdd0-\ufdef\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_MANY_TAGS = 500
_MOST_LINKS = 1000


@dataclass(frozen=True)
class Body:
    """A body that can be shown: sanitised HTML whose top level is blocks only, and its links in order."""

    html: str
    links: tuple[Link, ...]


def clean_characters(text: str) -> str:
    """Text without NUL and other controls, with lone surrogates replaced: what every store and browser can take."""
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def has_unusable_characters(text: str) -> bool:
    """Whether `clean_characters` would change it."""
    return bool(_CONTROLS.search(text) or _SURROGATES.search(text))


def plain_text(text: str) -> str:
    """A title or summary as plain text in one line; markup and entities are resolved where there are any."""
    text = clean_characters(text)
    if _LOOKS_LIKE_HTML.search(text):
        root = _parsed(text)
        etree.strip_elements(root, *_WITHOUT_CONTENT, etree.Comment, etree.ProcessingInstruction, with_tail=False)
        for block in root.iter("br", "p", "div", "li", "td", "tr", "h1", "h2", "h3", "h4", "h5", "h6"):
            block.tail = " " + (block.tail or "")
        text = clean_characters(root.text_content())
    return _SPACES.sub(" ", text).strip()


def paragraphs_of(text: str) -> str:
    """Plain text as HTML: an empty line parts paragraphs."""
    paragraphs = re.split(r"\n[^\S\n]*\n", clean_characters(text).replace("\r\n", "\n").replace("\r", "\n"))
    lines = [_SPACES.sub(" ", paragraph).strip() for paragraph in paragraphs]
    return "".join(f"<p>{escape(line, quote=False)}</p>" for line in lines if line)


def sanitise(html: str, base: str | None) -> Body:
    """HTML that cannot run script, whoever wrote it, with every address absolute.

    Text beside blocks becomes a paragraph, empty paragraphs and a lone wrapper go, so that the top level is a list of
    blocks and a link's paragraph is its index there. Sanitising the result again changes nothing.

    Args:
        html: any text at all.
        base: what relative addresses are relative to; without it they are dropped.
    """
    html = clean_characters(html)
    if html.count("<") > _MANY_TAGS:
        # Misnested markup can make an HTML5 parser build a tree that grows with the square of the input; this parser
        # does not, it knows no more than 256 levels, and what it writes is well nested.
        html = _written(_parsed(html))
    cleaned = _clean(html, base)
    for _ in range(3):  # blocks out of blocks: settled after one or two rounds
        arranged = _clean(_written(_arranged(_parsed(cleaned))), None)
        if arranged == cleaned:
            break
        cleaned = arranged
    return Body(cleaned, tuple(_links(_parsed(cleaned))))


def _clean(html: str, base: str | None) -> str:
    relative: Any = ("rewrite_with_base", base) if base else "deny"
    return nh3.clean(
        html,
        tags=set(_BLOCKS | _WITHIN),
        clean_content_tags=_WITHOUT_CONTENT,
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes={"http", "https"},
        url_relative=relative,
        link_rel="noopener noreferrer",
    )


def _parsed(html: str) -> Any:
    """The fragment's elements and text under one ``div``."""
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    # A declaration inside the text would be believed more than the encoding, if it came first.
    document = f"<html><body><div>{html}</div></body></html>".encode()
    root = etree.fromstring(document, parser)
    body = root.find("body") if root is not None else None
    holder = lxml_html.Element("div")
    if body is None:
        return holder
    _append_text(holder, body.text)
    for child in list(body):
        holder.append(child)
    first = next(iter(holder), None)
    if len(holder) == 1 and first is not None and first.tag == "div" and _is_blank(holder.text, first.tail):
        first.tail = None
        return first
    return holder


def _written(root: Any) -> str:
    parts = [escape(root.text or "", quote=False)]
    parts += [etree.tostring(child, encoding="unicode", method="html", with_tail=True) for child in root]
    return "".join(parts)


def _arranged(root: Any) -> Any:
    """The same content with blocks only at the top level."""
    while (only := _lone_wrapper(root)) is not None:
        root = only
    out = lxml_html.Element("div")
    loose: Any = None

    def open_paragraph() -> Any:
        nonlocal loose
        if loose is None:
            loose = lxml_html.Element("p")
        return loose

    def close_paragraph() -> None:
        nonlocal loose
        if loose is not None and _says_something(loose):
            out.append(loose)
        loose = None

    if not _is_blank(root.text):
        open_paragraph().text = root.text
    for child in list(root):
        tail, child.tail = child.tail, None
        if child.tag in _BLOCKS:
            close_paragraph()
            if _says_something(child):
                out.append(child)
        elif any(inside.tag in _BLOCKS for inside in child.iterdescendants()):  # a link around whole paragraphs
            close_paragraph()
            wrapper = lxml_html.Element("div")
            wrapper.append(child)
            out.append(wrapper)
        elif loose is not None or child.tag != "br":
            open_paragraph().append(child)
        if not _is_blank(tail) or (tail and loose is not None):
            _append_text(open_paragraph(), tail)
    close_paragraph()
    return out


def _lone_wrapper(root: Any) -> Any | None:
    children = list(root)
    if len(children) == 1 and children[0].tag in _WRAPPERS and _is_blank(root.text, children[0].tail):
        return children[0]
    return None


def _says_something(element: Any) -> bool:
    return any(e.tag in _SAYS_SOMETHING for e in element.iter()) or not _is_blank("".join(element.itertext()))


def _is_blank(*texts: str | None) -> bool:
    return not any(text and text.strip() for text in texts)


def _append_text(element: Any, text: str | None) -> None:
    if not text:
        return
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _links(root: Any) -> Iterator[Link]:
    found = 0
    for index, block in enumerate(root):
        for anchor in block.iter("a"):
            url = canonical_url(anchor.get("href") or "")
            if url is None:
                continue
            yield Link(url=url, text=_SPACES.sub(" ", anchor.text_content()).strip()[:300], paragraph=index)
            found += 1
            if found == _MOST_LINKS:
                return
