"""Stories in NITF, the IPTC's News Industry Text Format, as HTML.

Source: https://iptc.org/standards/nitf/ (3.6).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from news_ingest.formats.feed_elements import local_name
from news_ingest.formats.xml_documents import Element, children, inner_markup, rename, text_of

_AS_HTML = {
    "hl1": "h2",
    "hl2": "h3",
    "bq": "blockquote",
    "block": "div",
    "note": "div",
    "fn": "div",
    "body.end": "div",
    "tagline": "p",
    "media-caption": "figcaption",
    "media-producer": "figcaption",
    "media": "figure",
    "media-reference": "img",
    "lang": "span",
    "credit": "p",
}
"""Other elements keep their name: those of HTML are HTML, and of the enriched ones the text is what counts."""
_PICTURES = {"image", "picture", "photo", "graphic", ""}


@dataclass
class Story:
    """What a NITF document gives."""

    html: str | None = None
    headline: str | None = None
    byline: str | None = None
    abstract: str | None = None
    image: str | None = None
    corrections: list[str] = field(default_factory=list)


def read_nitf(root: Element) -> Story:
    """Read a story; its tree is changed by that."""
    story = Story(
        headline=_line(_first(root, "hl1")),
        byline=(_line(_first(root, "byline")) or "").removeprefix("By ").strip() or None,
        abstract=_line(_first(root, "abstract")),
        corrections=[info for e in _all(root, "correction") if (info := " ".join((e.get("info") or "").split()))],
    )
    parts = [part for name in ("body.content", "body.end") for part in _all(root, name)]
    for media in [media for part in parts for media in _all(part, "media")]:
        _picture(media, story)
    for element in [element for part in parts for element in part.iter("{*}*")]:
        rename(element, _AS_HTML.get(local_name(element), local_name(element)))
    story.html = "".join(inner_markup(part) for part in parts).strip() or None
    return story


def _all(root: Element, name: str) -> Iterator[Element]:
    return (element for element in root.iter("{*}*") if local_name(element) == name)


def _first(root: Element, name: str) -> Element | None:
    return next(_all(root, name), None)


def _line(element: Element | None) -> str | None:
    return " ".join(text_of(element).split()) or None


def _picture(media: Element, story: Story) -> None:
    """Of several sizes the widest; what is no picture becomes a link."""
    references = [e for e in children(media) if local_name(e) == "media-reference" and e.get("source")]
    if not references:
        return
    widest: Element = max(references, key=_width)
    for reference in references:
        if reference is not widest:
            media.remove(reference)
    source, alternative = widest.get("source"), widest.get("alternate-text") or ""
    widest.attrib.clear()
    widest.text = None
    widest.set("src", source)
    if (media.get("media-type") or "").lower() in _PICTURES:
        widest.set("alt", alternative)
        story.image = story.image or source
    else:
        widest.tag = "iframe"  # as any other embed
        widest.set("title", alternative)


def _width(reference: Element) -> int:
    width = reference.get("width") or ""
    return int(width) if width.isdecimal() and len(width) < 7 else 0
