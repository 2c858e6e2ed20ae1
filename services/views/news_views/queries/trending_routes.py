"""The HTTP API of what is rising and what was read most."""

from typing import Annotated, Any, TypedDict

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from news_shared.clock import rfc3339
from news_shared.language_fields import LanguageRange
from news_shared.problems import INVALID, ProblemError
from news_shared.themes import theme_slug
from news_views.counting.trending import Window
from news_views.queries.answers import ranking_answer
from news_views.queries.trending_query import Ranked, Selection, TrendingQuery

router = APIRouter(tags=["views"])

MAX_LIMIT = 100


class TrendingState(TypedDict):
    """What these routes work with; opened by the lifespan."""

    trending: TrendingQuery


class RisingArticle(BaseModel):
    """One of the articles that rise."""

    article: str = Field(description="Our id.")
    score: float = Field(description="Views, each weighing half as much after each half-life (half the window).")
    language: str = Field(description="BCP 47; `und` where unknown.")
    themes: list[str] = Field(description="Their names.")


class Rising(BaseModel):
    """What is rising now, best first, ties by id; what has faded to less than a hundredth of a view is left out."""

    items: list[RisingArticle] = Field(description="At most `limit`.")
    window: Window = Field(description="As it was asked for.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


class ReadArticle(BaseModel):
    """One of the articles that were read most."""

    article: str = Field(description="Our id.")
    views: int = Field(description="Since `from`.")
    language: str = Field(description="BCP 47; `und` where unknown.")
    themes: list[str] = Field(description="Their names.")


class MostRead(BaseModel):
    """What was read most, best first, ties by id."""

    items: list[ReadArticle] = Field(description="At most `limit`.")
    window: Window = Field(description="As it was asked for.")
    from_: AwareDatetime = Field(alias="from", description="The running hour, and the window's hours before it.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


_ITEM: dict[str, Any] = {
    "article": "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11",
    "language": "uk",
    "themes": ["Енергетика"],
}


def _responses(model: type[BaseModel], item: dict[str, Any], **rest: str) -> dict[int | str, dict[str, Any]]:
    example = {"items": [{**_ITEM, **item}], "window": "24h", **rest, "as_of": "2026-01-15T12:00:03Z"}
    return {
        200: {"model": model, "content": {"application/json": {"example": example}}},
        304: {"description": "Nothing changed since the ETag in `If-None-Match`."},
        422: {"description": "No such window or limit, or a theme without a letter."},
        503: {"description": "Being restored, or Redis is away: try again after `Retry-After`."},
    }


_Window = Annotated[Window, Query(description="How far back views matter.")]
_Theme = Annotated[str | None, Query(max_length=200, description="As articles spell it, or its slug.")]
_Language = Annotated[LanguageRange | None, Query(description="`uk` includes `uk-UA`.")]
_Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Articles at the most.")]


@router.get("/v1/trending", responses=_responses(Rising, {"score": 912.4}), summary="What is rising now")
async def trending(
    request: Request, window: _Window = "24h", theme: _Theme = None, language: _Language = None, limit: _Limit = 10
) -> Response:
    """Articles by their decayed views: a view weighs half as much after half the window."""
    query: TrendingQuery = request.state.trending
    ranking = await query.rising(_selection(window, limit, theme, language))
    return ranking_answer(
        request,
        [{**_item(item), "score": round(item.score, 3)} for item in ranking.items],
        # The scores fall with time alone; what changed only so is no change.
        [(*_item(item).values(), round(item.log_score, 6)) for item in ranking.items],
        {"window": window},
        ranking.as_of,
    )


@router.get(
    "/v1/most-read",
    responses=_responses(MostRead, {"views": 9120}, **{"from": "2026-01-14T12:00:00Z"}),
    summary="What was read most",
)
async def most_read(
    request: Request, window: _Window = "24h", theme: _Theme = None, language: _Language = None, limit: _Limit = 10
) -> Response:
    """Articles by their views in the running hour and in as many hours before it as the window has."""
    query: TrendingQuery = request.state.trending
    ranking = await query.most_read(_selection(window, limit, theme, language))
    items = [{**_item(item), "views": item.views} for item in ranking.items]
    return ranking_answer(request, items, items, {"window": window, "from": rfc3339(ranking.begin)}, ranking.as_of)


def _selection(window: Window, limit: int, theme: str | None, language: str | None) -> Selection:
    if theme is not None and not theme_slug(theme):
        raise ProblemError(INVALID, "theme: there is no letter and no digit in it.")
    return Selection(window, limit, theme, language)


def _item(item: Ranked) -> dict[str, object]:
    return {"article": item.article, "language": item.standing.language, "themes": list(item.standing.themes)}
