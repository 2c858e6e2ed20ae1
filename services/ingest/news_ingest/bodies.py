"""Bodies of articles: sanitised HTML in paragraphs, and the links in it."""

import html
import re
from dataclasses import dataclass

import nh3
from lxml import etree
from lxml.html import Element, HtmlElement, fragments_fromstring, tostring

from news_ingest.text import fit, one_line
from news_ingest.urls import canonical_url
from news_shared.articles import Link
from news_shared.errors import PoisonError

_INLINE = {
    "a",
    "abbr",
    "b",
    "br",
    "cite",
    "code",
    "del",
    "em",
    "i",
    "img",
    "ins",
    "mark",
    "q",
    "s",
    "small",
    "span",
} | {
    *("strong", "sub", "sup", "time", "u"),
}
_BLOCK = {"blockquote", "dd", "div", "dl", "dt", "figcaption", "figure", "h2", "h3", "h4", "hr", "li", "ol", "p"} | {
    *("pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
}
_ATTRIBUTES = {
    "a": {"href", "title", "hreflang"},
    "img": {"src", "alt", "width", "height"},
    "blockquote": {"cite"},
    "time": {"datetime"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start", "reversed"},
    "*": {"lang", "dir"},
}
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_MAX_LINKS = 200
_TAG = re.compile(r"<[^>]*>")
_MAX_PASSES = 4
_MAX_TAGS = 10_000  # an HTML5 parser takes time with the square of what is nested or left open


@dataclass(frozen=True)
class Body:
    """A sanitised body: top-level blocks only, so that «paragraph 3» means something."""

    html: str
    links: tuple[Link, ...]


def body_of_text(text: str) -> Body:
    """A body of plain text: blank lines part the paragraphs."""
    paragraphs = [one_line(part) for part in _BLANK_LINE.split(fit(text).replace("\r\n", "\n"))]
    return Body("\n".join(f"<p>{html.escape(part, quote=False)}</p>" for part in paragraphs if part), ())


def body_of_html(markup: str, base: str | None) -> Body:
    """A body of HTML: nothing active is left, every address is absolute, loose text is in paragraphs.

    Raises:
        PoisonError: it has too many tags, or is nested too deeply, to be an article.
    """
    if markup.count("<") > _MAX_TAGS:
        raise PoisonError(f"content_html has {markup.count('<'):,} tags; at most {_MAX_TAGS:,} are taken")
    cleaned = _clean(fit(markup), link_rel=None)
    blocks = _settled_blocks(cleaned, base)
    if not blocks and html.unescape(_TAG.sub("", cleaned)).strip():
        raise PoisonError("content_html is nested too deeply to be read: at most 256 levels are taken")
    final = _written(blocks)
    for _ in range(_MAX_PASSES):  # a paragraph in a link, for example, becomes several blocks when it is read again
        blocks = _blocks(final)  # its addresses are settled
        before, final = final, _written(blocks)
        if final == before:
            break
    links = [
        Link(url=url, text=one_line(str(a.text_content()))[:300], paragraph=index)
        for index, block in enumerate(blocks)
        for a in block.iter("a")
        if (url := canonical_url(a.get("href") or ""))
    ]
    return Body(final, tuple(links[:_MAX_LINKS]))


def _clean(markup: str, link_rel: str | None) -> str:
    return nh3.clean(
        markup,
        tags=_INLINE | _BLOCK,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel=link_rel,
    )


def _settled_blocks(cleaned: str, base: str | None) -> list[HtmlElement]:
    blocks = _blocks(cleaned)
    for block in blocks:
        for element in list(block.iter("a", "img")):
            _settle(element, base)
    return [block for block in blocks if _has_content(block) or block.tag == "hr"]  # an image may be gone


def _written(blocks: list[HtmlElement]) -> str:
    """The blocks as HTML; what was made of the tree is checked like what came in."""
    return _clean(
        "\n".join(tostring(block, encoding="unicode", with_tail=False) for block in blocks), "noopener noreferrer"
    )


def _blocks(cleaned: str) -> list[HtmlElement]:
    """Top-level block elements; runs of text and inline elements become paragraphs."""
    try:
        parts = fragments_fromstring(cleaned)
    except (etree.ParserError, etree.XMLSyntaxError):
        return []
    blocks: list[HtmlElement] = []
    loose: HtmlElement | None = None
    for part in parts:
        if isinstance(part, str):
            loose = _append_text(loose, part)
            continue
        tail, part.tail = part.tail, None
        if part.tag in _INLINE:
            if loose is None:
                loose = Element("p")
            loose.append(part)
        else:
            blocks += [_closed(loose)] if _has_content(loose) else []
            loose = None
            if part.tag in {"div", "section"}:
                blocks += _blocks(_inner(part))
            elif _has_content(part) or part.tag == "hr":
                blocks.append(part)
        if tail:
            loose = _append_text(loose, tail)
    return blocks + ([_closed(loose)] if _has_content(loose) else [])


def _inner(element: HtmlElement) -> str:
    return html.escape(element.text or "", quote=False) + "".join(
        tostring(child, encoding="unicode") for child in element
    )


def _append_text(loose: HtmlElement | None, text: str) -> HtmlElement:
    if loose is None:
        loose = Element("p")
    if len(loose):
        loose[-1].tail = (loose[-1].tail or "") + text
    else:
        loose.text = (loose.text or "") + text
    return loose


def _closed(loose: HtmlElement | None) -> HtmlElement:
    assert loose is not None
    return loose


def _has_content(element: HtmlElement | None) -> bool:
    if element is None:
        return False
    return bool(str(element.text_content()).strip()) or element.find(".//img") is not None or element.tag == "img"


def _settle(element: HtmlElement, base: str | None) -> None:
    """Make the address absolute, or take the element's action away."""
    name = "href" if element.tag == "a" else "src"
    address = element.get(name)
    if address is not None and address.lower().startswith("mailto:") and element.tag == "a":
        return
    absolute = canonical_url(address or "", base)
    if absolute is not None:
        element.set(name, absolute)
    elif element.tag == "img":
        element.drop_tree()
    else:
        element.attrib.pop(name, None)
