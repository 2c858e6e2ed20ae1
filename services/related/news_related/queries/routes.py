"""The query API: what belongs to an article, its links, and its story."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from news_related.edges.stories import thread_of
from news_related.link_graph import LinkGraph
from news_related.lists import related_stories
from news_related.lists.ranking import Wanted
from news_related.lists.reasons import Reason, Words
from news_related.queries.answers import LINKS_RESPONSES, RELATED_RESPONSES, STORY_RESPONSES, answered, words_of
from news_related.queries.asked import (
    Article,
    Kinds,
    Languages,
    Limit,
    Since,
    Url,
    card_asked_for,
    key_asked_for,
    live,
)
from news_shared.clock import epoch_ms
from news_shared.problems import INVALID, ProblemError

router = APIRouter(tags=["related"])

MAX_RAW = 50
"""Neighbours of one raw answer."""


class _Wish(BaseModel):
    """Parameters of a list: one model, since fields that FastAPI reads one by one take it twice the time."""

    limit: Limit = 10
    language: Languages = None
    kind: Kinds = None
    published_after: Since = None
    raw: Annotated[
        bool, Query(description="With `kind=similar`: the neighbours in meaning as they are, without a cut-off.")
    ] = False

    def wanted(self) -> Wanted:
        """The same for the ranking."""
        since_ms = epoch_ms(self.published_after) if self.published_after is not None else None
        return Wanted(self.limit, tuple(self.language or ()), frozenset(self.kind or ()), since_ms)


class _WishByUrl(_Wish):
    article: Article = None
    url: Url = None


@router.get("/v1/articles/{article:path}/related", responses=RELATED_RESPONSES, summary="What to show beside it")
async def related(request: Request, article: str, wish: Annotated[_Wish, Query()]) -> Response:
    """Ranked cards with their reasons: pins first, then translations, links, meaning, themes and closeness in time.

    Never the article itself, a withdrawn or blocked one, what its body links, a copy of any of these, anything else at
    the URL of the article or of a link, or two tellings of one report; of several articles with one text the earliest
    stands for all.
    """
    return await _related(request, article, None, wish)


@router.get("/v1/related", responses=RELATED_RESPONSES, summary="What to show beside it, by URL")
async def related_of(request: Request, wish: Annotated[_WishByUrl, Query()]) -> Response:
    """The same for an article that is known by its URL."""
    return await _related(request, wish.article, wish.url, wish)


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


async def _related(request: Request, article: str | None, url: str | None, wish: _Wish) -> Response:
    wanted, raw = wish.wanted(), wish.raw
    if raw and (wanted.kinds != {"similar"} or wanted.limit > MAX_RAW):
        detail = f"raw=1 goes with kind=similar alone, and limit={MAX_RAW} at the most"
        raise ProblemError(INVALID, detail, errors=[{"field": "raw", "error": detail}])
    words = words_of(request, wanted.languages)

    async def listed(graph: LinkGraph) -> Mapping[str, Any]:
        key = await key_asked_for(graph, article, url)
        around = await related_stories.surroundings(graph, key, wanted, raw=raw)
        card = live(around.state, article or url or "")
        if raw:
            found, digits = related_stories.nearest(card, around, wanted), 6
        else:
            found, digits = await related_stories.related(graph, card, around, wanted), 4
        items = [
            {
                **one.card.shown(),
                "reason": one.reason.shown(words),
                "score": round(one.score, digits),
                "duplicates": [copy.shown() for copy in one.copies],
            }
            for one in found
        ]
        return {"article": card.id, "items": items, "blocked": sorted(around.blocked)}

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
