"""Which articles have the text of others, found in the graph's index of bands and told by the rules of `duplicates`."""

from collections.abc import Sequence
from dataclasses import dataclass

from news_related.edges.edge import Edge
from news_related.graph.duplicates import WITHIN_MS, share_of_copy
from news_related.graph.facts import Card
from news_related.link_graph import LinkGraph


@dataclass(frozen=True)
class Copy:
    """An article with the text of another, and the share of their wording that both have."""

    card: Card
    shared: float


async def copies_of(graph: LinkGraph, cards: Sequence[Card]) -> list[list[Copy]]:
    """The copies of each of some articles, earliest first; two round trips.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    beside = await graph.sharing_a_band(cards, within_ms=WITHIN_MS)
    known = await graph.cards(key for some in beside for key in some)
    found = []
    for card, some in zip(cards, beside, strict=True):
        pairs = [(known[key], share_of_copy(card, known[key])) for key in some if key in known]
        copies = [Copy(other, share) for other, share in pairs if share is not None]
        found.append(sorted(copies, key=lambda copy: copy.card.position))
    return found


async def edges_between_copies(graph: LinkGraph, cards: Sequence[Card]) -> list[Edge]:
    """An edge from the later article to the earlier one for each pair of copies; two round trips."""
    edges: dict[Edge, None] = {}
    for card, copies in zip(cards, await copies_of(graph, cards), strict=True):
        for copy in copies:
            earlier, later = sorted((card, copy.card), key=lambda one: one.position)
            edges[Edge("duplicate", later.id, earlier.id, shared=copy.shared)] = None
    return list(edges)
