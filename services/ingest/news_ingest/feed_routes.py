"""HTTP of sources' feeds: poll now, discover, lists of feeds in and out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from news_ingest.fetching.errors import FetchError
from news_ingest.polling.discovery import discover
from news_ingest.polling.feeds import feed_of
from news_ingest.polling.opml import SourceNames, read_opml, write_opml
from news_ingest.requests import Authorization, PartsOf, body_of
from news_ingest.source_answers import DISCOVER_RESPONSES, EXPORT_RESPONSES, IMPORT_RESPONSES, POLL_RESPONSES
from news_ingest.sources import Source
from news_shared.clock import rfc3339, system_clock
from news_shared.problems import INVALID, UPSTREAM, ProblemError

router = APIRouter(prefix="/v1/sources", tags=["feeds"])


@router.post("/{source}/poll", status_code=202, responses=POLL_RESPONSES, summary="Poll a feed now")
async def poll_now(source: str, made_of: PartsOf, authorization: Authorization = None) -> Response:
    """As soon as its host may be asked; one that was gone (410) is tried again."""
    made_of.authorise(authorization, "articles:write", source)
    found = made_of.sources.get(source)
    await made_of.sources.forget_gone(found)
    feed = feed_of(found, made_of.sources.finding(found))
    if feed is None:
        why = "it is paused (poll is false)" if found.feed_url else "it has no feed_url"
        raise ProblemError(INVALID, f"The source {source} is not polled: {why}. PATCH /v1/sources/{source} sets it.")
    now = system_clock()
    await made_of.schedule.place(feed, now, only_if_absent=False)
    return JSONResponse({"due": rfc3339(now)}, 202)


@router.post("/discover", responses=DISCOVER_RESPONSES, summary="Find a site's feeds")
async def discover_feeds(
    made_of: PartsOf,
    url: Annotated[
        str, Query(max_length=2000, description="Of a site's page, or of a feed", examples=["https://example.org/"])
    ],
    authorization: Authorization = None,
) -> Response:
    """Each is tried: the page's links first, then the usual places."""
    made_of.authorise(authorization, "admin")
    try:
        feeds = await discover(made_of.fetcher, url, made_of.readers, system_clock())
    except FetchError as error:
        problem = INVALID if error.problem in {"refused-url", "refused-address"} else UPSTREAM
        raise ProblemError(problem, f"url: {error}", reason=error.problem) from error
    shown = [{"url": f.url, "title": f.title, "items": f.items, "rejected": f.rejected} for f in feeds]
    return JSONResponse({"url": url, "feeds": shown})


lists = APIRouter(tags=["feeds"])


@lists.get("/v1/sources.opml", response_class=Response, responses=EXPORT_RESPONSES, summary="All feeds as OPML")
async def export_opml(made_of: PartsOf, authorization: Authorization = None) -> Response:
    """Every polled source as OPML 2.0, with the addresses that their feeds have now."""
    made_of.authorise(authorization, "admin")
    listed = [(s, made_of.sources.feed_url(s)) for s in made_of.sources.all()]
    body = write_opml([(source, url) for source, url in listed if url], system_clock())
    return Response(
        body, media_type="text/x-opml", headers={"Content-Disposition": 'attachment; filename="sources.opml"'}
    )


@lists.post(
    "/v1/sources.opml",
    openapi_extra={"requestBody": {"required": True, "content": {"text/x-opml": {"schema": {"type": "string"}}}}},
    responses=IMPORT_RESPONSES,
    summary="Feeds from OPML",
)
async def import_opml(request: Request, made_of: PartsOf, authorization: Authorization = None) -> Response:
    """Make a source of every feed of the list that none has yet; sending it again makes none twice.

    Folders and categories become themes. Names come from titles.
    """
    made_of.authorise(authorization, "admin")
    outlines, refused = read_opml(await body_of(request, made_of.settings.max_body_bytes))
    sources = made_of.sources.all()
    by_url = {url: s.id for s in sources for url in (s.feed_url, made_of.sources.feed_url(s)) if url}
    names = SourceNames(source.id for source in sources)
    existing = [{"id": by_url[o.feed_url], "feed_url": o.feed_url} for o in outlines if o.feed_url in by_url]
    new = [
        Source(
            id=names.new(outline.feed_url, outline.title),
            title=outline.title,
            url=outline.url,
            feed_url=outline.feed_url,
            language=outline.language,
            themes=outline.themes,
            created_at=system_clock(),
        )
        for outline in outlines
        if outline.feed_url not in by_url
    ]
    await made_of.sources.save_all(new)
    return JSONResponse(
        {
            "created": [{"id": s.id, "feed_url": s.feed_url} for s in new],
            "existing": existing,
            "rejected": [{"title": r.title, "feed_url": r.feed_url, "error": r.error} for r in refused],
        }
    )
