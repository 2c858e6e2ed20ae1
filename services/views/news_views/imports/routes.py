"""``POST /v1/views/imports``: totals that another system counted before us."""

from typing import Annotated, Any, Final, TypedDict

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from news_shared.api_keys import ApiKeys
from news_views.beacons.ndjson_body import bounded, require_ndjson
from news_views.imports.intake import MOST_LINES, ImportIntake
from news_views.view_log import ORIGIN

router = APIRouter(tags=["views"])

_BODY_BYTES: Final = 1024 * 1024
_EXAMPLE: Final = '{"article": "herald:ferry", "day": "2025-06-30", "views": 812, "readers": 640}'


class UnknownLine(BaseModel):
    """A line whose article nobody has announced so far."""

    line: int = Field(description="Its number in the request, from 1.")
    article: str = Field(description="Our id.")


class ImportChecked(BaseModel):
    """What `dry_run` found."""

    accepted: int = Field(description="Lines.")
    unknown: list[UnknownLine] = Field(description="Among them; they show once their article is known.")


class ImportTaken(BaseModel):
    """Kafka has all lines."""

    accepted: int = Field(description="Lines.")


_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": ImportChecked,
        "description": "The answer to `dry_run`: nothing is wrong.",
        "content": {
            "application/json": {
                "example": {"accepted": 2, "unknown": [{"line": 2, "article": "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11"}]}
            }
        },
    },
    202: {
        "model": ImportTaken,
        "description": "Kafka has all lines.",
        "content": {"application/json": {"example": {"accepted": 2}}},
    },
    401: {"description": "No valid key."},
    403: {"description": "The key lacks the scope `admin`."},
    413: {"description": f"More than {_BODY_BYTES:,} bytes. Nothing was written."},
    415: {"description": "Not NDJSON."},
    422: {"description": f"Lines are wrong (`rejected`), or none, or over {MOST_LINES:,}. Nothing was written."},
    503: {"description": "Kafka is away; for `dry_run` Redis. Send all of it again after `Retry-After`."},
}
_OPENAPI: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {
                    "type": "string",
                    "description": "One object a line: `article` (our id or `source:guid`), `views`, and optionally "
                    "`day` (UTC; without it totals have the views and series do not) and `readers`.",
                },
                "example": _EXAMPLE + "\n",
            }
        },
    }
}


class ImportState(TypedDict):
    """What the route works with; opened by the lifespan."""

    keys: ApiKeys
    imports: ImportIntake


@router.post(
    "/v1/views/imports",
    status_code=202,
    responses=_RESPONSES,
    openapi_extra=_OPENAPI,
    summary="What another system counted",
)
async def import_totals(
    request: Request,
    origin: Annotated[
        str,
        Query(
            pattern=f"^{ORIGIN.pattern}$",
            description="The system that counted: lower case, digits, `.`, `_`, `-`.",
            examples=["goatcounter"],
        ),
    ],
    dry_run: Annotated[bool, Query(description="Check only, and say which articles are not known.")] = False,
    authorization: Annotated[str | None, Header(description="`Bearer` and a key with the scope `admin`.")] = None,
) -> Response:
    """Take totals by article and day. They are added to what is counted here.

    What an origin says of a day of an article replaces what it said of it before, so sending lines again changes
    nothing. Views of 0 take an import back. Either all lines of a request are taken or none.
    """
    request.state.keys.authorise(authorization, "admin")
    require_ndjson(request, _EXAMPLE)
    intake: ImportIntake = request.state.imports
    try:
        imports = await intake.read(bounded(request, _BODY_BYTES, "Nothing was written."), origin)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    if dry_run:
        unknown = [{"line": line, "article": said.article} for line, said in await intake.unknown(imports)]
        return JSONResponse({"accepted": len(imports), "unknown": unknown})
    await intake.write(imports)
    return JSONResponse({"accepted": len(imports)}, 202)
