"""The query API: other articles with the same text, and which articles of a list are copies of each other."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from news_related.edges.duplicate import copies_of
from news_related.graph.duplicates import copies_of_each, folded
from news_related.graph.facts import Card
from news_related.link_graph import LinkGraph
from news_related.lists.reasons import Reason, Words
from news_related.queries.answers import DUPLICATES_AMONG_RESPONSES, DUPLICATES_RESPONSES, answered, words_of
from news_related.queries.asked import Article, Url, card_asked_for
from news_shared.article_ids import ArticleId, parse_article_id
from news_shared.problems import GONE, NOT_FOUND

router = APIRouter(tags=["related"])

MAX_ARTICLES = 100


@router.get("/v1/articles/{article:path}/duplicates", responses=DUPLICATES_RESPONSES, summary="Its copies")
async def duplicates(request: Request, article: str) -> Response:
    """Articles within a week of it that have its text, whole or with some changes, earliest first; 180 at the most."""
    return await answered(request, partial(_duplicates, article=article, url=None, words=words_of(request, ())))


@router.get("/v1/duplicates", responses=DUPLICATES_RESPONSES, summary="Its copies, by URL")
async def duplicates_of(request: Request, article: Article = None, url: Url = None) -> Response:
    """The same for an article that is known by its URL."""
    return await answered(request, partial(_duplicates, article=article, url=url, words=words_of(request, ())))


@router.get("/v1/duplicates/among", responses=DUPLICATES_AMONG_RESPONSES, summary="Which of a list are copies")
async def duplicates_among(
    request: Request,
    article: Annotated[
        list[str],
        Query(min_length=1, max_length=MAX_ARTICLES, description="Ids or `source:guid`, up to 100, in any order."),
    ],
) -> Response:
    """For a list that shows one text once: of these articles, in the order asked, which are copies of which.

    Of several articles with one text the earliest stands for the others, which name it in `duplicate_of`; articles
    that were not asked for are not looked at.
    """
    return await answered(request, partial(_among, ids=[parse_article_id(name) for name in article]))


async def _duplicates(graph: LinkGraph, article: str | None, url: str | None, words: Words) -> Mapping[str, Any]:
    card = await card_asked_for(graph, article, url)
    [copies] = await copies_of(graph, [card])
    items = [{**copy.card.shown(), "reason": Reason("duplicate", shared=copy.shared).shown(words)} for copy in copies]
    return {"article": card.id, "items": items}


async def _among(graph: LinkGraph, ids: Sequence[ArticleId]) -> Mapping[str, Any]:
    states = dict(zip(ids, await graph.states(ids), strict=True))
    cards = [state for state in states.values() if isinstance(state, Card)]
    stands = folded(cards, copies_of_each(cards))
    copies: dict[ArticleId, list[ArticleId]] = {}
    for key, first in stands.items():
        if key != first:
            copies.setdefault(first, []).append(key)
    items: list[dict[str, Any]] = []
    for key in ids:
        first = stands.get(key, key)
        item: dict[str, Any] = {
            "article": key,
            "duplicate_of": first if first != key else None,
            "duplicates": copies.get(key, []),
        }
        if key not in stands:
            item["status"] = NOT_FOUND.status if states[key] is None else GONE.status
        items.append(item)
    return {"items": items}
