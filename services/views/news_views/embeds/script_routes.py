"""The scripts that a page embeds: one tells that it was opened, one shows the count."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from news_shared.http import etagged
from news_views.embeds.wording import FORMS

router = APIRouter(tags=["pages"])

_FOLDER: Final = Path(__file__).parent / "static"
_NO_FORMS: Final = "const forms = {};"
_AN_HOUR: Final = "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=86400"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The script; may be kept for an hour.", "content": {"text/javascript": {}}},
    304: {"description": "Nothing changed since the ETag in `If-None-Match`."},
}


@cache
def read_script() -> bytes:
    """``read.js`` as it is served."""
    return (_FOLDER / "read.js").read_bytes()


@cache
def components_script() -> bytes:
    """``components.js`` as it is served: with the words of `wording`, so that they are written down once."""
    source = (_FOLDER / "components.js").read_text()
    assert _NO_FORMS in source
    forms = json.dumps(FORMS, ensure_ascii=False, separators=(",", ":"))
    return source.replace(_NO_FORMS, f"const forms = {forms};").encode()


@router.get("/v1/read.js", responses=_RESPONSES, response_class=Response, summary="Script: counts the view of a page")
async def read_js(request: Request) -> Response:
    """`<script async src="/v1/read.js" data-article="source:guid"></script>`: one beacon a view of the page.

    Prerendered pages, and pages in a tab behind, when they are seen; pages from the back/forward cache anew. No
    cookie, nothing stored. The beacon goes to where the script came from.
    """
    return _script(request, read_script())


@router.get(
    "/v1/components.js", responses=_RESPONSES, response_class=Response, summary="Script: `<news-views>`, the live count"
)
async def components_js(request: Request) -> Response:
    """`<news-views article="source:guid" language="uk">&nbsp;</news-views>`: the count, live, without layout shift."""
    return _script(request, components_script())


def _script(request: Request, source: bytes) -> Response:
    response = etagged(request, source, "text/javascript", cache_control=_AN_HOUR)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
