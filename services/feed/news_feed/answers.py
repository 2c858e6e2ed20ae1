"""The shapes of the feed's answers: JSON, validators, and what the OpenAPI document says of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from fastapi import Request
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from news_shared.articles import Article
from news_shared.clock import rfc3339
from news_shared.http import etag_json

BODY_FIELDS = ("content_html", "content_text", "links")
"""What a list leaves out of an article; ask for one article or name it with ``article=`` to get them."""

EXAMPLE_ARTICLE: dict[str, Any] = {
    "id": "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11",
    "revision": 2,
    "source": "morrow-herald",
    "guid": "ferry-timetable",
    "url": "https://herald.example/ferry-timetable",
    "language": "en",
    "title": "Night ferries return to Port Morrow",
    "summary": "After two winters without them, the harbour gets its late sailings back.",
    "authors": [{"name": "Ada Quill"}],
    "date_published": "2026-01-15T12:00:00Z",
    "tags": ["Port Morrow", "Transport"],
    "first_published_at": "2026-01-15T12:00:02Z",
}
_ONE = {
    **EXAMPLE_ARTICLE,
    "content_html": '<p>The last boat left in 2024, <a href="https://herald.example/last-boat">as we reported</a>.</p>',
    "links": [{"url": "https://herald.example/last-boat", "text": "as we reported", "paragraph": 0}],
    "as_of": "2026-01-15T12:00:03Z",
}


class OneArticle(Article):
    """An article with its body."""

    as_of: AwareDatetime = Field(description="Up to when this answer is right.")


class ArticlePage(BaseModel):
    """Some articles of a list, newest first, without their bodies."""

    items: list[Article] = Field(description="At most `limit`.")
    next: str | None = Field(None, description="Ask for it as `cursor` to go on; absent at the end.")
    as_of: AwareDatetime = Field(description="Up to when every part of this answer is right.")


class Missing(BaseModel):
    """An article that was asked for and cannot be given."""

    article: str = Field(description="As it was asked for.")
    status: int = Field(description="404: never heard of it. 410: withdrawn.")
    reason: str | None = Field(None, description="Why it was withdrawn, where its source said so.")
    time: AwareDatetime | None = Field(None, description="When it was withdrawn.")


class NamedArticles(BaseModel):
    """Articles that were asked for by name, whole, in the order asked."""

    items: list[Article] = Field(description="Those that there are.")
    missing: list[Missing] = Field(description="Those that there are not.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


ONE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": OneArticle, "content": {"application/json": {"example": _ONE}}},
    304: {"description": "Nothing changed since the ETag in `If-None-Match`."},
    400: {"description": "Neither an id nor `source:guid`."},
    404: {"description": "Never heard of it."},
    410: {"description": "Withdrawn; `reason` and `time` say why and when."},
    503: {"description": "Being restored, or Redis is away: try again after `Retry-After`."},
}
LIST_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": ArticlePage | NamedArticles,
        "content": {
            "application/json": {
                "examples": {
                    "newest of a theme": {
                        "value": {"items": [EXAMPLE_ARTICLE], "next": "AF9r…", "as_of": "2026-01-15T12:00:03Z"}
                    },
                    "by name": {
                        "value": {
                            "items": [_ONE],
                            "missing": [
                                {
                                    "article": "morrow-herald:old-story",
                                    "status": 410,
                                    "reason": "libel",
                                    "time": "2026-01-14T09:30:00Z",
                                }
                            ],
                            "as_of": "2026-01-15T12:00:03Z",
                        }
                    },
                }
            }
        },
    },
    304: ONE_RESPONSES[304],
    400: {"description": "A name is neither an id nor `source:guid`, or `cursor` is none that a page gave."},
    503: ONE_RESPONSES[503],
}


def card(article: Mapping[str, Any]) -> dict[str, Any]:
    """An article as a list shows it."""
    return {name: value for name, value in article.items() if name not in BODY_FIELDS}


def answer(request: Request, content: Mapping[str, Any], as_of: datetime) -> Response:
    """JSON with ``as_of``, and an ETag over the rest: time passing alone is no change."""
    conditional = etag_json(request, content)
    conditional.headers["As-Of"] = rfc3339(as_of)
    if conditional.status_code == 304:
        return conditional
    body = orjson.dumps({**content, "as_of": rfc3339(as_of)})
    headers = {name: conditional.headers[name] for name in ("ETag", "Cache-Control", "As-Of")}
    return Response(body, headers=headers, media_type="application/json")
