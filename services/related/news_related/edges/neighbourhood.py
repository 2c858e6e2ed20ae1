"""What lies around an article in the graph: nodes and edges up to some steps away."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from news_related.edges.declared import declared_edges
from news_related.edges.duplicate import edges_between_copies
from news_related.edges.edge import Edge, EdgeKind
from news_related.edges.meaning import edges_by_meaning
from news_related.graph.facts import Card
from news_related.link_graph import LinkGraph
from news_related.neighbours.similarity import CUT_OFFS, MeaningKind
from news_shared.article_ids import ArticleId

MAX_DEPTH = 3
MAX_NODES = 200
_BACKLINKS = 50

_NEAREST = 8  # neighbours in meaning of one article: enough to see the story

DRAWN: tuple[EdgeKind, ...] = ("translation", "pinned", "duplicate", "cites", "same_story")
"""Kinds that are followed unless told otherwise; where there is no room for all, in this order."""


@dataclass(frozen=True)
class Node:
    """An article, a link whose article is not here, or a theme.

    Attributes:
        id: article id, URL, or `theme:` and a slug.
        depth: steps from the article in the middle.
    """

    id: str
    kind: Literal["article", "link", "theme"]
    title: str
    depth: int
    card: Card | None = None


@dataclass
class Neighbourhood:
    """Part of the graph, the article in the middle first."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    is_cut: bool = False

    def add(self, node: Node) -> bool:
        """Take a node in, if it is new and there is room."""
        if node.id in self.nodes:
            return False
        if len(self.nodes) >= MAX_NODES:
            self.is_cut = True
            return False
        self.nodes[node.id] = node
        return True


async def neighbourhood(
    graph: LinkGraph, card: Card, *, depth: int, kinds: Collection[EdgeKind] = DRAWN
) -> Neighbourhood:
    """The nodes up to ``depth`` steps away, `MAX_NODES` at the most, and the edges found between them.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    around = Neighbourhood()
    around.add(Node(card.id, "article", card.title, 0, card))
    frontier = [card]
    known = {card.id: card}
    edges: dict[Edge, None] = {}
    for step in range(1, depth + 1):
        copies = await edges_between_copies(graph, frontier) if "duplicate" in kinds else []
        declared, is_cut = await declared_edges(graph, frontier, backlinks=_BACKLINKS)
        around.is_cut = around.is_cut or is_cut
        meant = await edges_by_meaning(graph, frontier, known, most=_NEAREST, kinds=_by_meaning(kinds))
        unsaid = _unsaid(meant, [*declared, *copies])
        found = sorted((edge for edge in (*declared, *copies, *unsaid) if edge.kind in kinds), key=_order)
        edges.update(dict.fromkeys(found))
        ends = (end for edge in found for end in (edge.source, edge.target) if end)
        cards = await graph.cards(ArticleId(end) for end in dict.fromkeys(ends) if end not in around.nodes)
        frontier = _nearest(around, found, cards, step)
        known.update((one.id, one) for one in frontier)
        if not frontier:
            break
    if "theme" in kinds:
        edges.update(dict.fromkeys(_themes(around)))
    around.edges = [e for e in edges if e.source in around.nodes and target_of(e) in around.nodes]
    return around


def target_of(edge: Edge) -> str:
    """The id of the node that an edge leads to."""
    return edge.target if edge.target is not None else edge.url or ""


def _nearest(around: Neighbourhood, edges: Sequence[Edge], cards: dict[ArticleId, Card], depth: int) -> list[Card]:
    new = []
    for edge in edges:
        for end in (edge.source, edge.target):
            card = cards.get(ArticleId(end)) if end else None
            if card is not None and around.add(Node(card.id, "article", card.title, depth, card)):
                new.append(card)
        if edge.target is None and edge.url is not None and edge.source in around.nodes:
            around.add(Node(edge.url, "link", edge.url, depth))
    return new


def _by_meaning(kinds: Collection[EdgeKind]) -> list[MeaningKind]:
    return [kind for kind in CUT_OFFS if kind in kinds]


def _unsaid(edges: Sequence[Edge], others: Sequence[Edge]) -> list[Edge]:
    """Edges from meaning between articles that are not said to be translations or copies of each other."""
    said = {frozenset((edge.source, edge.target)) for edge in others if edge.kind in ("translation", "duplicate")}
    return [edge for edge in edges if frozenset((edge.source, edge.target)) not in said]


def _themes(around: Neighbourhood) -> list[Edge]:
    edges = []
    for node in list(around.nodes.values()):
        for slug, name in node.card.themes if node.card else ():
            around.add(Node(f"theme:{slug}", "theme", name, node.depth + 1))
            edges.append(Edge("theme", ArticleId(node.id), f"theme:{slug}"))
    return edges


def _order(edge: Edge) -> tuple[int, bool, int, str, int, str]:
    rank = DRAWN.index(edge.kind) if edge.kind in DRAWN else len(DRAWN)
    return rank, edge.target is None, -(edge.score or 0), edge.source, edge.paragraph or 0, target_of(edge)
