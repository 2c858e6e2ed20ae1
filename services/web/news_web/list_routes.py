"""The pages of lists: front page, themes, sources, what was read most, stories in order of time."""

from collections.abc import Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from news_shared.languages import primary_language
from news_shared.themes import theme_slug
from news_web.desk import PAGE, desk_of, interface_of, parameter, questions_of, trouble
from news_web.interface import Interface
from news_web.list_pages import (
    WINDOWS,
    ListPage,
    Ranked,
    Window,
    ask_all_themes,
    ask_home,
    ask_most_read,
    ask_source,
    ask_story,
    ask_texts,
    ask_theme,
)
from news_web.peers import Part
from news_web.stories import Story, stories

router = APIRouter()


@router.api_route("/", methods=list(PAGE), include_in_schema=False)
async def home(request: Request) -> Response:
    """The front page; ``?language=`` keeps to stories in one language, ``?cursor=`` goes back in time."""
    interface = interface_of(request)
    language, cursor = parameter(request, "language"), parameter(request, "cursor")
    page = await ask_home(questions_of(request, interface), language, cursor)
    if not page.newest.is_ok:
        return trouble(request, interface, page.newest)
    return desk_of(request).pen.page(
        request,
        "home.html",
        interface,
        stories=stories(page.items),
        next=page.newest.body.get("next"),
        counts=page.counts,
        language=primary_language(language) if language else None,
        is_first=cursor is None,
        is_copy=page.newest.status == "stale",
        most_read=_ranked(page.most_read),
        rising=_ranked(page.rising),
        themes=[(block, stories(block.items)) for block in page.themes.blocks()],
        nav=[str(theme["name"]) for theme in page.all_themes.items][:8],
        themes_away=page.all_themes.status == "unavailable",
    )


@router.api_route("/most-read", methods=list(PAGE), include_in_schema=False)
async def most_read(request: Request) -> Response:
    """What was read most within an hour, a day (unless the address says otherwise) or a week."""
    interface = interface_of(request)
    language = parameter(request, "language")
    window: Window | None = next((w for w in WINDOWS if w == (parameter(request, "window") or "24h")), None)
    if window is None:
        return trouble(request, interface, Part("refused"))
    page = await ask_most_read(questions_of(request, interface), window, language)
    if page.listed.status == "refused":
        return trouble(request, interface, page.listed)
    return desk_of(request).pen.page(
        request,
        "most_read.html",
        interface,
        ranked=_ranked(page.ranked),
        window=window,
        windows=WINDOWS,
        language=primary_language(language) if language else None,
        is_away=not page.listed.is_ok,
    )


@router.api_route("/themes", methods=list(PAGE), include_in_schema=False)
async def themes(request: Request) -> Response:
    """All themes."""
    interface = interface_of(request)
    cursor = parameter(request, "cursor")
    answer = await ask_all_themes(questions_of(request, interface), cursor)
    if not answer.is_ok:
        return trouble(request, interface, answer)
    return desk_of(request).pen.page(
        request,
        "themes.html",
        interface,
        themes=answer.items,
        next=answer.body.get("next"),
        is_first=cursor is None,
    )


@router.api_route("/themes/{slug}", methods=list(PAGE), include_in_schema=False)
async def theme(request: Request, slug: str) -> Response:
    """The stories of one theme, newest first."""
    interface = interface_of(request)
    if not theme_slug(slug):
        return trouble(request, interface, Part("missing"))
    language, cursor = parameter(request, "language"), parameter(request, "cursor")
    page = await ask_theme(questions_of(request, interface), slug, language, cursor)
    return _selected(request, interface, page, "theme")


@router.api_route("/sources/{source}", methods=list(PAGE), include_in_schema=False)
async def source(request: Request, source: str) -> Response:
    """The stories of one source, newest first."""
    interface = interface_of(request)
    language, cursor = parameter(request, "language"), parameter(request, "cursor")
    page = await ask_source(questions_of(request, interface), source, language, cursor)
    return _selected(request, interface, page, "source")


@router.api_route("/copies", methods=list(PAGE), include_in_schema=False)
async def copies(request: Request) -> Response:
    """What an open page shows in place of a withdrawn story that stood for copies: a piece of a list, not a page.

    ``?article=`` names the copies, earliest first; ``?in=short-list`` is for lists of headlines.
    """
    interface = interface_of(request)
    names = request.query_params.getlist("article")
    if not names:
        return trouble(request, interface, Part("refused"))
    page = await ask_texts(questions_of(request, interface), names)
    if not page.listed.is_ok:
        return trouble(request, interface, page.listed)
    return desk_of(request).pen.page(
        request,
        "copies.html",
        interface,
        stories=stories(page.items),
        counts=page.counts,
        is_brief=parameter(request, "in") == "short-list",
    )


@router.api_route("/stories/{story:path}", methods=list(PAGE), include_in_schema=False)
async def story(request: Request, story: str) -> Response:
    """A story in order of time, found by any of its articles; its address is that of the first."""
    interface = interface_of(request)
    page = await ask_story(questions_of(request, interface), story)
    if not page.told.is_ok or page.name is None:
        return trouble(request, interface, page.told if not page.told.is_ok else Part("missing"))
    if str(page.told.body["id"]) != story:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/stories/{page.told.body['id']}{query}", HTTPStatus.TEMPORARY_REDIRECT)
    told = stories(page.items)
    return desk_of(request).pen.page(
        request,
        "story.html",
        interface,
        name=page.name,
        name_language=told[0].language,
        first=told[0].id,
        days=_by_day(told, interface),
        number=len(told),
        is_cut=bool(page.told.body.get("truncated")),
        is_copy=page.told.status == "stale",
        counts=page.counts,
    )


def _selected(request: Request, interface: Interface, page: ListPage, kind: Literal["theme", "source"]) -> Response:
    """The page of a list that has a name; a page of trouble where nobody knows it."""
    if not page.listed.is_ok or page.name is None:
        return trouble(request, interface, page.listed if not page.listed.is_ok else Part("missing"))
    language = parameter(request, "language")
    return desk_of(request).pen.page(
        request,
        "selection.html",
        interface,
        kind=kind,
        name=page.name,
        stories=stories(page.items),
        next=page.listed.body.get("next"),
        counts=page.counts,
        language=primary_language(language) if language else None,
        is_first=parameter(request, "cursor") is None,
        is_copy=page.listed.status == "stale",
    )


def _ranked(ranked: Sequence[Ranked]) -> list[tuple[Story, int | None]]:
    return [(Story.of(one.item), one.views) for one in ranked]


def _by_day(told: Sequence[Story], interface: Interface) -> list[tuple[str, list[Story]]]:
    days = groupby(told, lambda one: interface.date(one.date) if one.date else "")
    return [(day, list(ones)) for day, ones in days]
