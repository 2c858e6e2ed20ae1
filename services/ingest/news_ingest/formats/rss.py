"""Items of RSS 0.9x, 1.0 and 2.0 with the modules that news uses: content, Dublin Core, Media RSS, Atom."""

from typing import Any

from news_ingest.formats.feed_elements import Children, dates, first_text, people, person, picture, summary_of, tags
from news_ingest.formats.native_item import title_from
from news_ingest.formats.xml_documents import inner_markup, text_of

_PUBLISHED = ("pubdate", "dc:date", "dcterms:issued", "dcterms:created", "atom:published", "published")
_MODIFIED = ("dcterms:modified", "atom:updated", "updated", "lastbuilddate")


def fields_of_rss_item(parts: Children) -> dict[str, Any]:
    """The fields of `NativeItem` that an item gives."""
    guid = first_text(parts, "guid", "id", "dc:identifier")
    description = first_text(parts, "description", "atom:summary", "summary", "media:description")
    full = first_text(parts, "content:encoded", "atom:content", "content", "fulltext") or _xhtml_body(parts)
    url = _link(parts) or (guid if _is_permalink(parts, guid) else None)
    creators = [text_of(e) for name in ("author", "dc:creator", "itunes:author") for e in parts.get(name, ())]
    atom_people = (name for e in parts.get("atom:author", ()) for name in [_atom_name(e)] if name)
    return {
        **dates(parts, _PUBLISHED, _MODIFIED),
        "id": guid or url,
        "url": url,
        "language": None,
        "title": first_text(parts, "title", "dc:title", "media:title", "atom:title") or title_from(description or full),
        "summary": summary_of(description) if full and full != description else None,
        "content_html": full or description,
        "authors": people(person(written) for written in (*creators, *atom_people)),
        "tags": tags(text_of(e) for name in ("category", "dc:subject", "media:category") for e in parts.get(name, ())),
        "image": picture(parts),
        "attributions": people(person(text_of(e), e.get("url")) for e in parts.get("source", ())),
    }


def _link(parts: Children) -> str | None:
    if link := first_text(parts, "link"):
        return link
    for element in (*parts.get("atom:link", ()), *parts.get("link", ())):
        if element.get("rel", "alternate") == "alternate" and element.get("href"):
            return str(element.get("href"))
    return None


def _is_permalink(parts: Children, guid: str | None) -> bool:
    """A guid is a link unless it says that it is none."""
    said = next((e.get("isPermaLink", e.get("ispermalink", "true")) for e in parts.get("guid", ())), "false")
    return bool(guid) and said.strip().lower() != "false" and str(guid).startswith(("http://", "https://"))


def _xhtml_body(parts: Children) -> str | None:
    """The whole text as elements, which some feeds have instead of escaped markup."""
    for name in ("xhtml:body", "xhtml:div"):
        for element in parts.get(name, ()):
            return inner_markup(element)
    return None


def _atom_name(element: Any) -> str | None:
    return next((text_of(e) for e in element if isinstance(e.tag, str) and e.tag.endswith("name")), None)
