"""The HTTP API of time series."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from news_shared.article_ids import parse_article_id
from news_shared.clock import Clock, rfc3339
from news_views.queries.answers import ONE_RESPONSES, Filtered, one_answer
from news_views.queries.routes import refuse_uncounted
from news_views.queries.series import Interval, span
from news_views.queries.series_query import Point, SeriesQuery

router = APIRouter(tags=["views"])


class SeriesPoint(BaseModel):
    """One hour or day."""

    time: AwareDatetime = Field(description="When it begins, UTC.")
    views: int = Field(description="Of days with what was imported, of hours without.")
    readers: int | None = Field(None, description="Days only: different readers, estimated to ±0.8 %, and imported.")
    filtered: Filtered | None = Field(None, description="Days only: what did not count.")


class ViewsSeries(BaseModel):
    """How often one article was read, hour by hour or day by day."""

    model_config = {"serialize_by_alias": True}

    article: str = Field(description="Our id.")
    interval: Interval = Field(description="Of each point.")
    from_: AwareDatetime = Field(alias="from", description="When the first interval begins.")
    to: AwareDatetime = Field(description="When the last interval ends.")
    points: list[SeriesPoint] = Field(description="Every interval in order, zeros included; the last may be under way.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


_EXAMPLE: Final[Mapping[str, Any]] = {
    "article": "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11",
    "interval": "day",
    "from": "2026-01-14T00:00:00Z",
    "to": "2026-01-16T00:00:00Z",
    "points": [
        {
            "time": "2026-01-14T00:00:00Z",
            "views": 1204,
            "readers": 1100,
            "filtered": {"bot": 91, "prefetch": 8, "repeat": 380, "opted_out": 31, "burst": 0, "unknown": 0},
        },
        {
            "time": "2026-01-15T00:00:00Z",
            "views": 0,
            "readers": 0,
            "filtered": {"bot": 0, "prefetch": 0, "repeat": 0, "opted_out": 0, "burst": 0, "unknown": 0},
        },
    ],
    "as_of": "2026-01-15T12:00:03Z",
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    **ONE_RESPONSES,
    200: {"model": ViewsSeries, "content": {"application/json": {"example": _EXAMPLE}}},
    422: {"description": "from or to is no moment, the wrong way round, or the time is too long for one answer."},
}


@router.get(
    "/v1/articles/{article:path}/views/series", responses=_RESPONSES, summary="How often an article was read, over time"
)
async def series_of_article(
    request: Request,
    article: str,
    interval: Annotated[Interval, Query(description="Up to 744 hours (31 days) or 366 days in one answer.")] = "hour",
    start: Annotated[
        str | None,
        Query(
            alias="from",
            description="First moment, RFC 3339 or a date in UTC. Default: 48 hours or 30 days before `to`.",
        ),
    ] = None,
    end: Annotated[
        str | None,
        Query(alias="to", description="Up to, but without this moment. Default: now, the interval included."),
    ] = None,
) -> Response:
    """Every interval that begins in [from, to), zeros included; hours and days are those of UTC."""
    wanted = parse_article_id(article)
    clock: Clock = request.state.clock
    asked = span(interval, start, end, clock())
    query: SeriesQuery = request.state.series
    found = await query.of(wanted, asked)
    refuse_uncounted(article, found.article, found.state)
    content = {
        "article": found.article,
        "interval": interval,
        "from": rfc3339(asked.start),
        "to": rfc3339(asked.end),
        "points": [_point(point) for point in found.points],
    }
    return one_answer(request, content, found.as_of)


def _point(point: Point) -> dict[str, object]:
    shown: dict[str, object] = {"time": rfc3339(point.time), "views": point.views}
    if point.filtered is not None:
        shown |= {"readers": point.readers, "filtered": dict(point.filtered)}
    return shown
