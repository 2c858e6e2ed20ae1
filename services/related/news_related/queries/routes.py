"""The query API: what belongs to an article, its story, themes, and the graph around it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, TypedDict
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime
from starlette.responses import Response

from news_related.edges.edge import EdgeKind
from news_related.edges.neighbourhood import DRAWN, MAX_DEPTH, Neighbourhood, neighbourhood
from news_related.edges.stories import thread_of
from news_related.graph.facts import Card, Withdrawn
from news_related.graph.positions import LENGTH, cursor_of, parse_cursor
from news_related.link_graph import LinkGraph, ThemeSize
from news_related.lists import related_stories
from news_related.lists.ranking import Wanted
from news_related.lists.reasons import Reason, ReasonKind, Words
from news_related.queries.answers import (
    GRAPH_RESPONSES,
    LINKS_RESPONSES,
    RELATED_RESPONSES,
    STORY_RESPONSES,
    THEME_RESPONSES,
    THEMES_RESPONSES,
    answered,
    kept_or_made,
    words_of,
)
from news_related.queries.drawing import as_dot, as_graphml, as_json, as_svg
from news_related.queries.kept_answers import KeptAnswers
from news_shared.api_keys import ApiKeys
from news_shared.article_ids import ArticleId, parse_article_id
from news_shared.clock import epoch_ms, rfc3339
from news_shared.errors import PoisonError
from news_shared.http import etagged
from news_shared.language_fields import LanguageRange
from news_shared.languages import language_key
from news_shared.problems import GONE, INVALID, NOT_FOUND, ProblemError
from news_shared.producer import Producer
from news_shared.projection.slots import Slots
from news_shared.themes import theme_slug

router = APIRouter(tags=["related"])


class RelatedState(TypedDict):
    """What the routes work with; opened by the lifespan."""

    slots: Slots
    kept: KeptAnswers
    producer: Producer
    keys: ApiKeys
    partitions: int
    zone: ZoneInfo


MAX_RAW = 50
"""Neighbours of one raw answer."""

_DRAWINGS: Mapping[str, tuple[Callable[[Neighbourhood, Words], str], str]] = {
    "dot": (as_dot, "text/vnd.graphviz; charset=utf-8"),
    "graphml": (as_graphml, "application/graphml+xml; charset=utf-8"),
    "svg": (as_svg, "image/svg+xml; charset=utf-8"),
}

_NEVER_STORED = {"Cache-Control": "no-cache"}  # a 404 or 410 is over as soon as the article comes (back)

Article = Annotated[str | None, Query(max_length=4_200, description="Id or `source:guid`.")]
Url = Annotated[
    str | None,
    Query(
        max_length=4_096,
        description="Canonical URL of the article, instead of an id; of several articles with one URL the earliest.",
    ),
]
Languages = Annotated[
    list[LanguageRange] | None,
    Query(max_length=10, description="BCP 47, repeatable; `en` also finds `en-GB`.", examples=[["uk"]]),
]
Since = Annotated[AwareDatetime | None, Query(description="Only what was published after it.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Articles at the most.")]
Kinds = Annotated[
    list[Literal["pinned", "translation", "backlink", "same_story", "similar", "theme"]] | None,
    Query(max_length=10, description="Only articles shown for one of these reasons, repeatable."),
]
Raw = Annotated[
    bool,
    Query(description="With `kind=similar`: the neighbours in meaning as they are, without a cut-off."),
]


@router.get("/v1/articles/{article:path}/related", responses=RELATED_RESPONSES, summary="What to show beside it")
async def related(
    request: Request,
    article: str,
    limit: Limit = 10,
    language: Languages = None,
    kind: Kinds = None,
    published_after: Since = None,
    raw: Raw = False,
) -> Response:
    """Ranked cards with their reasons: pins first, then translations, links, meaning, themes and closeness in time.

    Never the article itself, a withdrawn or blocked one, what its body links, a copy of any of these, anything else at
    the URL of the article or of a link, or two tellings of one report; of several articles with one text the earliest
    stands for all.
    """
    return await _related(request, article, None, limit, language, kind, published_after, raw)


@router.get("/v1/related", responses=RELATED_RESPONSES, summary="What to show beside it, by URL")
async def related_of(
    request: Request,
    article: Article = None,
    url: Url = None,
    limit: Limit = 10,
    language: Languages = None,
    kind: Kinds = None,
    published_after: Since = None,
    raw: Raw = False,
) -> Response:
    """The same for an article that is known by its URL."""
    return await _related(request, article, url, limit, language, kind, published_after, raw)


@router.get("/v1/articles/{article:path}/links", responses=LINKS_RESPONSES, summary="Cards of its links; backlinks")
async def links(request: Request, article: str) -> Response:
    """A card for each hyperlink of the body that leads to an article here, and up to 100 articles that link here."""
    return await answered(request, partial(_links, article=article, url=None, words=words_of(request, ())))


@router.get("/v1/links", responses=LINKS_RESPONSES, summary="Cards of its links; backlinks, by URL")
async def links_of(request: Request, article: Article = None, url: Url = None) -> Response:
    """The same for an article that is known by its URL."""
    return await answered(request, partial(_links, article=article, url=url, words=words_of(request, ())))


@router.get("/v1/articles/{article:path}/story", responses=STORY_RESPONSES, summary="The story it belongs to")
async def story(request: Request, article: str, language: Languages = None) -> Response:
    """Earlier and later reports and their translations, in order of time, in all languages or in some."""
    return await answered(request, partial(_story, article=article, url=None, languages=language))


@router.get("/v1/stories/{article:path}", responses=STORY_RESPONSES, summary="A story")
async def story_by_id(request: Request, article: str, language: Languages = None) -> Response:
    """A story by its id, or by that of any of its articles; 410 when that article was withdrawn, though the story may
    go on under another's id."""
    return await answered(request, partial(_story, article=article, url=None, languages=language))


@router.get("/v1/story", responses=STORY_RESPONSES, summary="The story it belongs to, by URL")
async def story_of(request: Request, article: Article = None, url: Url = None, language: Languages = None) -> Response:
    """The same for an article that is known by its URL."""
    return await answered(request, partial(_story, article=article, url=url, languages=language))


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


@router.get("/v1/graph", summary="The graph around an article", responses=GRAPH_RESPONSES)
async def graph_around(
    request: Request,
    article: Article = None,
    url: Url = None,
    depth: Annotated[int, Query(ge=1, le=MAX_DEPTH, description="Steps away.")] = 2,
    format: Annotated[
        Literal["json", "dot", "graphml", "svg"], Query(description="Data, for GraphViz, for Gephi, or a picture.")
    ] = "json",
    kind: Annotated[
        list[EdgeKind] | None,
        Query(max_length=10, description="Edges to follow: all but `similar` and `theme`."),
    ] = None,
) -> Response:
    """Nodes and edges up to some steps away (200 nodes at the most, found along 2,000 links a step), as data, for
    GraphViz or Gephi, or a picture."""
    words = words_of(request, ())

    async def found(graph: LinkGraph) -> tuple[Card, Neighbourhood]:
        card = await card_asked_for(graph, article, url)
        return card, await neighbourhood(graph, card, depth=depth, kinds=tuple(kind or DRAWN))

    async def data(graph: LinkGraph) -> Mapping[str, Any]:
        card, around = await found(graph)
        return {"article": card.id, **as_json(around, words)}

    async def drawing(graph: LinkGraph) -> bytes:
        _, around = await found(graph)
        return drawn(around, words).encode()

    if format == "json":
        return await answered(request, data)
    drawn, media_type = _DRAWINGS[format]
    text, as_of = await kept_or_made(request, drawing)
    answer = etagged(request, text, media_type)
    answer.headers["As-Of"] = rfc3339(as_of)
    answer.headers["Vary"] = "Accept-Language"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    # A picture runs nothing.
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return answer


async def _related(
    request: Request,
    article: str | None,
    url: str | None,
    limit: int,
    languages: list[str] | None,
    kinds: list[Any] | None,
    published_after: datetime | None,
    raw: bool,
) -> Response:
    if raw and (kinds != ["similar"] or limit > MAX_RAW):
        detail = f"raw=1 goes with kind=similar alone, and limit={MAX_RAW} at the most"
        raise ProblemError(INVALID, detail, errors=[{"field": "raw", "error": detail}])
    asked: frozenset[ReasonKind] = frozenset(kinds or ())
    since_ms = epoch_ms(published_after) if published_after is not None else None
    wanted = Wanted(limit=limit, languages=tuple(languages or ()), kinds=asked, published_after_ms=since_ms)
    words = words_of(request, wanted.languages)

    async def listed(graph: LinkGraph) -> Mapping[str, Any]:
        key = await key_asked_for(graph, article, url)
        card, mine = await asyncio.gather(live_card(graph, key, article or url), related_stories.own(graph, key))
        find = related_stories.nearest if raw else related_stories.related
        digits = 6 if raw else 4
        items = [
            {
                **one.card.shown(),
                "reason": one.reason.shown(words),
                "score": round(one.score, digits),
                "duplicates": [copy.shown() for copy in one.copies],
            }
            for one in await find(graph, card, mine, wanted)
        ]
        return {"article": card.id, "items": items, "blocked": sorted(mine.blocked)}

    return await answered(request, listed)


async def _links(graph: LinkGraph, article: str | None, url: str | None, words: Words) -> Mapping[str, Any]:
    card = await card_asked_for(graph, article, url)
    [found] = await graph.links([card.id])
    owners = await graph.owners(link.url for link in found)
    [citing] = await graph.backlinks_of([card])
    cards = await graph.cards([*owners.values(), *(b.id for b in citing)])
    targets = [cards.get(owners[link.url]) if link.url in owners else None for link in found]
    return {
        "article": card.id,
        "links": [
            {
                "paragraph": link.paragraph,
                "url": link.url,
                "text": link.text,
                "card": target.shown() if target is not None else None,
                "reason": Reason("cites", paragraph=link.paragraph).shown(words),
            }
            for link, target in zip(found, targets, strict=True)
        ],
        "backlinks": [
            {**cards[b.id].shown(), "reason": Reason("backlink", paragraph=b.paragraph).shown(words)}
            for b in citing
            if b.id in cards
        ],
    }


async def _story(
    graph: LinkGraph, article: str | None, url: str | None, languages: Sequence[str] | None
) -> Mapping[str, Any]:
    thread = await thread_of(graph, await card_asked_for(graph, article, url), tuple(languages or ()))
    return {"id": thread.id, "items": [card.shown() for card in thread.articles], "truncated": thread.is_cut}


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
        raise ProblemError(NOT_FOUND, f"No article has the theme {slug[:200]}.", _NEVER_STORED)
    places = await graph.in_theme(key, languages, limit=limit + 1, before=before, since_ms=since_ms)
    cards = await graph.cards(place.id for place in places[:limit])
    items = [cards[place.id].shown() for place in places[:limit] if place.id in cards]
    content: dict[str, Any] = {"theme": shown[0], "items": items}
    if len(places) > limit:
        content["next"] = cursor_of(places[limit - 1].encode())
    return content


async def card_asked_for(graph: LinkGraph, article: str | None, url: str | None) -> Card:
    """The live article that a request names.

    Raises:
        ProblemError: 404 or 410.
        PoisonError: the name is none.
    """
    return await live_card(graph, await key_asked_for(graph, article, url), article or url)


async def key_asked_for(graph: LinkGraph, article: str | None, url: str | None) -> ArticleId:
    """The id that a request names; errors as in `card_asked_for`."""
    if (article is None) == (url is None):
        detail = "name one article: article= (an id or source:guid) or url="
        raise ProblemError(INVALID, detail, errors=[{"field": "article", "error": detail}])
    if url is not None:
        key = (await graph.owners([url.strip()])).get(url.strip())
        if key is None:
            raise ProblemError(NOT_FOUND, f"No article has the URL {url[:200]}.", _NEVER_STORED)
        return key
    return parse_article_id(article or "")


async def live_card(graph: LinkGraph, key: ArticleId, named: str | None) -> Card:
    """The card of a live article, which a request named so; errors as in `card_asked_for`."""
    [state] = await graph.states([key])
    if state is None:
        raise ProblemError(NOT_FOUND, f"There is no article {(named or key)[:200]}.", _NEVER_STORED)
    if isinstance(state, Withdrawn):
        because = f": {state.reason}" if state.reason else "."
        raise ProblemError(
            GONE,
            f"Article {state.id} was withdrawn{because}",
            _NEVER_STORED,
            article=state.id,
            reason=state.reason,
            time=state.time,
        )
    return state


async def _themes_shown(graph: LinkGraph, slugs: list[str]) -> list[dict[str, Any]]:
    sizes = await graph.sizes(slugs)
    newest = await graph.cards(size.newest for size in sizes if size.newest is not None)
    return [_theme_shown(size, newest[size.newest]) for size in sizes if size.newest in newest]


def _theme_shown(size: ThemeSize, newest: Card) -> dict[str, Any]:
    name = dict(newest.themes).get(size.slug, size.slug)  # changed while the page was put together
    return {"slug": size.slug, "name": name, "articles": size.articles, "languages": dict(size.languages)}
