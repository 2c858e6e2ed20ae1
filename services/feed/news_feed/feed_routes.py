"""Feeds out to the world, and the sitemap of news."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final, TypeAlias, TypedDict

from fastapi import APIRouter, Request
from starlette.responses import Response

from news_feed import atom_feed, json_feed, news_sitemap, rss_feed
from news_feed.article_store import ArticleStore, Versions
from news_feed.last_changes import LastChanges
from news_feed.ordering import Position
from news_feed.out_feed import OutFeed, Place
from news_feed.selecting import Language, Source, Theme, selection_of
from news_feed.shared_work import SharedWork
from news_feed.timelines import Selection
from news_shared.articles import Article
from news_shared.clock import Clock
from news_shared.http import etagged

router = APIRouter(tags=["feeds"])

MAX_ENTRIES: Final = 50
_MAX_BYTES: Final = 4_000_000
"""Of the texts in a feed; an article that would exceed it is the last that is left out."""
_PAGE: Final = 100


Write: TypeAlias = Callable[[OutFeed], bytes]


@dataclass(frozen=True)
class Edition:
    """A feed as it was written, and the versions of the state that it was written from, or of one before it."""

    body: bytes
    versions: Versions


@dataclass(frozen=True)
class Press:
    """What the routes work with."""

    place: Place
    clock: Clock
    changes: LastChanges
    work: SharedWork[Edition]


class FeedsState(TypedDict):
    """Opened by the lifespan."""

    store: ArticleStore
    press: Press


def _responses(media_type: str, what: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {
            "description": what,
            "content": {media_type: {"schema": {"type": "object" if media_type.endswith("json") else "string"}}},
        },
        304: {"description": "Nothing changed since `If-None-Match`, or since `If-Modified-Since`."},
        503: {"description": "Being restored, or Redis is away: try again after `Retry-After`."},
    }


@router.get(
    "/feed.json",
    response_class=Response,
    responses=_responses(json_feed.MEDIA_TYPE, "JSON Feed 1.1."),
    summary="JSON Feed",
)
async def feed_json(
    request: Request, theme: Theme = None, language: Language = None, source: Source = None
) -> Response:
    """The newest articles, whole, as a JSON Feed 1.1 whose items are our native format."""
    return await _feed(request, selection_of(theme, language, source), json_feed.json_feed, json_feed.MEDIA_TYPE)


@router.get(
    "/feed.atom", response_class=Response, responses=_responses(atom_feed.MEDIA_TYPE, "Atom 1.0."), summary="Atom"
)
async def feed_atom(
    request: Request, theme: Theme = None, language: Language = None, source: Source = None
) -> Response:
    """The newest articles, whole, as Atom 1.0."""
    return await _feed(request, selection_of(theme, language, source), atom_feed.atom_feed, atom_feed.MEDIA_TYPE)


@router.get("/feed.rss", response_class=Response, responses=_responses(rss_feed.MEDIA_TYPE, "RSS 2.0."), summary="RSS")
async def feed_rss(request: Request, theme: Theme = None, language: Language = None, source: Source = None) -> Response:
    """The newest articles, whole, as RSS 2.0."""
    return await _feed(request, selection_of(theme, language, source), rss_feed.rss_feed, rss_feed.MEDIA_TYPE)


@router.get(
    "/sitemap-news.xml",
    response_class=Response,
    responses=_responses(news_sitemap.MEDIA_TYPE, "A news sitemap."),
    summary="Sitemap for search engines of news",
)
async def sitemap(request: Request) -> Response:
    """Pages of the articles of the last two days, at most 1,000, newest first."""
    store, press = _desk(request)
    edition = await press.work.once(request.url.path, lambda: _written_sitemap(store, press))
    return _conditional(request, edition, news_sitemap.MEDIA_TYPE)


async def _written_sitemap(store: ArticleStore, press: Press) -> Edition:
    since = press.clock() - news_sitemap.REACH
    articles: list[Article] = []
    after: Position | None = None
    versions: Versions | None = None
    while len(articles) < news_sitemap.MAX_URLS:
        page = await store.newest(Selection(), limit=_PAGE, after=after)
        versions = versions or page.versions  # the first: what changes while the next are read is seen next time
        found = [Article.model_validate(item) for item in page.items]
        articles += [article for article in found if article.date_published >= since]
        after = page.more_after
        if after is None or after.date_ms < since.timestamp() * 1000:
            break
    return Edition(news_sitemap.news_sitemap(articles[: news_sitemap.MAX_URLS], press.place), versions or ())


async def _feed(request: Request, selection: Selection, write: Write, media_type: str) -> Response:
    store, press = _desk(request)
    feed = OutFeed(press.place, request.url.path, selection, ())
    edition = await press.work.once(feed.address, lambda: _written(feed, store, write))
    return _conditional(request, edition, media_type)


async def _written(feed: OutFeed, store: ArticleStore, write: Write) -> Edition:
    page = await store.newest(feed.selection, limit=MAX_ENTRIES, after=None)
    articles: list[Article] = []
    size = 0
    for item in page.items:
        article = Article.model_validate(item)
        size += len(article.content_html or "") + len(article.content_text or "")
        if articles and size > _MAX_BYTES:
            break
        articles.append(article)
    names_withdrawn = write is atom_feed.atom_feed
    withdrawn = await store.withdrawn(feed.selection.source, limit=MAX_ENTRIES) if names_withdrawn else ()
    return Edition(write(replace(feed, articles=articles, withdrawn=withdrawn)), page.versions)


def _conditional(request: Request, edition: Edition, media_type: str) -> Response:
    """The answer with both validators; a date is looked at only when no ETag is given."""
    press: Press = request.state.press
    answer = etagged(request, edition.body, media_type)
    address = f"{request.url.path}?{request.url.query}"
    now = press.clock()
    changed = press.changes.of(address, answer.headers["etag"], edition.versions, now)
    if changed is None:
        return answer
    headers = {
        "ETag": answer.headers["etag"],
        "Cache-Control": answer.headers["cache-control"],
        "Last-Modified": format_datetime(changed, usegmt=True),
    }
    if "if-none-match" not in request.headers:
        known = _moment(request.headers.get("if-modified-since"))
        if known is not None and changed <= known <= now:  # a date to come was given by another clock
            return Response(status_code=304, headers=headers)
    answer.headers["Last-Modified"] = headers["Last-Modified"]
    return answer


def _moment(written: str | None) -> datetime | None:
    """A date of a request; None where it is none, which counts as not said."""
    try:
        moment = parsedate_to_datetime(written or "")
    except (ValueError, OverflowError):  # the latter of a zone that is years away
        return None
    return moment if moment.tzinfo is not None else None


def _desk(request: Request) -> tuple[ArticleStore, Press]:
    return request.state.store, request.state.press
