"""Edges from meaning: the neighbours of articles, read from the graph, and what they are by the rules of `nearness`."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from news_related.edges.edge import Edge
from news_related.edges.nearness import TELLING, Near, least, nearness, nears_of
from news_related.graph.facts import Card
from news_related.link_graph import LinkGraph
from news_related.neighbours import similarity
from news_related.neighbours.similarity import MeaningKind
from news_shared.article_ids import ArticleId

_NEIGHBOURS_ASKED = 20  # whose neighbours are looked at when one's own do not suffice
_LOOKED_AT = 300


async def near(
    graph: LinkGraph,
    cards: Sequence[Card],
    *,
    most: int,
    least: int | None,
    known: Mapping[ArticleId, Card],
) -> list[list[Near]]:
    """The live neighbours of some articles, best first; two round trips.

    Args:
        most: of each article.
        least: leave out scores below it; None leaves all.
        known: cards that need not be read again.
    """
    lists = [
        [(key, score) for key, score in some[:most] if least is None or score >= least]
        for some in await graph.neighbours([card.id for card in cards])
    ]
    wanted = [key for some in lists for key, _ in some]
    found = {**known, **await graph.cards(key for key in wanted if key not in known)}
    return [nears_of(card, some, found) for card, some in zip(cards, lists, strict=True)]


async def further(graph: LinkGraph, card: Card, known: Sequence[Near]) -> list[Near]:
    """Neighbours of neighbours that are not among an article's own, scored as those are; four round trips.

    For a filter that leaves too little of the fifty nearest.
    """
    lists = await graph.neighbours([one.card.id for one in known[:_NEIGHBOURS_ASKED]])
    seen = {card.id, *(one.card.id for one in known)}
    ranked = sorted((rank, key) for some in lists for rank, (key, _) in enumerate(some) if key not in seen)
    asked = list(dict.fromkeys(key for _, key in ranked))[:_LOOKED_AT]
    own, *others = await graph.meanings([card.id, *asked])
    if own is None:
        return []
    comparable = [one for one in others if one is not None and one.space == own.space]
    if not comparable:
        return []
    vectors = np.array([np.frombuffer(one.vector, np.int8) for one in comparable], np.float64)
    scores = similarity.scores(
        vectors @ np.frombuffer(own.vector, np.int8).astype(np.float64),
        np.array([own.scale * one.scale for one in comparable]),
        np.array([abs(own.position.date_ms - one.position.date_ms) for one in comparable]),
        np.array([own.language == one.language for one in comparable]),
    )
    cards = await graph.cards(one.id for one in comparable)
    found = [
        nearness(card, cards[one.id], int(score))
        for one, score in zip(comparable, scores, strict=True)
        if one.id in cards
    ]
    return sorted(found, key=lambda one: (-one.score, one.card.id))


async def edges_by_meaning(
    graph: LinkGraph,
    cards: Sequence[Card],
    known: Mapping[ArticleId, Card],
    *,
    most: int,
    kinds: Collection[MeaningKind],
) -> list[Edge]:
    """The edges of these kinds at some articles, each once, from the later article to the earlier.

    Args:
        known: cards that need not be read again.
        most: neighbours of each article that are looked at.
    """
    if not kinds:
        return []
    edges: dict[Edge, None] = {}
    found = await near(graph, cards, most=most, least=least(kinds), known=known)
    for card, some in zip(cards, found, strict=True):
        for one in some:
            if one.kind is not None and one.kind in kinds:
                later, earlier = sorted((card, one.card), key=lambda c: c.position, reverse=True)
                edges[Edge(one.kind, later.id, earlier.id, score=one.score)] = None
    return list(edges)


async def telling_the_story(
    graph: LinkGraph, cards: Sequence[Card], known: Mapping[ArticleId, Card], *, most: int
) -> dict[ArticleId, Card]:
    """Articles that by their scores may be of one thread with some; two round trips.

    Args:
        known: cards that need not be read again.
        most: neighbours of each article that are looked at.
    """
    found = await near(graph, cards, most=most, least=least(TELLING), known=known)
    return {one.card.id: one.card for some in found for one in some if one.tells_the_story}


async def pairs_of_one_story(
    graph: LinkGraph, cards: Mapping[ArticleId, Card]
) -> dict[tuple[ArticleId, ArticleId], int]:
    """The scores of all pairs among some articles that may be of one thread; one round trip."""
    lists = await graph.neighbours(list(cards))
    return {
        (key, other): score
        for key, some in zip(cards, lists, strict=True)
        for other, score in some
        if other in cards and nearness(cards[key], cards[other], score).tells_the_story
    }
