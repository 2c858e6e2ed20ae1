"""The content of a NewsML-G2 item: XHTML and NITF as XML, HTML and plain text as data, and its pictures."""

from dataclasses import dataclass, field
from typing import Any

from news_ingest.formats.feed_elements import local_name
from news_ingest.formats.nitf import read_nitf
from news_ingest.formats.xml_documents import Element, children, inherited, inner_markup, text_of

_HTML_TYPES = ("text/html", "application/xhtml+xml", "application/xhtml")


@dataclass
class Content:
    """What a content set gives; ``html`` and ``text`` are two forms of the same body."""

    html: str | None = None
    text: str | None = None
    image: str | None = None
    page: str | None = None
    language: str | None = None
    headline: str | None = None
    byline: str | None = None
    abstract: str | None = None
    corrections: list[str] = field(default_factory=list)


def content_of(content_set: Element | None) -> Content:
    """Read a content set; of several forms of the body the richest: XHTML, NITF, HTML as data, plain text."""
    content = Content()
    if content_set is None:
        return content
    pictures: list[tuple[float, str]] = []
    for element in children(content_set):
        kind = local_name(element)
        if kind == "inlinexml":
            _inline_xml(element, content)
        elif kind == "inlinedata":
            _inline_data(element, content)
        elif kind == "remotecontent" and element.get("href"):
            media = (element.get("contenttype") or "").lower()
            if media.startswith("image/"):
                pictures.append((_number(element.get("width")), str(element.get("href"))))
            elif media.startswith(_HTML_TYPES):
                content.page = content.page or str(element.get("href"))
    if pictures:
        content.image = max(pictures, key=lambda picture: picture[0])[1]
    return content


def _inline_xml(element: Element, content: Content) -> None:
    root = next(children(element), None)
    if root is None:
        _inline_data(element, content)
        return
    content.language = content.language or root.get("lang") or inherited(root, "lang")
    if local_name(root) == "nitf":
        story = read_nitf(root)
        content.headline, content.byline, content.abstract = story.headline, story.byline, story.abstract
        content.corrections += story.corrections
        content.html = content.html or story.html
        content.image = content.image or story.image
        return
    body = next((e for e in root.iter("{*}body")), None) if local_name(root) == "html" else element
    content.html = (inner_markup(body).strip() if body is not None else None) or content.html


def _inline_data(element: Element, content: Content) -> None:
    kind = (element.get("contenttype") or "").lower()
    text = text_of(element)
    is_markup = kind.startswith(_HTML_TYPES) or (not kind and text.startswith("<"))
    if is_markup:
        content.html = content.html or text or None
    elif kind in {"", "text/plain"} or kind.startswith("text/plain;"):
        content.text = content.text or text or None


def _number(written: Any) -> float:
    try:
        return float(written)
    except (TypeError, ValueError):
        return 0
