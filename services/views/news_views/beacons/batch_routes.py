"""``POST /v1/views/batch``: beacons from servers and edges."""

from typing import Annotated, Any, Final, TypedDict

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from news_shared.api_keys import ApiKeys
from news_shared.problems import INVALID, ProblemError
from news_views.beacons.ndjson_body import bounded, require_ndjson
from news_views.beacons.server_batches import MAX_REJECTS_SHOWN, ServerBatchIntake

router = APIRouter(tags=["views"])

_EXAMPLE: Final = (
    '{"article": "herald:ferry", "time": "2026-01-15T12:00:00Z", "ip": "192.0.2.7", '
    '"user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"}'
)


class RejectedLine(BaseModel):
    """A line that does not count."""

    line: int = Field(description="From 1.")
    errors: list[str] = Field(description="What is wrong with it.")


class BatchTaken(BaseModel):
    """What became of a batch."""

    accepted: int = Field(description="Lines that Kafka has.")
    rejected: list[RejectedLine] = Field(description="The first 1,000 of them.")
    rejected_count: int | None = Field(None, description="Of all, when not all are shown.")


_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "model": BatchTaken,
        "description": f"Kafka has all accepted lines. Of the rejected, the first {MAX_REJECTS_SHOWN:,} are shown.",
        "content": {
            "application/json": {
                "example": {
                    "accepted": 412,
                    "rejected": [{"line": 7, "errors": ["time: more than 10 minutes ago"]}],
                }
            }
        },
    },
    401: {"description": "No valid key."},
    403: {"description": "The key lacks the scope `views:write`."},
    413: {"description": "Too much for one request; what came before the limit may have been written."},
    415: {"description": "Not NDJSON."},
    422: {"description": "There is no line, or each was rejected."},
    503: {
        "description": "Kafka is away, or too many batches are being read: send all of it again after `Retry-After`."
    },
}
_OPENAPI: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {
                    "type": "string",
                    "description": "One object a line: `article` (our id or `source:guid`), `time` (RFC 3339, at most "
                    "10 minutes ago), `ip` and `user_agent` of the reader; optional `gpc` or `dnt` (true: opted out; "
                    "`ip` may then be left out) and `purpose` (the header `Sec-Purpose`).",
                },
                "example": _EXAMPLE + "\n",
            }
        },
    }
}


class BatchState(TypedDict):
    """What the route works with; opened by the lifespan."""

    keys: ApiKeys
    server_batches: ServerBatchIntake
    batch_bytes: int


@router.post(
    "/v1/views/batch",
    status_code=202,
    responses=_RESPONSES,
    openapi_extra=_OPENAPI,
    summary="Articles were opened: from a server or an edge",
)
async def views_from_a_server(
    request: Request,
    authorization: Annotated[str | None, Header(description="`Bearer` and a key with the scope `views:write`.")] = None,
) -> Response:
    """Take NDJSON as it streams in. Counted like beacons of pages; answered when Kafka has every accepted line.

    Sending a batch again after a 503 is safe: lines that were written are repeats within their readers' sessions.
    """
    request.state.keys.authorise(authorization, "views:write")
    require_ndjson(request, _EXAMPLE)
    intake: ServerBatchIntake = request.state.server_batches
    try:
        limit = request.state.batch_bytes
        taken = await intake.take(bounded(request, limit, "Lines sent twice are counted once."))
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    if taken.accepted:
        return JSONResponse(taken.answer(), 202)
    if not taken.rejected_count:
        raise ProblemError(INVALID, f"There is no line. A line is {_EXAMPLE}")
    raise ProblemError(INVALID, f"Every line was rejected. A line is {_EXAMPLE}", None, **taken.answer())
