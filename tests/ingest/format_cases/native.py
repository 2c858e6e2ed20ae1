"""The native format and JSON Feed, which it is an extension of."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from news_ingest.formats.detection import Format
from tests.ingest.format_cases.case import NOON, PAGE, PICTURE, Case, persons


def native(said: dict[str, Any]) -> tuple[Format, bytes]:
    """One item alone."""
    return Format.JSON, json.dumps({"title": "T", **said}).encode()


def json_feed(said: dict[str, Any], *, feed: Mapping[str, Any] = MappingProxyType({})) -> tuple[Format, bytes]:
    """A JSON Feed of one item; ``feed`` are fields of its own."""
    items = [{"id": "1", "content_text": "Words", **said}]
    document = {"version": "https://jsonfeed.org/version/1.1", **feed, "items": items}
    return Format.JSON_FEED, json.dumps(document).encode()


def json_cases() -> list[Case]:
    correction = [{"at": NOON, "note": "A name."}]
    plain = {
        "id": "g",
        "url": PAGE,
        "title": "A & B",
        "summary": "S",
        "content_html": "<p>B</p>",
        "content_text": "B",
        "authors": persons("Ann", PAGE),
        "date_published": NOON,
        "date_modified": NOON,
        "language": "uk",
        "tags": ["Sea"],
        "image": PICTURE,
    }
    ours = {
        "version": "7",
        "attributions": persons("Wire"),
        "status": "withheld",
        "embargoed_until": NOON,
        "translation_of": "other",
        "corrections": correction,
    }
    cases = [Case("native", name, name, {name: value}, value) for name, value in {**plain, **ours}.items()]
    cases += [Case("JSON Feed", name, name, {name: value}, value) for name, value in plain.items()]
    rows: list[tuple[str, str, dict[str, Any], Any]] = [
        ("id", "url", {"url": PAGE}, PAGE),
        ("url", "external_url", {"external_url": PAGE}, PAGE),
        ("content_html", "content_text", {"content_text": "B"}, "<p>B</p>"),
        ("authors", "author", {"author": {"name": "Ann"}}, persons("Ann")),
        ("image", "banner_image", {"banner_image": PICTURE}, PICTURE),
    ]
    cases += [Case("native", *row) for row in rows]
    cases += [Case("JSON Feed", *row) for row in rows[1:]]
    return [
        *cases,
        Case("JSON Feed", "title", "content_text", {"content_text": "First words"}, "First words"),
        Case("JSON Feed", "authors", "feed/authors", {}, persons("Ann"), {"feed": {"authors": persons("Ann")}}),
        Case("JSON Feed", "language", "feed/language", {}, "uk", {"feed": {"language": "uk"}}),
        Case(
            "JSON Feed", "image", "attachments", {"attachments": [{"url": PICTURE, "mime_type": "image/jpeg"}]}, PICTURE
        ),
    ]
