"""What is neither a page nor the page as JSON: the public API of other services, the assets, and everything unknown."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from news_shared.problems import NOT_FOUND, ProblemError
from news_web.desk import PAGE, desk_of, interface_of, trouble
from news_web.passing import pass_on
from news_web.peers import Part
from news_web.public_paths import service_for

router = APIRouter()

_ASSET_HEADERS: Final = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@router.api_route("/v1/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def public_api(request: Request) -> Response:
    """What other services answer."""
    desk = desk_of(request)
    return await pass_on(request, desk.peers, desk.trusted, desk.stopping)


@router.api_route("/static/{digest}/{name}", methods=list(PAGE), include_in_schema=False)
async def asset(request: Request, digest: str, name: str) -> Response:
    """A stylesheet, script or icon; its address changes with it, so that it may be kept for ever."""
    found = desk_of(request).assets.get(name)
    if found is None or found.path != f"/static/{digest}/{name}":
        raise ProblemError(NOT_FOUND, f"There is no {name} of this version; reload the page.")
    return Response(found.content, headers=_ASSET_HEADERS, media_type=found.media_type)


@router.api_route("/robots.txt", methods=list(PAGE), include_in_schema=False)
async def robots() -> Response:
    """Pages are for everybody, the API and pieces of pages are not worth a crawl."""
    return Response("User-agent: *\nDisallow: /v1/\nDisallow: /copies\n", media_type="text/plain")


@router.api_route("/{path:path}", methods=list(PAGE), include_in_schema=False)
async def nothing_here(request: Request) -> Response:
    """What a service answers outside of ``/v1/``, or a page that says that there is nothing."""
    if service_for(request.method, request.url.path) is not None:
        return await public_api(request)
    return trouble(request, interface_of(request), Part("missing"))
