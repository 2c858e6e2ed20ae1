"""Entries of Atom 1.0 (RFC 4287) and 0.3, drafts (RFC 5023) and deleted entries (RFC 6721)."""

from typing import Any

from news_ingest.formats.dates import moment_of
from news_ingest.formats.feed_elements import Children, by_name, dates, first_text, people, picture, summary_of, tags
from news_ingest.formats.native_item import title_from
from news_ingest.formats.xml_documents import Element, base_of, inherited, inner_markup, text_of
from news_ingest.text import without_markup
from news_ingest.urls import canonical_url

_PUBLISHED = ("atom:published", "atom:issued", "atom:created", "dc:date")
_MODIFIED = ("atom:updated", "atom:modified")


def fields_of_entry(element: Element, parts: Children, feed: Children, base: str | None) -> dict[str, Any]:
    """The fields of `NativeItem` that an entry gives; what it inherits from its feed included."""
    url, translation = _links(element, parts, base)
    content = next((e for e in parts.get("atom:content", ()) if not e.get("src")), None)
    summary = next(iter(parts.get("atom:summary", ())), None)
    origin = by_name(parts["atom:source"][0]) if parts.get("atom:source") else {}
    text = content if content is not None and _has_text(content) else summary
    content_base = base_of(text, base) if text is not None and inherited(text, "base") else None
    html, plain = _body(text)
    said_summary = _plain(summary) if content is not None and summary is not None and _has_text(content) else None
    guid = first_text(parts, "atom:id")
    authors = parts.get("atom:author") or origin.get("atom:author") or feed.get("atom:author", ())
    titles = [_plain(e) for e in parts.get("atom:title", ())]
    return {
        **dates(parts, _PUBLISHED, _MODIFIED),
        "id": guid or url,
        "url": url,
        "title": next((t for t in titles if t), None) or title_from(said_summary or html or plain),
        "summary": summary_of(said_summary),
        "content_html": html,
        "content_text": plain,
        "content base": content_base,
        "authors": people(_person(e) for e in (*authors, *parts.get("atom:contributor", ()))),
        "tags": tags(e.get("label") or e.get("term") or text_of(e) for e in parts.get("atom:category", ())),
        "image": picture(parts) or _enclosed_picture(parts),
        "translation_of": translation,
        "status": "withheld" if _is_draft(parts) else "usable",
        "attributions": people(iter([{"name": name} if (name := first_text(origin, "atom:title")) else None])),
    }


def fields_of_deleted(element: Element) -> dict[str, Any]:
    """A tombstone: the entry with this id was taken back."""
    return {"id": element.get("ref"), "status": "canceled", "date_published": moment_of(element.get("when"))}


def _links(element: Element, parts: Children, base: str | None) -> tuple[str | None, str | None]:
    """The entry's page, and its page in another language."""
    language = (inherited(element, "lang") or "").lower()
    alternates = [e for e in parts.get("atom:link", ()) if e.get("rel", "alternate") == "alternate" and e.get("href")]
    own = [e for e in alternates if (e.get("hreflang") or language).lower() in {language, ""}]
    pages = [e for e in own or alternates if e.get("type", "text/html") in {"text/html", "application/xhtml+xml"}]
    page = next(iter(pages or own or alternates), None)
    other = next((e for e in alternates if e is not page and e.get("hreflang") and e not in own), None)
    return _address(page, base), _address(other, base)


def _address(link: Element | None, base: str | None) -> str | None:
    if link is None:
        return None
    href = str(link.get("href"))
    return canonical_url(href, base_of(link, base)) or href


def _kind(text: Element) -> str:
    kind = (text.get("type") or "text").lower()
    if text.get("mode") == "escaped":  # Atom 0.3
        return "html"
    if kind in {"text", "html", "xhtml"}:
        return kind
    return "xhtml" if kind.endswith(("/xml", "+xml")) else "html" if kind == "text/html" else "text"


def _has_text(element: Element) -> bool:
    return bool(text_of(element)) or len(element) > 0


def _body(text: Element | None) -> tuple[str | None, str | None]:
    """A text construct as HTML or as plain text, one of the two."""
    if text is None:
        return None, None
    kind = _kind(text)
    if kind == "xhtml" or len(text):
        return inner_markup(text) or None, None
    return (text_of(text) or None, None) if kind == "html" else (None, text_of(text) or None)


def _plain(text: Element) -> str | None:
    """A text construct as one line; what is markup there is none in it."""
    kind = _kind(text)
    if kind == "html":
        return without_markup(text_of(text)) or None
    return " ".join(text_of(text).split()) or None


def _person(element: Element) -> dict[str, Any] | None:
    parts = by_name(element)
    name = first_text(parts, "atom:name") or text_of(element)
    return {"name": name[:300], "url": first_text(parts, "atom:uri", "atom:url")} if name else None


def _enclosed_picture(parts: Children) -> str | None:
    for link in parts.get("atom:link", ()):
        if link.get("rel") == "enclosure" and link.get("type", "").startswith("image/"):
            return str(link.get("href"))
    return None


def _is_draft(parts: Children) -> bool:
    controls = [by_name(control) for control in parts.get("app:control", ())]
    return any((first_text(control, "app:draft") or "").lower() == "yes" for control in controls)
