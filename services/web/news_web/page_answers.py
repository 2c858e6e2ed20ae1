"""What the OpenAPI document says of the page as JSON."""

from typing import Any, Final

_CARD: Final = {
    "article": "5d0d1c3c-7a2b-5d52-8a9e-1d6f0a4a1c02",
    "title": "Нічні пороми повертаються до Порт-Морроу",
    "url": "https://herald.example/uk/nichni-poromy",
    "language": "uk",
    "date": "2026-01-15T12:00:00Z",
    "image": None,
}
_ARTICLE: Final = {
    "id": "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11",
    "revision": 2,
    "source": "morrow-herald",
    "guid": "ferry-timetable",
    "url": "https://herald.example/ferry-timetable",
    "language": "en",
    "title": "Night ferries return to Port Morrow",
    "content_html": '<p>The last boat left in 2024, <a href="https://herald.example/last-boat">as we reported</a>.</p>',
    "date_published": "2026-01-15T12:00:00Z",
    "tags": ["Port Morrow"],
}
EXAMPLE: Final[dict[str, Any]] = {
    "id": _ARTICLE["id"],
    "article": {"status": "ok", **_ARTICLE},
    "views": {"status": "ok", "article": _ARTICLE["id"], "views": 21478, "readers": 17402, "readers_today": 913},
    "links": {
        "status": "ok",
        "links": [
            {"paragraph": 0, "url": "https://herald.example/last-boat", "text": "as we reported", "card": None},
        ],
        "backlinks": [_CARD],
    },
    "story": {"status": "ok", "id": _CARD["article"], "items": [_CARD], "truncated": False},
    "related": {
        "status": "ok",
        "items": [{**_CARD, "reason": {"kind": "translation", "text": "translation of this article"}, "score": 0.95}],
    },
    "themes": {"status": "ok", "items": [{"slug": "port-morrow", "name": "Port Morrow", "items": []}]},
}
_STATUS: Final = {"type": "string", "enum": ["ok", "stale", "missing", "gone", "refused", "unavailable"]}
_PART: Final = {"type": "object", "required": ["status"], "properties": {"status": _STATUS}}
_SCHEMA: Final = {
    "type": "object",
    "required": list(EXAMPLE),
    "properties": {name: {"type": "string"} if name == "id" else _PART for name in EXAMPLE},
}
PAGE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The parts, each with what its service answers, beside a `status`.",
        "content": {"application/json": {"schema": _SCHEMA, "example": EXAMPLE}},
    },
    304: {"description": "Nothing changed since the ETag in `If-None-Match`."},
    400: {"description": "Neither an id, nor `source:guid`, nor a URL."},
    404: {"description": "Never heard of it."},
    410: {"description": "Withdrawn; `reason` and `time` say why and when."},
    422: {"description": "No article is named, or two, or the URL cannot be one of an article, as it is too long."},
    503: {"description": "No service answers: try again after `Retry-After`."},
}
