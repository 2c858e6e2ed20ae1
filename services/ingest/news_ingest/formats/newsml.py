"""NewsML-G2 of the IPTC: news items, alone or several in a news message.

Source: https://iptc.org/standards/newsml-g2/ (specification 2.36). Codes such as ``stat:canceled`` are compared by what
stands after the colon, or after the last slash of a URI: the prefix is the sender's choice.
"""

from collections.abc import Iterator
from datetime import datetime
from html import escape
from typing import Any

from news_ingest.formats.dates import moment_of
from news_ingest.formats.feed_elements import local_name, people, summary_of, tags
from news_ingest.formats.native_item import UNTIL_FURTHER_NOTICE, take_item
from news_ingest.formats.newsml_content import Content, content_of
from news_ingest.formats.outcome import Reading, broken_off, rejection
from news_ingest.formats.xml_documents import Element, XmlDocument, children, inherited, text_of
from news_ingest.urls import canonical_url
from news_shared.errors import PoisonError
from news_shared.languages import language_tag

_ROOTS = {"newsitem", "newsmessage"}
_OTHER_ITEMS = {"packageitem", "conceptitem", "knowledgeitem", "planningitem", "catalogitem"}
_STATUSES = {"usable", "withheld", "canceled"}
_WEB_PAGE = {"canonical", "permalink", "web", "alternate", "haswebpage"}
_TRANSLATED = {"translatedfrom", "istranslationof", "translationof", "translation"}
_RELATED = {"seealso", "related", "isrelatedto"}
_NAMED_THINGS = {"person", "organisation", "geoarea", "poi", "event", "object"}


def is_newsml(root: Element) -> bool:
    """Whether a document's root is that of NewsML-G2."""
    return local_name(root) in _ROOTS | _OTHER_ITEMS


def read_newsml(document: XmlDocument, source: str, now: datetime, base: str | None = None) -> Reading:
    """The news items of a document, in its order.

    Args:
        document: its XML.
        source: whose items these are.
        now: the time of arrival.
        base: the document's own address.

    Raises:
        PoisonError: there is no news item in it.
    """
    reading = Reading()
    for warning in document.warnings:
        reading.warn(warning)
    items = [element for element in document.root.iter("{*}*") if local_name(element) in {"newsitem", *_OTHER_ITEMS}]
    if not any(local_name(element) == "newsitem" for element in items):
        kinds = ", ".join(sorted({local_name(element) for element in items})) or "nothing else"
        raise PoisonError(f"There is no newsItem in this NewsML-G2 document, but {kinds}")
    for index, element in enumerate(items):
        guid = element.get("guid")
        if local_name(element) != "newsitem":
            reading.warn(f"a {local_name(element)} holds no article", index)
            continue
        if element is document.unfinished:
            reading.rejected.append(broken_off(index, guid))
            continue
        try:
            fields = _fields(element)
        except PoisonError as error:
            reading.rejected.append(rejection(index, guid, "", str(error)))
        else:
            take_item(reading, index, fields, source, now, base)
    return reading


def _fields(item: Element) -> dict[str, Any]:
    meta, about = _child(item, "itemmeta"), _child(item, "contentmeta")
    content = content_of(_child(item, "contentset"))
    status = _status(meta)
    kind = _code(_child(meta, "itemclass"))
    if kind not in {"", "text", "composite"} and not content.html and not content.text:
        raise PoisonError(f"itemClass: this is a {kind[:50]}, and an article needs text")
    modified = _date(meta, "versioncreated")
    links = list(_children(item, "link")) + list(_children(meta, "link"))
    return {
        "id": item.get("guid"),
        "url": _page(links, item.get("guid") or "", content),
        "version": item.get("version"),
        "language": _language(item, about, content),
        "title": _headline(about) or content.headline or _text(meta, "title") or _text(about, "slugline"),
        "summary": summary_of(_description(about) or content.abstract),
        "content_html": _with_related(content.html, links),
        "content_text": content.text if not content.html else None,
        "authors": _authors(about, content),
        "date_published": _date(meta, "firstcreated") or _date(about, "contentcreated") or modified,
        "date_modified": modified,
        "embargoed_until": _embargo(meta),
        "status": status,
        "tags": tags(_names(about, "subject")),
        "attributions": people({"name": name} for name in _names(about, "infosource")),
        "image": content.image,
        "translation_of": next((_target(link) for link in links if _code(link, "rel") in _TRANSLATED), None),
        "corrections": _corrections(meta, modified, content),
    }


def _children(element: Element | None, name: str) -> Iterator[Element]:
    return (child for child in children(element) if local_name(child) == name) if element is not None else iter(())


def _child(element: Element | None, name: str) -> Element | None:
    return next(_children(element, name), None)


def _text(element: Element | None, name: str) -> str | None:
    return next((text for child in _children(element, name) if (text := " ".join(text_of(child).split()))), None)


def _code(element: Element | None, attribute: str = "qcode") -> str:
    """What a coded value says, without the prefix of its vocabulary, in lower case."""
    if element is None:
        return ""
    value = element.get(attribute) or element.get("uri" if attribute == "qcode" else f"{attribute}uri") or ""
    return str(value).replace("/", ":").rpartition(":")[2].strip().lower()


def _status(meta: Element | None) -> str:
    status = _code(_child(meta, "pubstatus")) or "usable"
    if status not in _STATUSES:
        raise PoisonError(f"pubStatus: {status[:50]!r} is none of {', '.join(sorted(_STATUSES))}")
    return status


def _date(element: Element | None, name: str) -> datetime | None:
    written = _text(element, name)
    moment = moment_of(written)
    if written and moment is None:
        raise PoisonError(f"{name}: {written[:50]!r} is no date; write it as 2026-01-15T12:00:00Z")
    return moment


def _embargo(meta: Element | None) -> datetime | None:
    """The end of the embargo; an empty element means until further notice."""
    if _child(meta, "embargoed") is None:
        return None
    return _date(meta, "embargoed") or UNTIL_FURTHER_NOTICE


def _language(item: Element, about: Element | None, content: Content) -> str | None:
    said = [element.get("tag", "") for element in _children(about, "language")]
    said += [content.language or "", inherited(item, "lang") or ""]
    return next((tag for text in said if (tag := language_tag(text))), None)


def _headline(about: Element | None) -> str | None:
    headlines = [(_code(e, "role"), " ".join(text_of(e).split())) for e in _children(about, "headline")]
    main = next((text for role, text in headlines if role in {"main", "headline"} and text), None)
    return main or next((text for _, text in headlines if text), None)


def _description(about: Element | None) -> str | None:
    found = [(_code(e, "role"), " ".join(text_of(e).split())) for e in _children(about, "description")]
    summary = next((text for role, text in found if role in {"summary", "abstract", "lead"}), None)
    return summary or next((text for role, text in found if role in {"", "short"} and text), None)


def _names(about: Element | None, kind: str) -> Iterator[str]:
    for element in _children(about, kind):
        if _code(element, "type") not in _NAMED_THINGS and (name := _text(element, "name") or element.get("literal")):
            yield name[:300]


def _authors(about: Element | None, content: Content) -> list[dict[str, Any]]:
    creators = [(_text(e, "name"), e.get("uri")) for e in _children(about, "creator")]
    named = people({"name": name[:300], "url": uri} for name, uri in creators if name)
    byline = _text(about, "by") or content.byline
    return named or ([{"name": byline[:300]}] if byline else [])


def _target(link: Element) -> str | None:
    target: str | None = link.get("residref") or link.get("href")
    return target


def _page(links: list[Element], guid: str, content: Content) -> str | None:
    pages = (str(link.get("href") or "") for link in links if _code(link, "rel") in _WEB_PAGE)
    candidates = (*pages, content.page or "", guid)
    return next((url for url in candidates if canonical_url(url)), None)


def _with_related(html: str | None, links: list[Element]) -> str | None:
    """The body, followed by links to the articles that the item points its readers to."""
    items = [
        f'<li><a href="{escape(href)}">{escape(title)}</a></li>'
        for link in links
        if _code(link, "rel") in _RELATED
        and (href := link.get("href"))
        and (title := link.get("title") or _text(link, "title"))
    ]
    return f"{html or ''}<ul>{''.join(items)}</ul>" if items else html


def _corrections(meta: Element | None, at: datetime | None, content: Content) -> list[dict[str, Any]]:
    """A note to editors is for readers where the sender marks the version as a correction, and nowhere else."""
    signals = {_code(signal) for signal in _children(meta, "signal")}
    note = _text(meta, "ednote") if any("correct" in signal for signal in signals) else None
    notes = [note, *content.corrections]
    return [{"at": at, "note": text[:2000]} for text in notes if text] if at else []
