"""Which articles tell the same in other words, as sources declare it: translations, originals, and siblings."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from news_related.graph.facts import Backlink, Card, names_of, names_of_original
from news_related.link_graph import MAX_BACKLINKS, MAX_TRANSLATIONS, LinkGraph
from news_shared.article_ids import ArticleId

_ROUNDS = 3


class Translation(NamedTuple):
    """An article that tells the same in other words, and what links to it, newest first."""

    card: Card
    backlinks: list[Backlink]


async def translations(
    graph: LinkGraph, card: Card, backlinks: int = MAX_BACKLINKS, *, first: Sequence[Card] | None = None
) -> dict[ArticleId, Translation]:
    """Every article that tells the same as this one in other words: what it translates, what translates it,
    and so on from there (three steps, `MAX_TRANSLATIONS` articles); siblings of one original, also of one that
    has not arrived, are translations of each other. Two round trips a step, one more for those of the last.

    Args:
        backlinks: of each at the most.
        first: what the first step finds, where that is known.
    """
    found: dict[ArticleId, Card] = {card.id: card}
    linked: dict[ArticleId, list[Backlink]] = {}

    async def read_backlinks() -> None:
        some = [one for key, one in found.items() if key not in linked and key != card.id]
        linked.update(zip((one.id for one in some), await graph.backlinks_of(some, backlinks), strict=True))

    asked = set() if first is None else {*names_of(card, has_its_url=False), *names_of_original(card)}

    async def step(frontier: Sequence[Card]) -> list[Card]:
        named = [name for one in frontier for name in (*names_of(one, has_its_url=True), *names_of_original(one))]
        new = [name for name in dict.fromkeys(named) if name not in asked]
        originals = [one.original.id for one in frontier if one.original and one.original.id not in found]
        theirs, claims, cards, _ = await asyncio.gather(
            graph.own_urls(frontier), graph.named(new), graph.cards(originals), read_backlinks()
        )
        beside: dict[ArticleId, None] = {}
        for one in frontier:
            names = [*names_of(one, has_its_url=one.id in theirs), *names_of_original(one)]
            asked.update(names)
            beside.update((key, None) for name in names for key in claims.get(name, ()))
        cards |= await graph.cards(beside.keys() - found.keys() - set(originals))
        return list(cards.values())

    frontier: Sequence[Card] = [card]
    for round_ in range(_ROUNDS):
        beside = first if first is not None and round_ == 0 else await step(frontier)
        frontier = sorted(beside, key=lambda c: c.position)[: MAX_TRANSLATIONS - len(found) + 1]
        if not frontier:
            break
        found.update((one.id, one) for one in frontier)
    await read_backlinks()
    return {key: Translation(one, linked[key]) for key, one in found.items() if key != card.id}
