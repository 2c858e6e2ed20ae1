"""The same wire text in several articles: which pairs are copies of each other, and how lists fold them.

Two articles are copies when their texts share a band and an estimated `LEAST_SHARED` of their wording, and no more
than `WITHIN` lies between them. That depends on the two alone, so no order of arrival changes it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import chain

from news_related.graph.facts import Card
from news_related.graph.minhash import shared
from news_shared.article_ids import ArticleId

LEAST_SHARED = 0.6
"""Of all runs of three words in either text. A wire text that lost its last fifth, with a word in 60 changed, shares
0.74 and is found 92 times in 100; one that lost 30 % shares 0.65 and is found 70 times (ecbplus and ntrex)."""

WITHIN = timedelta(days=7)
"""Wire texts are printed within days; what has the same words a month later is a regular, such as a weather report."""

WITHIN_MS = WITHIN // timedelta(milliseconds=1)


def share_of_copy(one: Card, other: Card) -> float | None:
    """How much wording two articles share; None when they are no copies of each other."""
    if one.id == other.id or abs(one.listed_ms - other.listed_ms) > WITHIN_MS:
        return None
    if one.bands.isdisjoint(other.bands):
        return None
    share = shared(one.signature, other.signature)
    return share if share >= LEAST_SHARED else None


def copies_among(cards: Iterable[Card], of: Sequence[Card]) -> set[ArticleId]:
    """Those of some articles that are copies of one of others."""
    bands = frozenset[bytes]().union(*(one.bands for one in of))
    return {
        card.id
        for card in cards
        if not bands.isdisjoint(card.bands) and any(share_of_copy(card, one) is not None for one in of)
    }


def folded(cards: Iterable[Card]) -> dict[ArticleId, ArticleId]:
    """For each article the one that stands for it: the earliest of its copies and their copies, or itself."""
    known = sorted(cards, key=lambda card: (card.listed_ms, card.id))
    stands = {card.id: card.id for card in known}
    shared_bands = {band for band, times in Counter(chain.from_iterable(c.bands for c in known)).items() if times > 1}
    if not shared_bands:
        return stands
    beside: dict[bytes, list[Card]] = {}

    def root(key: ArticleId) -> ArticleId:
        while stands[key] != key:
            key = stands[key]
        return key

    place = {card.id: number for number, card in enumerate(known)}
    for card in known:
        for band in shared_bands & card.bands:
            for other in beside.setdefault(band, []):
                if root(card.id) != root(other.id) and share_of_copy(card, other) is not None:
                    earlier, later = sorted((root(card.id), root(other.id)), key=place.__getitem__)
                    stands[later] = earlier
            beside[band].append(card)
    return {card.id: root(card.id) for card in known}
