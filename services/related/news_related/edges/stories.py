"""The thread of a story: earlier and later reports and their translations, in order of time."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from news_related.edges.declared import declared_edges
from news_related.edges.duplicate import copies_of
from news_related.edges.edge import Edge
from news_related.edges.meaning import pairs_of_one_story, telling_the_story
from news_related.edges.threads import Pair, joining, threads
from news_related.graph.duplicates import copies_of_each
from news_related.graph.facts import Card
from news_related.link_graph import MAX_IN_A_BAND, LinkGraph
from news_shared.article_ids import ArticleId
from news_shared.languages import is_in

MAX_ARTICLES = 100
_LOOKED_AT = 200
_MAX_STEPS = 8
_BACKLINKS = 30
_NEIGHBOURS = 20  # of each article, followed to find what may belong to the story


@dataclass(frozen=True)
class Thread:
    """A story.

    Attributes:
        id: that of its first article, so it is the same whichever article is asked.
        is_cut: there is more than was taken.
    """

    id: ArticleId
    articles: list[Card]
    is_cut: bool


async def thread_of(graph: LinkGraph, card: Card, languages: tuple[str, ...] = ()) -> Thread:
    """The story that an article belongs to, itself included, by the rules of `threads`; `MAX_ARTICLES` at the most, the
    nearest in time.

    Whatever is connected with the article is looked at, up to 200 articles and eight steps away, with 30 copies of a
    text: a thread is the same whichever of its articles is asked, unless that is not all.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    found = {card.id: card}
    declared: dict[Pair, None] = {}
    frontier, is_cut = [card], False
    for _ in range(_MAX_STEPS):
        (edges, are_edges_cut), copies = await asyncio.gather(
            declared_edges(graph, frontier, backlinks=_BACKLINKS), copies_of(graph, frontier)
        )
        copied = {copy.card.id: copy.card for some in copies for copy in some}
        known = {**await graph.cards(_ends(edges) - found.keys() - copied.keys()), **copied, **found}
        meant = await telling_the_story(graph, frontier, known, most=_NEIGHBOURS)
        known.update(meant)
        joined = joining(edges, known)
        declared.update(dict.fromkeys(joined))
        reached = {end for pair in joined for end in pair} | copied.keys() | meant.keys()
        frontier = sorted((known[key] for key in reached - found.keys()), key=lambda c: _apart(c, card))
        room = _LOOKED_AT - len(found)
        is_cut = is_cut or are_edges_cut or len(frontier) > room
        is_cut = is_cut or any(len(some) >= MAX_IN_A_BAND - 1 for some in copies)
        frontier = frontier[:room]
        found.update((one.id, one) for one in frontier)
        if not frontier:
            break
    else:
        is_cut = True
    near = await pairs_of_one_story(graph, found)
    same = [(one, other) for one, some in copies_of_each(found.values()).items() for other in some]
    told = [found[key] for key in threads(found, declared, same, near)[card.id]]
    nearest = sorted(told, key=lambda c: _apart(c, card))[:MAX_ARTICLES]
    articles = sorted(nearest, key=lambda c: c.position)
    return Thread(
        articles[0].id, [c for c in articles if is_in(c.language, languages)], is_cut or len(told) > MAX_ARTICLES
    )


def _ends(edges: Iterable[Edge]) -> set[ArticleId]:
    return {ArticleId(end) for edge in edges for end in (edge.source, edge.target) if end is not None}


def _apart(one: Card, other: Card) -> tuple[int, ArticleId]:
    return abs(one.listed_ms - other.listed_ms), one.id
