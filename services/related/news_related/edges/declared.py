"""Edges that somebody declared: links, translations and pins."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from news_related.edges.edge import Edge
from news_related.graph.facts import Card, names_of
from news_related.link_graph import MAX_BACKLINKS, LinkGraph
from news_shared.article_ids import ArticleId

MAX_LINKS_READ = 2_000
"""Links that are followed at once, and backlinks likewise: more would hold up Redis, and nobody sees them all."""


class Declared(NamedTuple):
    """Declared edges.

    Attributes:
        is_cut: there are more links or backlinks than were taken.
    """

    edges: list[Edge]
    is_cut: bool


async def declared_edges(graph: LinkGraph, cards: Sequence[Card], *, backlinks: int = MAX_BACKLINKS) -> Declared:
    """The declared edges at some articles, in both directions; four round trips, whatever their number.

    All of them, up to `MAX_LINKS_READ` links and as many backlinks; of more the first of each article.

    Args:
        backlinks: of each article at the most.
    """
    if not cards:
        return Declared([], is_cut=False)
    ids = [card.id for card in cards]
    links, is_cut = _first_of_each(await graph.links(ids))
    owners = await graph.owners(
        [link.url for some in links for link in some] + [c.original.url for c in cards if c.original and c.original.url]
    )
    citing, are_backlinks_cut = _first_of_each(await graph.backlinks_of(cards, backlinks))
    choices = await graph.choices(ids)
    edges: dict[Edge, None] = {}
    for card, out, back, chosen in zip(cards, links, citing, choices, strict=True):
        for link in out:
            target = owners.get(link.url)
            if target != card.id:
                edges[Edge("cites", card.id, target, link.url, link.paragraph)] = None
        for b in back:
            edges[Edge("cites", b.id, card.id, card.url, b.paragraph)] = None
        for choice in chosen:
            if choice.kind == "pin":
                edges[Edge("pinned", card.id, choice.other)] = None
    for edge in await _declared_translations(graph, cards, owners):
        edges[edge] = None
    return Declared(list(edges), is_cut or are_backlinks_cut)


T = TypeVar("T")


def _first_of_each(lists: Sequence[Sequence[T]]) -> tuple[list[Sequence[T]], bool]:
    """As many of each list as make `MAX_LINKS_READ` together at the most; and whether that is not all."""
    longest = max(map(len, lists))
    most = bisect_right(range(1, longest + 1), MAX_LINKS_READ, key=lambda n: sum(min(len(some), n) for some in lists))
    return [some[:most] for some in lists], most < longest


async def _declared_translations(
    graph: LinkGraph, cards: Sequence[Card], owners: Mapping[str, ArticleId]
) -> list[Edge]:
    theirs = await graph.own_urls(cards)
    names = [name for card in cards for name in names_of(card, has_its_url=card.id in theirs)]
    translating = {card.id: card for card in cards}
    translators = [key for found in await graph.translators(names) for key in found]
    translating.update(await graph.cards(key for key in translators if key not in translating))
    known = {card.original.id for card in translating.values() if card.original} - translating.keys()
    live = translating.keys() | (await graph.cards(known)).keys()
    own = {url: key for key, url in theirs.items()}
    edges = []
    for card in translating.values():
        if card.original is None:
            continue
        url = card.original.url or ""
        target = card.original.id if card.original.id in live else own.get(url, owners.get(url))
        if target is not None and target != card.id:
            edges.append(Edge("translation", card.id, target))
    return edges
