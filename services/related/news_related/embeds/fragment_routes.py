"""What a page embeds: related articles as HTML, and the script of the element that shows them."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from news_related.embeds.fragment import as_fragment
from news_related.link_graph import LinkGraph
from news_related.lists import related_stories
from news_related.lists.ranking import Wanted
from news_related.lists.reasons import words_for
from news_related.queries.answers import RELATED_RESPONSES, kept_or_made
from news_related.queries.asked import Kinds, Languages, Limit, key_asked_for, live
from news_shared.clock import rfc3339
from news_shared.http import etagged
from news_shared.language_fields import LanguageRange

router = APIRouter(tags=["pages"])

_SCRIPT: Final = Path(__file__).parent / "static" / "related.js"
_AN_HOUR: Final = "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=86400"
_EXAMPLE: Final = (
    '<section class="news-related" lang="en" aria-label="Related">\n<h2 class="news-related-heading">Related</h2>…'
)
_FRAGMENT_RESPONSES: dict[int | str, dict[str, Any]] = {
    **{status: said for status, said in RELATED_RESPONSES.items() if status != 200},
    200: {"description": "A `section`.", "content": {"text/html": {"example": _EXAMPLE}}},
}
_SCRIPT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The script; may be kept for an hour.", "content": {"text/javascript": {}}},
    304: {"description": "Nothing changed since the ETag in `If-None-Match`."},
}


@router.get(
    "/v1/articles/{article:path}/related.html",
    responses=_FRAGMENT_RESPONSES,
    response_class=Response,
    summary="What to show beside it, as HTML",
)
async def related_fragment(
    request: Request,
    article: str,
    limit: Limit = 5,
    language: Languages = None,
    kind: Kinds = None,
    words: Annotated[
        LanguageRange | None, Query(description="Language of dates and reasons; else by `Accept-Language`.")
    ] = None,
) -> Response:
    """The list of `/related` as a `section` without styles and scripts, for a page's server to include."""
    wanted = Wanted(limit=limit, languages=tuple(language or ()), kinds=frozenset(kind or ()))
    told = words_for((words,) if words else wanted.languages, request.headers.get("accept-language"))
    zone: ZoneInfo = request.state.zone

    async def fragment(graph: LinkGraph) -> bytes:
        key = await key_asked_for(graph, article, None)
        around = await related_stories.surroundings(graph, key, wanted)
        found = await related_stories.related(graph, live(around.state, article), around, wanted)
        return as_fragment(found, told, zone)

    content, as_of = await kept_or_made(request, fragment)
    answer = etagged(request, content, "text/html; charset=utf-8")
    answer.headers["As-Of"] = rfc3339(as_of)
    answer.headers["Vary"] = "Accept-Language"
    answer.headers["Content-Language"] = told
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@cache
def related_script() -> bytes:
    """``related.js`` as it is served."""
    return _SCRIPT.read_bytes()


@router.get("/v1/components.js", include_in_schema=False)  # as it is called where nothing else has that name
@router.get("/v1/related.js", responses=_SCRIPT_RESPONSES, response_class=Response, summary="Script: `<news-related>`")
async def related_js(request: Request) -> Response:
    """`<news-related article="source:guid" language="uk"></news-related>`: the list, without layout shift."""
    response = etagged(request, related_script(), "text/javascript", cache_control=_AN_HOUR)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
