"""RSS 0.9x to 2.0, RDF and Atom, through feedparser."""

import calendar
import io
import re
from datetime import UTC, datetime
from typing import Any

import feedparser
from pydantic import ValidationError

from news_ingest.formats.native import NativeItem, NativePerson, item_of_native
from news_ingest.formats.outcome import Reading, Rejected, rejection
from news_ingest.text import without_markup
from news_shared.errors import PoisonError

_TITLE_OF_TEXT = 120  # an RSS item may have a description only
_MAILBOX = re.compile(r"[^\s@]+@[^\s@]+ +\((.+)\)")  # feedparser knows top-level domains of four letters at most


def read_feed(body: bytes, content_type: str, source: str, now: datetime) -> Reading:
    """Entries of a feed, in its order; what is not well-formed gives what can be had, with a warning.

    Raises:
        PoisonError: this is no feed.
    """
    feed = feedparser.parse(
        io.BytesIO(body),
        response_headers={"content-type": content_type} if content_type else {},
        sanitize_html=False,  # nh3 does, with a list made for articles
        resolve_relative_uris=True,
    )
    if not feed.get("version") and not feed.entries:
        raise PoisonError(f"This is neither RSS nor Atom: {feed.get('bozo_exception', 'no feed element was found')}")
    reading = Reading()
    if feed.get("bozo"):
        reading.warnings.append(f"The feed is not well-formed: {feed.bozo_exception}")
    for index, entry in enumerate(feed.entries):
        try:
            reading.items.append((index, item_of_native(_native(entry, feed.feed), source, now)))
        except ValidationError as error:
            errors = [{"field": ".".join(map(str, e["loc"])), "error": e["msg"]} for e in error.errors()]
            reading.rejected.append(Rejected(index, entry.get("id") or entry.get("link"), tuple(errors)))
        except PoisonError as error:
            reading.rejected.append(rejection(index, entry.get("id") or entry.get("link"), "", str(error)))
    return reading


def _native(entry: Any, feed: Any) -> NativeItem:  # feedparser has no types
    html = _content(entry)
    summary = entry.get("summary") if html is not None and html != entry.get("summary") else None
    published, updated = _moment(entry, "published_parsed"), _moment(entry, "updated_parsed")
    return NativeItem.model_validate(
        {
            "id": entry.get("id") or entry.get("link"),
            "url": entry.get("link"),
            "language": _language(entry, feed),
            "title": entry.get("title") or without_markup(entry.get("summary") or "")[:_TITLE_OF_TEXT],
            "summary": summary,
            "content_html": html,
            "authors": _authors(entry),
            "date_published": published or updated,
            "date_modified": updated if published else None,
            "tags": [tag["term"] for tag in entry.get("tags", []) if tag.get("term")],
            "image": _image(entry),
        }
    )


def _content(entry: Any) -> str | None:
    for content in entry.get("content", []):
        if content.get("value"):
            return str(content["value"])
    summary = entry.get("summary")
    return str(summary) if summary else None


def _language(entry: Any, feed: Any) -> str | None:
    for detail in (*entry.get("content", []), entry.get("title_detail") or {}, feed):
        language = str(detail.get("language") or "").replace("_", "-")
        if language:
            return language
    return None


def _authors(entry: Any) -> list[NativePerson]:
    people = entry.get("authors") or []
    if len(people) == 1 and (named := _MAILBOX.fullmatch(str(entry.get("author") or "").strip())):
        return [NativePerson(name=named[1][:300])]
    return [NativePerson(name=person["name"][:300], url=person.get("href")) for person in people if person.get("name")]


def _image(entry: Any) -> str | None:
    for thumbnail in (*entry.get("media_content", []), *entry.get("media_thumbnail", [])):
        if thumbnail.get("url") and thumbnail.get("medium", "image") == "image":
            return str(thumbnail["url"])
    for enclosure in entry.get("enclosures", []):
        if str(enclosure.get("type", "")).startswith("image/"):
            return str(enclosure.get("href"))
    return None


def _moment(entry: Any, name: str) -> datetime | None:
    if name not in entry:  # asked for a date that is not there, feedparser gives the other one
        return None
    parsed = entry[name]
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError):
        return None
