"""What a page takes part with as a picture: the beacon without script, and the count as a badge.

A picture is answered with a picture whatever happens: the status says what was wrong, and no page shows a broken
image.
"""

import json
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from news_shared.article_ids import parse_article_id
from news_shared.errors import OverloadError, PoisonError, TransientError
from news_shared.http import etagged
from news_shared.problems import ProblemError
from news_views.beacons.intake import BeaconIntake
from news_views.beacons.metrics import BeaconMetrics
from news_views.embeds.badge import EMPTY, badge
from news_views.embeds.wording import worded
from news_views.queries.counts_query import CountsQuery

router = APIRouter(tags=["views"])

PIXEL: Final = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""A GIF of one transparent pixel."""

_ANYWHERE: Final = {"Cross-Origin-Resource-Policy": "cross-origin"}
_SVG: Final = "image/svg+xml"
_BESIDE_THE_BODY: Final = {b"content-type", b"content-length"}

_PIXEL_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": {"image/gif": {}}}
    for status, description in {
        200: "Kafka has the beacon.",
        422: "The pixel, but nothing was counted: `article` is missing, or neither an id nor source:guid.",
        429: "The pixel, but nothing was counted: a pace that no reader has.",
        503: "The pixel; whether the beacon was written is not known.",
    }.items()
}
_BADGE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The badge.",
        "content": {
            _SVG: {"example": '<svg xmlns="http://www.w3.org/2000/svg" …><title>21 478 переглядів</title>…</svg>'}
        },
    },
    304: {"description": "Nothing changed since the ETag in `If-None-Match`."},
    **{
        status: {"description": f"An empty picture: {why}.", "content": {_SVG: {}}}
        for status, why in {
            400: "neither an id nor `source:guid`",
            404: "never heard of it",
            410: "withdrawn",
            503: "the count is not to be had now",
        }.items()
    },
}


@router.get("/v1/pixel.gif", responses=_PIXEL_RESPONSES, response_class=Response, summary="A beacon without script")
async def pixel(
    request: Request,
    article: Annotated[
        str | None, Query(description="Our id, or `source:guid`.", examples=["morrow-herald:ferry-timetable"])
    ] = None,
) -> Response:
    """For `<noscript><img src="…/v1/pixel.gif?article=…" alt=""></noscript>`: the same rules as `POST /v1/views`.

    Always the pixel, never to be stored. A 200 means that the beacon is in Kafka; every other status that it does not
    count.
    """
    intake: BeaconIntake = request.state.intake
    metrics: BeaconMetrics = request.state.metrics
    status, headers = HTTPStatus.OK, {"Cache-Control": "no-store", **_ANYWHERE}
    # The header fields of a body that this request does not have.
    said = [(name, value) for name, value in request.scope["headers"] if name not in _BESIDE_THE_BODY]
    try:
        await intake.take(
            request.client.host if request.client else "", said, json.dumps({"article": article}).encode()
        )
    except ProblemError as error:
        metrics.beacon("refused" if error.problem.status == HTTPStatus.TOO_MANY_REQUESTS else "invalid")
        status = error.problem.status
        headers |= error.headers or {}
    except TransientError as error:
        metrics.beacon("overload" if isinstance(error, OverloadError) else "unavailable")
        status = HTTPStatus.SERVICE_UNAVAILABLE
    else:
        metrics.beacon("accepted")
    return Response(PIXEL, status, headers, "image/gif")


@router.get(
    "/v1/articles/{article:path}/views.svg",
    responses=_BADGE_RESPONSES,
    response_class=Response,
    summary="How often an article was read, as a picture",
)
async def badge_of_article(
    request: Request,
    article: str,
    language: Annotated[
        str, Query(description="BCP 47; a number with an eye where we have no word.", examples=["uk", "ar-EG"])
    ] = "en",
) -> Response:
    """For `<img src="…/views.svg?language=uk" alt="">`: `21 478 переглядів`, with the plural and digits of CLDR.

    Without anything true to show the picture is empty, and the status says why.
    """
    query: CountsQuery = request.state.counts
    try:
        [count] = await query.of([parse_article_id(article)])
    except (PoisonError, UnicodeEncodeError):
        return _empty(HTTPStatus.BAD_REQUEST)
    except TransientError:
        return _empty(HTTPStatus.SERVICE_UNAVAILABLE)
    if count.state != "known":
        return _empty(HTTPStatus.NOT_FOUND if count.state is None else HTTPStatus.GONE)
    response = etagged(request, badge(worded(count.totals.views, language)), _SVG)
    response.headers.update(_ANYWHERE)
    return response


def _empty(status: HTTPStatus) -> Response:
    return Response(EMPTY, status, {"Cache-Control": "no-cache", **_ANYWHERE}, _SVG)
