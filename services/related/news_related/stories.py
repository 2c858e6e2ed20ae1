"""The thread of a story: earlier and later reports and their translations, in order of time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from news_related.facts import Card
from news_related.link_graph import Edge, LinkGraph
from news_related.themes import is_in
from news_shared.article_ids import ArticleId

MAX_ARTICLES = 100
_MAX_STEPS = 8
_APART = timedelta(days=30)  # a link to something older is background, not the story going on
_BACKLINKS = 30
_SHARED = 1 / 3


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


def goes_on(one: Card, other: Card) -> bool:
    """Whether a link between two articles joins them into one story.

    Their main (first) theme is the same, or a third of all their themes is shared, or neither has any; and no more
    than 30 days lie between them. A link to another subject is only a link.
    """
    if abs(one.listed_ms - other.listed_ms) > _APART // timedelta(milliseconds=1):
        return False
    mine, theirs = one.slugs, other.slugs
    if not mine or not theirs:
        return mine == theirs
    shared = len(set(mine) & set(theirs)) / len(set(mine) | set(theirs))
    return mine[0] == theirs[0] or shared >= _SHARED


async def thread_of(graph: LinkGraph, card: Card, languages: tuple[str, ...] = ()) -> Thread:
    """The story that an article belongs to, itself included; `MAX_ARTICLES` at the most, the nearest by links.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    found = {card.id: card}
    frontier, is_cut = [card], False
    for _ in range(_MAX_STEPS):
        edges = await graph.edges_of(frontier, backlinks=_BACKLINKS)
        known = {**await graph.cards(_ends(edges) - found.keys()), **found}
        frontier = sorted(_joined(edges, known, found), key=lambda c: c.position)
        room = MAX_ARTICLES - len(found)
        is_cut = is_cut or len(frontier) > room
        frontier = frontier[:room]
        found.update((one.id, one) for one in frontier)
        if not frontier:
            break
    else:
        is_cut = True
    articles = sorted(found.values(), key=lambda c: c.position)
    return Thread(articles[0].id, [c for c in articles if is_in(c.language, languages)], is_cut)


def _ends(edges: Iterable[Edge]) -> set[ArticleId]:
    return {ArticleId(end) for edge in edges for end in (edge.source, edge.target) if end is not None}


def _joined(edges: Iterable[Edge], known: Mapping[ArticleId, Card], found: Mapping[ArticleId, Card]) -> set[Card]:
    joined = set()
    for edge in edges:
        one, other = known.get(edge.source), known.get(ArticleId(edge.target or ""))
        if one is None or other is None or edge.kind not in ("cites", "translation"):
            continue
        if edge.kind == "translation" or goes_on(one, other):
            joined.update({one, other})
    return {card for card in joined if card.id not in found}
