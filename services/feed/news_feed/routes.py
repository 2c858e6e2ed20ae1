"""The feed's HTTP API: one article, named articles, lists."""

from datetime import datetime
from typing import Annotated, Any, TypedDict

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from news_feed.answers import LIST_RESPONSES, ONE_RESPONSES, answer, card
from news_feed.article_store import ArticleStore, Withdrawn
from news_feed.ordering import cursor_after, parse_cursor
from news_feed.selecting import Language, Source, Theme, selection_of
from news_shared.article_ids import parse_article_id
from news_shared.clock import rfc3339
from news_shared.problems import GONE, INVALID, NOT_FOUND, ProblemError

router = APIRouter(tags=["articles"])

MAX_NAMED = 100


class FeedState(TypedDict):
    """What the routes work with; opened by the lifespan."""

    store: ArticleStore


@router.get("/v1/articles", responses=LIST_RESPONSES, summary="Newest articles, or articles by name")
async def articles(
    request: Request,
    theme: Theme = None,
    language: Language = None,
    source: Source = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Articles a page.")] = 20,
    cursor: Annotated[str | None, Query(max_length=64, description="`next` of the page before.")] = None,
    article: Annotated[
        list[str] | None, Query(max_length=MAX_NAMED, description="Ids or `source:guid`, up to 100.")
    ] = None,
    url: Annotated[str | None, Query(max_length=4096, description="Canonical URL of an article.")] = None,
) -> Response:
    """Without `article` and `url`: a list, newest first, without bodies; parts of the selection combine.

    Pages stay right while articles arrive and go: a cursor names a place in the order, not a number of rows.
    With `article` (repeatable) or `url`: whole articles by name, and which of them are missing or withdrawn. Of several
    articles with one URL the earliest comes first: it is the one that links to this URL lead to.
    """
    store: ArticleStore = request.state.store
    if article or url is not None:
        if any(part is not None for part in (theme, language, source, cursor)) or (article and url is not None):
            detail = "article, url, and a selection by theme, language and source are asked for one at a time"
            raise ProblemError(INVALID, detail, errors=[{"field": "article" if article else "url", "error": detail}])
        if url is not None:
            return await _by_url(request, store, url)
        return await _named(request, store, article or [])
    after = parse_cursor(cursor) if cursor is not None else None
    page = await store.newest(selection_of(theme, language, source), limit=limit, after=after)
    content: dict[str, object] = {"items": [card(item) for item in page.items]}
    if page.more_after is not None:
        content["next"] = cursor_after(page.more_after)
    return answer(request, content, page.as_of)


@router.get("/v1/articles/{article:path}", responses=ONE_RESPONSES, summary="One article")
async def one_article(request: Request, article: str) -> Response:
    """A whole article by our id or by `source:guid`; 410 with the reason when it was withdrawn."""
    store: ArticleStore = request.state.store
    found, as_of = await store.one(parse_article_id(article))
    if found is None:
        raise ProblemError(NOT_FOUND, f"There is no article {article[:200]}.", _NEVER_STORED)
    if isinstance(found, Withdrawn):
        because = f": {found.reason}" if found.reason else "."
        raise ProblemError(
            GONE,
            f"Article {found.id} was withdrawn{because}",
            _NEVER_STORED,
            article=found.id,
            reason=found.reason,
            time=found.time,
            as_of=rfc3339(as_of),
        )
    return answer(request, found, as_of)


_NEVER_STORED = {"Cache-Control": "no-cache"}  # a 404 or 410 is over as soon as the article comes (back)


async def _by_url(request: Request, store: ArticleStore, url: str) -> Response:
    ids, as_of = await store.by_url(url.strip())
    if ids:
        found, as_of = await store.many(ids)
        items = sorted((article for article in found if isinstance(article, dict)), key=_since)
        return answer(request, {"items": items, "missing": []}, as_of)
    return answer(request, {"items": [], "missing": [{"article": url, "status": NOT_FOUND.status}]}, as_of)


def _since(item: dict[str, Any]) -> tuple[datetime, str]:
    """Of several articles with one URL the first has it, here as in the graph of links."""
    dates = (datetime.fromisoformat(item[name]) for name in ("date_published", "first_published_at"))
    return min(dates), item["id"]


async def _named(request: Request, store: ArticleStore, names: list[str]) -> Response:
    found, as_of = await store.many([parse_article_id(name) for name in names])
    missing: list[dict[str, object]] = []
    for name, article in zip(names, found, strict=True):
        if article is None:
            missing.append({"article": name, "status": NOT_FOUND.status})
        elif isinstance(article, Withdrawn):
            missing.append({"article": name, "status": GONE.status, "reason": article.reason, "time": article.time})
    items = [article for article in found if isinstance(article, dict)]
    return answer(request, {"items": items, "missing": missing}, as_of)
