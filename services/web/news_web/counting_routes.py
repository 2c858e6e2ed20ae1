"""How views are counted, and the wish of a reader not to be."""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from news_web.desk import PAGE, desk_of, interface_of
from news_web.rendering import IS_COUNTED, is_counted

router = APIRouter()

_A_YEAR: Final = 365 * 24 * 3600
_FORM_BYTES: Final = 1024  # its one field has eight


@router.api_route("/counting", methods=list(PAGE), include_in_schema=False)
async def counting(request: Request) -> Response:
    """Says how views are counted and lets the reader say no."""
    wishes = request.headers
    return desk_of(request).pen.page(
        request,
        "counting.html",
        interface_of(request),
        has_signal="1" in (wishes.get("sec-gpc"), wishes.get("dnt")),
    )


@router.post("/counting", include_in_schema=False)
async def wish(request: Request) -> Response:
    """Keeps the wish in a cookie of this site, which says no more than that, or takes it away.

    The field ``count`` says which, ``no`` or ``yes``: a second click is no other wish. A form without it, as of a page
    that was opened before there was one, asks for what is not the case. Pages for a reader who said no are without the
    script that tells of a view.
    """
    query = f"?{request.url.query}" if request.url.query else ""
    response = RedirectResponse(f"/counting{query}", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
    is_welcome = {"yes": True, "no": False}.get(await _field(request, "count"), not is_counted(request))
    if not is_welcome:
        # Behind a proxy that speaks TLS every request is http; the public address knows better.
        secure = "https" in (request.url.scheme, urlsplit(desk_of(request).pen.origin(request)).scheme)
        response.set_cookie(IS_COUNTED, "no", max_age=_A_YEAR, path="/", secure=secure, httponly=True, samesite="lax")
    else:
        response.delete_cookie(IS_COUNTED, path="/")
    return response


async def _field(request: Request, name: str) -> str:
    form = b""
    async for chunk in request.stream():
        form += chunk
        if len(form) > _FORM_BYTES:
            return ""
    return parse_qs(form.decode("latin-1")).get(name, [""])[0]
