"""The HTTP API of counts; beacons come in through `beacons.door`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from news_shared.article_ids import ArticleId, parse_article_id
from news_shared.clock import Clock
from news_shared.event_streams import Patience
from news_shared.openapi import describe_problems
from news_shared.problems import GONE, NOT_FOUND, ProblemError
from news_views.beacons.door import PATH
from news_views.beacons.intake import BeaconIntake
from news_views.beacons.metrics import BeaconMetrics
from news_views.queries.answers import (
    BEACON_OPENAPI,
    BEACON_RESPONSES,
    MANY_RESPONSES,
    ONE_RESPONSES,
    counted,
    many_answer,
    one_answer,
    uncounted,
)
from news_views.queries.counts_query import CountsQuery
from news_views.queries.live import LiveCounts
from news_views.queries.series_query import SeriesQuery
from news_views.queries.trending_routes import TrendingState
from news_views.view_log import State

router = APIRouter(tags=["views"])

MAX_ARTICLES = 100

_NEVER_STORED = {"Cache-Control": "no-cache"}  # a 404 or 410 is over as soon as the article comes (back)


class ViewsState(TrendingState):
    """What the routes and the door work with; opened by the lifespan."""

    intake: BeaconIntake
    counts: CountsQuery
    metrics: BeaconMetrics
    series: SeriesQuery
    clock: Clock
    live: LiveCounts
    patience: Patience


@router.get(PATH, responses=MANY_RESPONSES, summary="Counts of several articles")
async def views_of_articles(
    request: Request,
    article: Annotated[
        list[str],
        Query(min_length=1, max_length=MAX_ARTICLES, description="Ids or `source:guid`, up to 100, in any order."),
    ],
) -> Response:
    """The counts in the order asked; `null` for an article that is withdrawn or that nobody announced."""
    counts: CountsQuery = request.state.counts
    found = await counts.of([parse_article_id(name) for name in article])
    return many_answer(
        request,
        [
            (
                counted(count.article, count.totals)
                if count.state == "known"
                else uncounted(count.article, GONE.status if count.state == "withdrawn" else NOT_FOUND.status),
                count.as_of,
            )
            for count in found
        ],
    )


@router.get("/v1/articles/{article:path}/views", responses=ONE_RESPONSES, summary="How often an article was read")
async def views_of_article(request: Request, article: str) -> Response:
    """The counts of one article by our id or by `source:guid`."""
    counts: CountsQuery = request.state.counts
    [count] = await counts.of([parse_article_id(article)])
    refuse_uncounted(article, count.article, count.state)
    return one_answer(request, counted(count.article, count.totals), count.as_of)


def refuse_uncounted(asked: str, article: ArticleId, state: State | None) -> None:
    """Let only articles pass of which something may be shown.

    Raises:
        ProblemError: 404 for one that nobody announced, 410 for one that was withdrawn.
    """
    if state is None:
        raise ProblemError(NOT_FOUND, f"There is no article {asked[:200]}.", _NEVER_STORED)
    if state == "withdrawn":
        raise ProblemError(GONE, f"Article {article} was withdrawn.", _NEVER_STORED, article=article)


def describe_beacons(document: dict[str, Any]) -> None:
    """Add ``POST /v1/views`` to an OpenAPI document: the door answers it before the router sees it."""
    paths = document["paths"]
    paths[PATH]["post"] = {
        "tags": ["views"],
        "summary": "An article was opened",
        "description": (
            "No credentials, no cookie; answered when Kafka has it. From a page: "
            '`navigator.sendBeacon("/v1/views", JSON.stringify({article: "source:guid"}))`.'
        ),
        "responses": {str(status): described for status, described in BEACON_RESPONSES.items()},
        **BEACON_OPENAPI,
    }
    describe_problems(document)
