"""The query API: the graph around an article, as data or drawn."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from news_related.edges.edge import EdgeKind
from news_related.edges.neighbourhood import DRAWN, MAX_DEPTH, Neighbourhood, neighbourhood
from news_related.graph.facts import Card
from news_related.link_graph import LinkGraph
from news_related.lists.reasons import Words
from news_related.queries.answers import GRAPH_RESPONSES, answered, kept_or_made, words_of
from news_related.queries.asked import Article, Url, card_asked_for
from news_related.queries.drawing import as_dot, as_graphml, as_json, as_svg
from news_shared.clock import rfc3339
from news_shared.http import etagged

router = APIRouter(tags=["related"])

_DRAWINGS: Mapping[str, tuple[Callable[[Neighbourhood, Words], str], str]] = {
    "dot": (as_dot, "text/vnd.graphviz; charset=utf-8"),
    "graphml": (as_graphml, "application/graphml+xml; charset=utf-8"),
    "svg": (as_svg, "image/svg+xml; charset=utf-8"),
}


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
