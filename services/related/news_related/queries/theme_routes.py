"""The query API: themes, and the newest articles of one."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from news_related.graph.facts import Card
from news_related.graph.positions import LENGTH, cursor_of, parse_cursor
from news_related.link_graph import LinkGraph, ThemeSize
from news_related.queries.answers import THEME_RESPONSES, THEMES_RESPONSES, answered
from news_related.queries.asked import NEVER_STORED, Languages, Limit, Since
from news_shared.clock import epoch_ms
from news_shared.errors import PoisonError
from news_shared.language_fields import LanguageRange
from news_shared.languages import language_key
from news_shared.problems import NOT_FOUND, ProblemError
from news_shared.themes import theme_slug

router = APIRouter(tags=["related"])


@router.get("/v1/themes", responses=THEMES_RESPONSES, summary="All themes")
async def themes(
    request: Request,
    language: Annotated[LanguageRange | None, Query(description="Only themes with articles in it.")] = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=1_200, description="`next` of the page before.")] = None,
) -> Response:
    """Themes with most articles first, ties by slug."""
    spoken = language_key(language) if language is not None else None
    after = parse_cursor(cursor) if cursor is not None else None
    if after is not None and not after.startswith((spoken or "").encode() + b"\0"):
        raise PoisonError("this cursor belongs to a list of another language")
    return await answered(request, partial(_themes, language=spoken, limit=limit, after=after))


@router.get("/v1/themes/{slug:path}", responses=THEME_RESPONSES, summary="A theme's newest articles")
async def theme(
    request: Request,
    slug: str,
    language: Languages = None,
    limit: Limit = 20,
    cursor: Annotated[str | None, Query(max_length=64, description="`next` of the page before.")] = None,
    published_after: Since = None,
) -> Response:
    """A theme by slug or name; pages stay right while articles arrive and go."""
    before = parse_cursor(cursor) if cursor is not None else None
    if before is not None and len(before) != LENGTH:
        raise PoisonError(f"cursor {cursor!r} is not one that a page gave as next")
    since_ms = epoch_ms(published_after) + 1 if published_after is not None else None
    asked = partial(_theme, slug=slug, languages=language or (), limit=limit, before=before, since_ms=since_ms)
    return await answered(request, asked)


async def _themes(graph: LinkGraph, *, language: str | None, limit: int, after: bytes | None) -> Mapping[str, Any]:
    found = await graph.themes(language, limit=limit + 1, after=after)
    content: dict[str, Any] = {"items": await _themes_shown(graph, [slug for slug, _ in found[:limit]])}
    if len(found) > limit:
        content["next"] = cursor_of(found[limit - 1][1])
    return content


async def _theme(
    graph: LinkGraph, *, slug: str, languages: Sequence[str], limit: int, before: bytes | None, since_ms: int | None
) -> Mapping[str, Any]:
    key = theme_slug(slug)
    shown = await _themes_shown(graph, [key]) if key else []
    if not shown:
        raise ProblemError(NOT_FOUND, f"No article has the theme {slug[:200]}.", NEVER_STORED)
    places = await graph.in_theme(key, languages, limit=limit + 1, before=before, since_ms=since_ms)
    cards = await graph.cards(place.id for place in places[:limit])
    items = [cards[place.id].shown() for place in places[:limit] if place.id in cards]
    content: dict[str, Any] = {"theme": shown[0], "items": items}
    if len(places) > limit:
        content["next"] = cursor_of(places[limit - 1].encode())
    return content


async def _themes_shown(graph: LinkGraph, slugs: list[str]) -> list[dict[str, Any]]:
    sizes = await graph.sizes(slugs)
    newest = await graph.cards(size.newest for size in sizes if size.newest is not None)
    return [_theme_shown(size, newest[size.newest]) for size in sizes if size.newest in newest]


def _theme_shown(size: ThemeSize, newest: Card) -> dict[str, Any]:
    name = dict(newest.themes).get(size.slug, size.slug)  # changed while the page was put together
    return {"slug": size.slug, "name": name, "articles": size.articles, "languages": dict(size.languages)}
