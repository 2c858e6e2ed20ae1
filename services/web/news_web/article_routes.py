"""An article's page, and the same as JSON."""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from news_shared.article_ids import ArticleId, parse_article_id
from news_shared.errors import PoisonError
from news_shared.http import etag_json
from news_shared.problems import GONE, INVALID, NOT_FOUND, UNAVAILABLE, ProblemError
from news_web.article_page import ArticlePage, ask_article
from news_web.body import Block, blocks_of, sanitise, text_as_html, with_cards, with_own_links
from news_web.desk import PAGE, desk_of, interface_of, questions_of, trouble
from news_web.interface import Interface
from news_web.json_ld import news_article
from news_web.page_answers import PAGE_RESPONSES
from news_web.peers import Part, Questions
from news_web.public_paths import Service
from news_web.stories import Item, moment_of, shown_image, stories, themes_of, url_in, web_address

router = APIRouter()


@router.api_route("/articles/{article:path}", methods=list(PAGE), include_in_schema=False)
async def article(request: Request, article: str) -> Response:
    """An article with its count, its cards, what belongs to it, and news of its themes."""
    try:
        article_id = parse_article_id(article)
    except PoisonError:
        return trouble(request, interface_of(request), Part("missing"))
    if article_id != article:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/articles/{article_id}{query}", HTTPStatus.TEMPORARY_REDIRECT)
    asking = interface_of(request)  # what the article is written in is not known yet
    page = await ask_article(questions_of(request, asking), article_id)
    interface = interface_of(request, fallback=page.article.body.get("language"))
    if not page.article.is_ok:
        return trouble(request, interface, page.article)
    version = page.version
    return desk_of(request).pen.article(
        request,
        interface,
        count=page.count,
        version=version and (*version, asking.language),
        content=partial(_content, page, interface, reasons_in=asking.language, paper=desk_of(request).pen.title),
    )


def _content(page: ArticlePage, interface: Interface, *, reasons_in: str, paper: str) -> Mapping[str, object]:
    """What the template shows, but for the count."""
    item = page.article.body
    image = shown_image(item.get("image"))
    updated = _updated(item)
    return {
        "article": item,
        "image": image,
        "published": moment_of(item["date_published"]),
        "updated": updated,
        "corrections": [(moment_of(c["at"]), c["note"]) for c in item.get("corrections") or ()],
        "original": web_address(item.get("url")),
        "blocks": _body(item, page, interface),
        "data": news_article(item, image=image, updated=updated, publisher=paper),
        "translations": stories(page.translations),
        "story": stories(page.story_so_far),
        "story_id": page.story.body.get("id"),
        "reports": page.reports,
        "related": stories(page.related_items[:_RELATED]),
        "reasons_in": reasons_in,
        "is_copy": page.article.status == "stale",
        "related_away": page.related.status == "unavailable",
        "cards_away": page.links.status == "unavailable" and bool(item.get("links")),
        "backlinks": stories(page.backlinks),
        "tags": themes_of(item),
        "themes": [(block, stories(block.items)) for block in page.themes],
    }


@router.get(
    "/v1/pages", tags=["pages"], summary="Everything that an article's page shows, by URL", responses=PAGE_RESPONSES
)
async def page_of(
    request: Request,
    article: Annotated[str | None, Query(max_length=4_200, description="Id or `source:guid`.")] = None,
    url: Annotated[str | None, Query(max_length=4_096, description="Canonical URL, instead of an id.")] = None,
) -> Response:
    """The same for an article that is known by its URL, or named in the query."""
    if (article is None) == (url is None):
        detail = "name one article: article= (an id or source:guid) or url="
        raise ProblemError(INVALID, detail, errors=[{"field": "article", "error": detail}])
    return await _parts(request, article or url or "")


@router.get(
    "/v1/pages/{article:path}",
    tags=["pages"],
    summary="Everything that an article's page shows",
    responses=PAGE_RESPONSES,
)
async def page_parts(request: Request, article: str) -> Response:
    """Article, count, cards, related stories, story and themes in one answer, by our id, `source:guid` or URL.

    Each part has its own `status`: `ok`, `stale` (its service does not answer; this is what it said some minutes ago,
    without what was withdrawn since), `missing` (that service has never heard of the article) or `unavailable` (it
    does not answer: leave the part out). What editors block on its page is in none of them. 404 and 410 are the
    article's; 503 when nothing answers.
    """
    return await _parts(request, article)


async def _parts(request: Request, name: str) -> Response:
    questions = questions_of(request, interface_of(request))
    article_id = await _named(questions, name)
    page = await ask_article(questions, article_id)
    if page.article.status in ("missing", "gone"):
        problem = GONE if page.article.status == "gone" else NOT_FOUND
        told = {name: page.article.body[name] for name in ("reason", "time") if page.article.body.get(name)}
        detail = str(page.article.body.get("detail") or problem.title)
        raise ProblemError(problem, detail, {"Cache-Control": "no-cache"}, **told)
    parts = {
        "article": page.article,
        "views": page.views,
        "links": page.links,
        "story": page.story,
        "related": page.related,
    }
    if all(part.status == "unavailable" for part in parts.values()):
        raise ProblemError(UNAVAILABLE, "No service answers now. Try again in a moment.", {"Retry-After": "2"})
    answer: dict[str, Any] = {
        "id": article_id,
        **{name: {**(part.body if part.is_ok else {}), "status": part.status} for name, part in parts.items()},
    }
    for part in parts:
        answer[part].pop("as_of", None)  # or the answer would be another one each second, and no ETag would ever match
    answer["related"].pop("blocked", None)  # nothing here shows it
    answer["themes"] = {
        "status": page.theme_lists.status if page.article.is_ok else "unavailable",
        "items": [{"slug": block.slug, "name": block.name, "items": list(block.items)} for block in page.themes],
    }
    response = etag_json(request, answer)
    response.headers["Vary"] = "Accept-Language"
    return response


async def _named(questions: Questions, name: str) -> ArticleId:
    """The id of an article by any of its names.

    Raises:
        PoisonError: the name is none.
        ProblemError: 404 when no article has the URL, 422 when it cannot be one, 503 when nobody can say.
    """
    url = url_in(name)
    if url is None:
        return parse_article_id(name)
    found = await questions.ask(Service.FEED, "/v1/articles", {"url": url}, is_main=True, age="now")
    if found.status == "refused":
        detail = f"url: no article can have the URL {name[:200]}."
        raise ProblemError(INVALID, detail, errors=[{"field": "url", "error": detail}])
    if not found.is_ok:
        raise ProblemError(UNAVAILABLE, "Which article has this URL cannot be looked up now.", {"Retry-After": "2"})
    if not found.items:
        detail = f"No article has the URL {name[:200]}."
        raise ProblemError(NOT_FOUND, detail, {"Cache-Control": "no-cache"})
    return ArticleId(found.items[0]["id"])


_RELATED = 6


def _updated(article: Item) -> Any:
    published, modified = moment_of(article["date_published"]), moment_of(article.get("date_modified"))
    return modified if modified and published and modified > published else None


def _body(article: Item, page: ArticlePage, interface: Interface) -> list[Block]:
    html = article.get("content_html") or text_as_html(article.get("content_text") or "")
    suffix = f"?lang={interface.language}" if interface.chosen else ""
    own_pages = {
        str(link["url"]): f"/articles/{link['card']['article']}{suffix}" for link in page.body_links if link.get("card")
    }
    addresses = [str(link["url"]) for link in article.get("links") or ()]
    blocks = blocks_of(with_own_links(sanitise(html), addresses, own_pages))
    return with_cards(blocks, page.body_links, itself=ArticleId(article["id"]))
