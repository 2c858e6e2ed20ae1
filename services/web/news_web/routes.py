"""The pages, the page as JSON, the assets, and everything public that other services answer."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypedDict
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from news_shared.article_ids import ArticleId, parse_article_id
from news_shared.errors import PoisonError
from news_shared.http import etag_json
from news_shared.problems import GONE, NOT_FOUND, UNAVAILABLE, ProblemError
from news_shared.themes import theme_slug
from news_web.assets import Asset
from news_web.body import Block, blocks_of, sanitise, text_as_html, with_cards, with_own_links
from news_web.forwarding import Network
from news_web.interface import Interface, negotiate, primary
from news_web.pages import ArticlePage, Pages
from news_web.passing import pass_on
from news_web.peers import Part, Peers
from news_web.public_paths import FEEDS
from news_web.rendering import Pen
from news_web.stories import Item, moment_of, shown_image, stories, web_address

router = APIRouter()

_ASSET_HEADERS: Final = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
_PAGE: Final = ("GET", "HEAD")


@dataclass(frozen=True)
class Desk:
    """What the routes work with."""

    peers: Peers
    pages: Pages
    pen: Pen
    assets: Mapping[str, Asset]
    trusted: Sequence[Network]
    zone: ZoneInfo
    stopping: asyncio.Event


class WebState(TypedDict):
    """Opened by the lifespan."""

    desk: Desk


@router.api_route("/", methods=list(_PAGE), include_in_schema=False)
async def home(request: Request) -> Response:
    """The front page; ``?language=`` keeps to stories in one language, ``?cursor=`` goes back in time."""
    desk, interface = _desk(request), _interface(request)
    language, cursor = _parameter(request, "language"), _parameter(request, "cursor")
    page = await desk.pages.home(language, cursor)
    if not page.newest.is_ok:
        return _trouble(request, interface, page.newest)
    return desk.pen.page(
        request,
        "home.html",
        interface,
        stories=stories(page.newest.body.get("items", ())),
        next=page.newest.body.get("next"),
        counts=page.counts,
        language=primary(language) if language else None,
        is_first=cursor is None,
        themes=[(block, stories(block.items)) for block in page.themes],
        nav=_theme_names(page.all_themes),
        themes_away=page.all_themes.status == "unavailable",
    )


@router.api_route("/themes", methods=list(_PAGE), include_in_schema=False)
async def themes(request: Request) -> Response:
    """All themes."""
    desk, interface = _desk(request), _interface(request)
    cursor = _parameter(request, "cursor")
    answer = await desk.pages.themes(cursor)
    if not answer.is_ok:
        return _trouble(request, interface, answer)
    return desk.pen.page(
        request,
        "themes.html",
        interface,
        themes=answer.body.get("items", ()),
        next=answer.body.get("next"),
        is_first=cursor is None,
    )


@router.api_route("/themes/{slug}", methods=list(_PAGE), include_in_schema=False)
async def theme(request: Request, slug: str) -> Response:
    """The stories of one theme, newest first."""
    desk, interface = _desk(request), _interface(request)
    if not theme_slug(slug):
        return _trouble(request, interface, Part("missing"))
    page = await desk.pages.theme(slug, _parameter(request, "language"), _parameter(request, "cursor"))
    if not page.listed.is_ok:
        return _trouble(request, interface, page.listed)
    if page.name is None:
        return _trouble(request, interface, Part("missing"))
    return desk.pen.page(
        request,
        "theme.html",
        interface,
        slug=theme_slug(page.name),
        name=page.name,
        stories=stories(page.listed.body.get("items", ())),
        next=page.listed.body.get("next"),
        counts=page.counts,
        language=_parameter(request, "language"),
        is_first=_parameter(request, "cursor") is None,
    )


@router.api_route("/articles/{article:path}", methods=list(_PAGE), include_in_schema=False)
async def article(request: Request, article: str) -> Response:
    """An article with its count, its cards, what belongs to it, and news of its themes."""
    desk = _desk(request)
    try:
        article_id = parse_article_id(article)
    except PoisonError:
        return _trouble(request, _interface(request), Part("missing"))
    if article_id != article:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/articles/{article_id}{query}", HTTPStatus.TEMPORARY_REDIRECT)
    reasons_in = _interface(request).language  # what the article is written in is not known yet
    page = await desk.pages.article(article_id, reasons_in)
    interface = _interface(request, fallback=page.article.body.get("language"))
    if not page.article.is_ok:
        return _trouble(request, interface, page.article)
    item = page.article.body
    return desk.pen.page(
        request,
        "article.html",
        interface,
        article=item,
        image=shown_image(item.get("image")),
        published=moment_of(item["date_published"]),
        updated=_updated(item),
        corrections=[(moment_of(c["at"]), c["note"]) for c in item.get("corrections", ())],
        original=web_address(item.get("url")),
        count=page.count,
        blocks=_body(item, page, interface),
        translations=stories(page.translations),
        related=stories(page.related_items),
        reasons_in=reasons_in,
        related_away=page.related.status == "unavailable",
        cards_away=page.links.status == "unavailable" and bool(item.get("links")),
        backlinks=stories(page.backlinks),
        themes=[(block, stories(block.items)) for block in page.themes],
    )


@router.get("/v1/pages/{article:path}", tags=["pages"], summary="Everything that an article's page shows")
async def page_parts(request: Request, article: str) -> Response:
    """Article, count, cards, related stories and themes in one answer.

    Each part has its own `status`: `ok`, `missing` (that service has never heard of the article) or `unavailable`
    (it does not answer: leave the part out). 404 and 410 are the article's; 503 when nothing answers.
    """
    page = await _desk(request).pages.article(parse_article_id(article), _interface(request).language)
    if page.article.status in ("missing", "gone"):
        problem = GONE if page.article.status == "gone" else NOT_FOUND
        told = {name: page.article.body[name] for name in ("reason", "time") if page.article.body.get(name)}
        detail = str(page.article.body.get("detail") or problem.title)
        raise ProblemError(problem, detail, {"Cache-Control": "no-cache"}, **told)
    parts = {"article": page.article, "views": page.views, "links": page.links, "related": page.related}
    if all(part.status == "unavailable" for part in parts.values()):
        raise ProblemError(UNAVAILABLE, "No service answers now. Try again in a moment.", {"Retry-After": "2"})
    answer: dict[str, Any] = {
        "id": parse_article_id(article),
        **{name: {"status": part.status, **(part.body if part.is_ok else {})} for name, part in parts.items()},
    }
    for part in parts:
        answer[part].pop("as_of", None)  # or the answer would be another one each second, and no ETag would ever match
    answer["themes"] = {
        "status": page.themes_status if page.article.is_ok else "unavailable",
        "items": [{"slug": block.slug, "name": block.name, "items": list(block.items)} for block in page.themes],
    }
    response = etag_json(request, answer)
    response.headers["Vary"] = "Accept-Language"
    return response


@router.api_route("/v1/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def public_api(request: Request) -> Response:
    """What other services answer."""
    desk = _desk(request)
    return await pass_on(request, desk.peers, desk.trusted, desk.stopping)


for _path in FEEDS:
    router.add_api_route(_path, public_api, methods=list(_PAGE), include_in_schema=False)


@router.api_route("/static/{digest}/{name}", methods=list(_PAGE), include_in_schema=False)
async def asset(request: Request, digest: str, name: str) -> Response:
    """A stylesheet or icon; its address changes with it, so that it may be kept for ever."""
    found = _desk(request).assets.get(name)
    if found is None or found.path != f"/static/{digest}/{name}":
        raise ProblemError(NOT_FOUND, f"There is no {name} of this version; reload the page.")
    return Response(found.content, headers=_ASSET_HEADERS, media_type=found.media_type)


@router.api_route("/robots.txt", methods=list(_PAGE), include_in_schema=False)
async def robots() -> Response:
    """Pages are for everybody, the API is not worth a crawl."""
    return Response("User-agent: *\nDisallow: /v1/\n", media_type="text/plain")


@router.api_route("/{path:path}", methods=list(_PAGE), include_in_schema=False)
async def nothing_here(request: Request) -> Response:
    """A page that says that there is none."""
    return _trouble(request, _interface(request), Part("missing"))


def _desk(request: Request) -> Desk:
    desk: Desk = request.state.desk
    return desk


def _interface(request: Request, fallback: str | None = None) -> Interface:
    accepted = request.headers.get("accept-language", "")
    language, chosen = negotiate(request.query_params.get("lang"), accepted, fallback)
    return Interface(language, chosen, _desk(request).zone)


def _parameter(request: Request, name: str) -> str | None:
    return request.query_params.get(name) or None


_TROUBLES: Final = {
    "missing": (HTTPStatus.NOT_FOUND, "not found"),
    "gone": (HTTPStatus.GONE, "gone"),
    "refused": (HTTPStatus.BAD_REQUEST, "wrong"),
    "unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "away"),
}


def _trouble(request: Request, interface: Interface, part: Part) -> Response:
    """A page that says why there is no other, and where to go on."""
    status, about = _TROUBLES[part.status]
    return _desk(request).pen.page(
        request,
        "trouble.html",
        interface,
        status=status,
        headers={"Retry-After": "3"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None,
        code=int(status),
        about=about,
        reason=part.body.get("reason") if about == "gone" else None,
        when=moment_of(part.body.get("time")) if about == "gone" else None,
    )


def _updated(article: Item) -> Any:
    published, modified = moment_of(article["date_published"]), moment_of(article.get("date_modified"))
    return modified if modified and published and modified > published else None


def _theme_names(part: Part) -> list[str]:
    return [str(theme["name"]) for theme in part.body.get("items", ())][:8]


def _body(article: Item, page: ArticlePage, interface: Interface) -> list[Block]:
    html = article.get("content_html") or text_as_html(article.get("content_text") or "")
    suffix = f"?lang={interface.language}" if interface.chosen else ""
    own_pages = {
        str(link["url"]): f"/articles/{link['card']['article']}{suffix}" for link in page.body_links if link.get("card")
    }
    addresses = [str(link["url"]) for link in article.get("links", ())]
    blocks = blocks_of(with_own_links(sanitise(html), addresses, own_pages))
    return with_cards(blocks, page.body_links, itself=ArticleId(article["id"]))
