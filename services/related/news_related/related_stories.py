"""What to show beside an article: candidates gathered from the graph, ranked by `ranking`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from news_related import ranking
from news_related.curation import Choice
from news_related.duplicates import copies_among
from news_related.facts import Card, Link
from news_related.link_graph import Backlink, LinkGraph
from news_related.meaning_edges import Near, further, live, near
from news_related.ranking import Ranked, Signal, Wanted
from news_related.reasons import Reason
from news_shared.article_ids import ArticleId

_LINKS = 30  # of the body, for what else links to the same
_THEMES = 10
_BACKLINKS = 50
_BACKLINKS_OF_A_TRANSLATION = 20
_CITING_THE_SAME = 10
_EACH_SIDE, _NEWEST = 8, 3  # in each theme: within one, the nearest in time rank first
_EACH_SIDE_FILTERED, _NEWEST_FILTERED = 15, 10
_SHORT = 10  # a list that these suffice for


@dataclass(frozen=True)
class Own:
    """What is stored of an article besides its card."""

    links: Sequence[Link]
    choices: Sequence[Choice]
    neighbours: Sequence[tuple[ArticleId, int]]


async def own(graph: LinkGraph, key: ArticleId) -> Own:
    """What the list of an article begins with; one round trip."""
    [links], [choices], [neighbours] = await asyncio.gather(
        graph.links([key]), graph.choices([key]), graph.neighbours([key])
    )
    return Own(links, choices, neighbours)


async def related(graph: LinkGraph, card: Card, mine: Own, wanted: Wanted) -> list[Ranked]:
    """The ranked list of an article; two round trips, whatever is stored, up to six more when it has translations, and
    four when a filter leaves too little of its neighbours.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    urls = list(dict.fromkeys(link.url for link in mine.links))
    slugs = card.slugs[:_THEMES]
    is_plain = wanted.limit <= _SHORT and not wanted.is_filter and not wanted.kinds
    each_side, newest = (_EACH_SIDE, _NEWEST) if is_plain else (_EACH_SIDE_FILTERED, _NEWEST_FILTERED)
    owners, translations, [own_backlinks], citing_the_same, in_themes, sizes = await asyncio.gather(
        graph.owners(urls),
        graph.translations(card),
        graph.backlinks_of([card], _BACKLINKS),
        graph.backlinks(urls[:_LINKS], _CITING_THE_SAME),
        graph.around(slugs, wanted.languages, card.position, each_side=each_side, newest=newest),
        graph.articles_in(slugs),
    )
    of_translations = await graph.backlinks_of(list(translations.values()), _BACKLINKS_OF_A_TRANSLATION)
    citing = {owners[url]: some for url, some in zip(urls, citing_the_same, strict=False) if url in owners}
    pinned = [choice for choice in mine.choices if choice.kind == "pin"]
    never = {choice.other for choice in mine.choices if choice.kind == "block"} | set(owners.values()) | {card.id}

    asked: dict[ArticleId, None] = dict.fromkeys(choice.other for choice in pinned)
    asked.update(dict.fromkeys(translations))
    asked.update(dict.fromkeys(citing))
    for some in (own_backlinks, *of_translations, *citing.values()):
        asked.update(dict.fromkeys(b.id for b in some))
    asked.update(dict.fromkeys(in_themes))
    others = dict.fromkeys(key for key, _ in mine.neighbours if key not in asked)
    found = await graph.cards([*asked, *others])
    neighbours = live(card, mine.neighbours, {**found, card.id: card})
    cards = {card.id: card, **{key: one for key, one in found.items() if key not in others}}
    if sum(wanted.takes(one.card) and one.kind is not None for one in neighbours) < wanted.limit and wanted.is_filter:
        neighbours = [*neighbours, *await further(graph, card, neighbours)]
    cards.update((one.card.id, one.card) for one in neighbours if one.kind is not None)

    never |= copies_among(cards.values(), of=[cards[key] for key in citing if key in cards])
    signals: dict[str, list[Signal]] = {}

    def signal(key: ArticleId, made: Signal | None) -> None:
        if made is not None and key not in never:
            signals.setdefault(key, []).append(made)

    for choice in pinned:
        signal(choice.other, Signal(ranking.PINNED, Reason("pinned", note=choice.note)))
    for key, other in translations.items():
        signal(key, Signal(ranking.TRANSLATION, Reason("translation", original=_translates(card, other))))
    for other, paragraph in _present(own_backlinks, cards):
        signal(other.id, ranking.backlink(card, other, paragraph))
    for via, some in zip(translations.values(), of_translations, strict=True):
        for other, paragraph in _present(some, cards):
            if other.id not in translations:
                signal(other.id, ranking.backlink(card, other, paragraph, via=via))
    for key, some in citing.items():
        for other, _ in _present(some, cards):
            if key in cards and other.id not in translations:
                signal(other.id, ranking.same_story(card, other, cards[key]))
    for one in neighbours:
        if one.card.id not in translations:
            signal(one.card.id, ranking.by_meaning(card, one))
    for key, other in cards.items():
        signal(key, ranking.themes(card, other, sizes))
    return ranking.rank(card, {key: other for key, other in cards.items() if key not in never}, signals, wanted)


async def nearest(graph: LinkGraph, card: Card, wanted: Wanted) -> list[Near]:
    """The uncut neighbours of an article in meaning, best first: what ranking and cut-offs are measured with.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    [found] = await near(graph, [card])
    return [one for one in found if wanted.takes(one.card)][: wanted.limit]


def _present(backlinks: Sequence[Backlink], cards: dict[ArticleId, Card]) -> list[tuple[Card, int]]:
    return [(cards[b.id], b.paragraph) for b in backlinks if b.id in cards]


def _translates(card: Card, other: Card) -> bool:
    return card.original is not None and (
        card.original.id == other.id or (card.original.url is not None and card.original.url == other.url)
    )
