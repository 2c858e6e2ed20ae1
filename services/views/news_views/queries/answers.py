"""The shapes of the counts' answers, and what the OpenAPI document says of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from fastapi import Request
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from news_shared.article_ids import ArticleId
from news_shared.clock import rfc3339
from news_shared.http import etag_json
from news_views.view_counts import Totals

_EXAMPLE: dict[str, Any] = {
    "article": "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11",
    "views": 21478,
    "readers": 17402,
    "readers_today": 913,
    "filtered": {"bot": 3120, "prefetch": 288, "repeat": 9071, "opted_out": 640, "burst": 12, "unknown": 0},
}
_AS_OF = {"as_of": "2026-01-15T12:00:03Z"}
_NULL: dict[str, Any] = {
    "article": "c5a7d7d2-0d43-5a43-8f0b-1d7ad2b3c001",
    "views": None,
    "readers": None,
    "readers_today": None,
    "filtered": None,
    "status": 404,
}


class Filtered(BaseModel):
    """Beacons that are not views, each under the first reason that applies, in this order except repeat, the last."""

    bot: int = Field(description="The user agent names a program.")
    prefetch: int = Field(description="Fetched or rendered before anybody asked for it.")
    repeat: int = Field(description="By the same reader within the session (30 minutes).")
    opted_out: int = Field(description="`Sec-GPC` or `DNT`: nobody was told apart. Goes before all others.")
    burst: int = Field(description="From an address that sent more than a reader can.")
    unknown: int = Field(description="While the article was withdrawn.")


class ArticleViews(BaseModel):
    """How often one article was read."""

    article: str = Field(description="Our id.")
    views: int = Field(
        description="Sessions of readers: a reader counts again after 30 minutes without a beacon. With imported ones."
    )
    readers: int = Field(
        description="Different readers of a day (UTC), estimated to ±0.8 %, summed over days. With imported ones."
    )
    readers_today: int = Field(description="Different readers since midnight (UTC).")
    filtered: Filtered
    as_of: AwareDatetime = Field(description="Up to when this is right; also in the header `As-Of`.")


class UncountedArticle(BaseModel):
    """In a list, an article that has no count: null is not zero."""

    article: str = Field(description="Our id.")
    views: None = Field(description="Not known.")
    readers: None = Field(description="Not known.")
    readers_today: None = Field(description="Not known.")
    filtered: None = Field(description="Not known.")
    status: int = Field(description="404: never heard of it. 410: withdrawn.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


class ViewsOfArticles(BaseModel):
    """The counts of several articles, in the order asked."""

    items: list[ArticleViews | UncountedArticle] = Field(description="As many as were asked for.")


ONE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": ArticleViews, "content": {"application/json": {"example": {**_EXAMPLE, **_AS_OF}}}},
    304: {"description": "Nothing changed since the ETag in `If-None-Match`."},
    400: {"description": "Neither an id nor `source:guid`."},
    404: {"description": "Never heard of it."},
    410: {"description": "Withdrawn."},
    503: {"description": "Being restored, or Redis is away: try again after `Retry-After`."},
}
MANY_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": ViewsOfArticles,
        "content": {"application/json": {"example": {"items": [{**_EXAMPLE, **_AS_OF}, {**_NULL, **_AS_OF}]}}},
    },
    304: ONE_RESPONSES[304],
    400: ONE_RESPONSES[400],
    422: {"description": "None, or more than 100."},
    503: ONE_RESPONSES[503],
}
BEACON_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Kafka has it.",
        "content": {"application/json": {"example": {"article": _EXAMPLE["article"]}}},
    },
    400: {"description": "The body is not JSON."},
    413: {"description": "More than 4 kB."},
    415: {"description": "Neither `application/json` nor `text/plain`."},
    422: {"description": "`article` is missing, or neither an id nor `source:guid`."},
    429: {"description": "A pace that no reader has; try again after `Retry-After`."},
    503: {"description": "Not known whether it was written; repeating it is safe. `Retry-After` says when."},
}
BEACON_OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {
                "schema": {
                    "type": "object",
                    "required": ["article"],
                    "properties": {"article": {"type": "string", "description": "Our id, or `source:guid`."}},
                },
                "example": {"article": "morrow-herald:ferry-timetable"},
            }
            for kind in ("application/json", "text/plain")
        },
    },
    "parameters": [
        {"in": "header", "name": name, "required": False, "schema": {"type": "string"}, "description": description}
        for name, description in (
            ("Sec-GPC", "`1`: the reader does not want to be told apart; no hash is made."),
            ("DNT", "`1`: the same."),
            ("Sec-Purpose", "`prefetch`: does not count."),
            ("X-Forwarded-For", "Believed from trusted proxies only."),
        )
    ],
}


def counted(article: ArticleId, totals: Totals) -> dict[str, object]:
    """One article's counts, without ``as_of``."""
    return {
        "article": article,
        "views": totals.views,
        "readers": totals.readers,
        "readers_today": totals.readers_today,
        "filtered": totals.filtered,
    }


def uncounted(article: ArticleId, status: int) -> dict[str, object]:
    """What stands for the counts of an article that has none, without ``as_of``."""
    return {**_NULL, "article": article, "status": int(status)}


def one_answer(request: Request, content: Mapping[str, object], as_of: datetime) -> Response:
    """A count with ``as_of``; the ETag is over the rest, because time passing alone is no change."""
    return _answer(request, content, {**content, "as_of": rfc3339(as_of)}, as_of)


def many_answer(request: Request, items: list[tuple[dict[str, object], datetime]]) -> Response:
    """Several counts, each with its own ``as_of``."""
    moments = {as_of: rfc3339(as_of) for as_of in {as_of for _, as_of in items}}  # one a partition
    dated = [{**content, "as_of": moments[as_of]} for content, as_of in items]
    undated = [content for content, _ in items]
    return _answer(request, undated, {"items": dated}, min(as_of for _, as_of in items))


def ranking_answer(
    request: Request,
    items: list[dict[str, object]],
    tagged: list[Any],
    about: Mapping[str, object],
    as_of: datetime,
) -> Response:
    """A list of articles, best first; the ETag is over ``tagged`` and ``about``."""
    return _answer(request, [tagged, about], {"items": items, **about, "as_of": rfc3339(as_of)}, as_of)


def _answer(request: Request, tagged: object, content: object, as_of: datetime) -> Response:
    conditional = etag_json(request, tagged)
    conditional.headers["As-Of"] = rfc3339(as_of)
    if conditional.status_code == 304:
        return conditional
    headers = {name: conditional.headers[name] for name in ("ETag", "Cache-Control", "As-Of")}
    return Response(orjson.dumps(content), headers=headers, media_type="application/json")
