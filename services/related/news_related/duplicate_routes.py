"""The query API: other articles with the same text."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from news_related.answers import DUPLICATES_RESPONSES, answer
from news_related.duplicate_edges import copies_of
from news_related.link_graph import LinkGraph
from news_related.reasons import Reason
from news_related.routes import Article, Url, as_of, card_asked_for, words_of

router = APIRouter(tags=["related"])


@router.get("/v1/articles/{article:path}/duplicates", responses=DUPLICATES_RESPONSES, summary="Its copies")
async def duplicates(request: Request, article: str) -> Response:
    """Articles within a week of it that have its text, whole or with some changes, earliest first; 180 at the most."""
    return await _duplicates(request, article, None)


@router.get("/v1/duplicates", responses=DUPLICATES_RESPONSES, summary="Its copies, by URL")
async def duplicates_of(request: Request, article: Article = None, url: Url = None) -> Response:
    """The same for an article that is known by its URL."""
    return await _duplicates(request, article, url)


async def _duplicates(request: Request, article: str | None, url: str | None) -> Response:
    graph = LinkGraph(request.state.slots)
    card = await card_asked_for(graph, article, url)
    words = words_of(request, ())
    [copies] = await copies_of(graph, [card])
    items = [{**copy.card.shown(), "reason": Reason("duplicate", shared=copy.shared).shown(words)} for copy in copies]
    return answer(request, {"article": card.id, "items": items}, as_of(graph))
