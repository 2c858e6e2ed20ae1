"""ninjs, the IPTC's News in JSON: 1.x, 2.x and 3.x, told apart by their structure.

1.x has one property for each form of a text (``body_xhtml``, ``description_text``) and objects by name; 2.x has lists
(``bodies``, ``headlines``); 3.x has the lists of 2.x and camelCase names. Names are compared in lower case, so 2.x and
3.x are read by the same rules.

Source: https://iptc.org/std/ninjs/ (schemas 1.0 to 3.3).
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from news_ingest.formats.dates import moment_of
from news_ingest.formats.native_item import UNTIL_FURTHER_NOTICE
from news_ingest.urls import canonical_url
from news_shared.errors import PoisonError
from news_shared.languages import language_tag

Fields = dict[str, Any]

_OF_NINJS = frozenset(
    {
        *("versioncreated", "pubstatus", "headline", "headlines", "bodies", "descriptions", "representationtype"),
        *("body_text", "body_html", "body_xhtml", "firstcreated", "byline", "$standard", "standard"),
    }
)
_OF_OTHERS = frozenset({"id", "content_html", "content_text"})
_STATUSES = frozenset({"usable", "withheld", "canceled"})
_MARKUP = ("html", "xhtml", "xml")
_KINDS_OF_TAG = ("subject", "subjects")
_WEB_ROLES = ("web", "url", "canonical", "permalink")
_TRANSLATED = ("translat",)


def is_ninjs(document: Mapping[str, Any]) -> bool:
    """Whether an object is a ninjs item rather than a native one."""
    if not ("uri" in document or "guid" in document) or _OF_OTHERS & document.keys():
        return False
    return not _OF_NINJS.isdisjoint(name.lower() for name in document)


def fields_of_ninjs(document: Mapping[str, Any]) -> Fields:
    """The fields of `NativeItem` that a ninjs item gives.

    Raises:
        PoisonError: it is no item that could be an article, and why.
    """
    said = {name.lower(): value for name, value in document.items()}
    guid = _text(said, "uri") or _text(said, "guid")
    if not guid:
        raise PoisonError("uri: a ninjs item must have one, and it must be text")
    status = _text(said, "pubstatus") or "usable"
    if status not in _STATUSES:
        raise PoisonError(f"pubstatus: {status[:50]!r} is none of {', '.join(sorted(_STATUSES))}")
    html, plain = _bodies(said)
    if status == "usable" and not (html or plain) and (_text(said, "representationtype") or "complete") != "complete":
        raise PoisonError("representationtype: this is a part of an item, without its text; send the complete one")
    summary = _description(said)
    associated = list(_associations(said))
    return {
        "id": guid,
        "url": _url(said, guid),
        "version": said.get("version"),
        "language": language_tag(_text(said, "language") or ""),
        "title": _headline(said),
        "summary": summary,
        "content_html": _with_related(html, associated) if html or not plain else None,
        "content_text": plain if not html else None,
        "authors": [{"name": name} for name in (_text(said, "byline") or _text(said, "by"),) if name],
        "date_published": _moment(said, "firstcreated", "versioncreated", "contentcreated"),
        "date_modified": _moment(said, "versioncreated"),
        "embargoed_until": _embargo(said),
        "status": status,
        "tags": list(_names(said, _KINDS_OF_TAG)),
        "attributions": [{"name": name} for name in _names(said, ("infosource", "infosources"))],
        "image": _picture(said) or next((url for one in associated if (url := _picture(one))), None),
        "translation_of": _translation_of(associated),
        "corrections": _corrections(said),
    }


def _text(said: Mapping[str, Any], name: str) -> str | None:
    value = said.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _moment(said: Mapping[str, Any], *names: str) -> object:
    for name in names:
        value = said.get(name)
        if value:
            moment = moment_of(value) if isinstance(value, str) else None
            if moment is None:
                raise PoisonError(f"{name}: {str(value)[:50]!r} is no date; write it as 2026-01-15T12:00:00Z")
            return moment
    return None


def _embargo(said: Mapping[str, Any]) -> object:
    for name in ("embargoed", "embargoeduntil"):
        if said.get(name) == "":  # there is one, and nobody says when it ends
            return UNTIL_FURTHER_NOTICE
    return _moment(said, "embargoed", "embargoeduntil")


def _objects(value: object) -> Iterator[Fields]:
    """The objects in a list, or by name as 1.x has them; names in lower case."""
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in values:
        if isinstance(one, dict):
            yield {name.lower(): inner for name, inner in one.items()}


def _forms(said: Mapping[str, Any], stem: str, plural: str) -> Iterator[tuple[str, str, str]]:
    """Each form of a text: its role, its kind (what its name or content type says) and the text."""
    for name, value in said.items():
        if name.startswith(f"{stem}_") and isinstance(value, str) and value.strip():
            yield "", name.removeprefix(f"{stem}_"), value
    for one in _objects(said.get(plural)):
        if value := _text(one, "value"):
            yield (_text(one, "role") or "").lower(), (_text(one, "contenttype") or "").lower(), value


def _bodies(said: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The body as HTML and as plain text; HTML is preferred by everybody who has it."""
    html = plain = None
    for _, kind, value in _forms(said, "body", "bodies"):
        is_markup = kind.endswith(_MARKUP) if kind else value.lstrip().startswith("<")
        if is_markup and "nitf" not in kind:
            html = html or value
        elif not is_markup:
            plain = plain or value
    return html, plain


def _headline(said: Mapping[str, Any]) -> str | None:
    headlines = list(_forms(said, "headline", "headlines"))
    main = next((value for role, _, value in headlines if role in {"main", "headline"}), None)
    first = headlines[0][2] if headlines else None
    return _text(said, "headline") or main or first or _text(said, "title") or _text(said, "slugline")


def _description(said: Mapping[str, Any]) -> str | None:
    descriptions = [(role, value) for role, _, value in _forms(said, "description", "descriptions")]
    summary = next((value for role, value in descriptions if role in {"summary", "drol:summary", "abstract"}), None)
    return summary or (descriptions[0][1] if descriptions else None)


def _url(said: Mapping[str, Any], guid: str) -> str | None:
    """The web page: where ``altids`` or a text rendition tell it, else ``uri`` if it is a web address."""
    alternatives = said.get("altids")
    pairs: list[tuple[str, object]] = []
    if isinstance(alternatives, dict):
        pairs = [(str(name).lower(), value) for name, value in alternatives.items()]
    elif isinstance(alternatives, list):
        pairs = [((_text(one, "role") or "").lower(), one.get("value")) for one in _objects(alternatives)]
    for role, value in pairs:
        if isinstance(value, str) and role.endswith(_WEB_ROLES) and canonical_url(value):
            return value
    return guid if canonical_url(guid) else None


def _names(said: Mapping[str, Any], kinds: tuple[str, ...]) -> Iterator[str]:
    for kind in kinds:
        for one in _objects(said.get(kind)):
            if name := _text(one, "name") or _text(one, "literal"):
                yield name[:300]


def _associations(said: Mapping[str, Any]) -> Iterator[Fields]:
    yield from _objects(said.get("associations"))


def _picture(said: Fields) -> str | None:
    """The address of the widest rendition of a picture."""
    if _text(said, "type") not in {"picture", "graphic"}:
        return None
    renditions = []
    for one in _objects(said.get("renditions")):
        kind = _text(one, "mimetype") or _text(one, "contenttype") or "image/"
        width = one.get("width")
        if kind.startswith("image/") and (href := _text(one, "href")) and canonical_url(href):
            renditions.append((width if isinstance(width, int | float) else 0, href))
    return max(renditions, key=lambda pair: pair[0])[1] if renditions else None


def _with_related(html: str | None, associated: list[Fields]) -> str | None:
    """The body, followed by links to the articles that the item is associated with."""
    links = [
        f'<li><a href="{escape(url)}">{escape(headline)}</a></li>'
        for one in associated
        if _text(one, "type") == "text"
        and (url := canonical_url(_url(one, _text(one, "uri") or "") or ""))
        and (headline := _headline(one))
    ]
    return f"{html or ''}<ul>{''.join(links)}</ul>" if links else html


def _translation_of(associated: list[Fields]) -> str | None:
    for one in associated:
        if "translat" in (_text(one, "rel") or "").lower():
            return _text(one, "uri") or _text(one, "guid")
    return None


def _corrections(said: Fields) -> list[Fields]:
    """A note to editors is for readers where the sender marks the version as a correction, and nowhere else."""
    signals = [
        *_names(said, ("signal", "signals")),
        *(_text(one, "code") or "" for one in _objects(said.get("signal"))),
    ]
    note, at = _text(said, "ednote"), _moment(said, "versioncreated")
    if not note or at is None or not any("correct" in signal.lower() for signal in signals):
        return []
    return [{"at": at, "note": note[:2000]}]
