"""The same wire text in several articles: which pairs are copies of each other, and how lists fold them.

Two articles are copies when their texts share a band and an estimated `LEAST_SHARED` of their wording, and no more
than `WITHIN` lies between them. That depends on the two alone, so no order of arrival changes it.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from news_related.graph.facts import Card
from news_related.graph.minhash import shared, sharing_a_band
from news_shared.article_ids import ArticleId

LEAST_SHARED = 0.6
"""Of all runs of three words in either text. A wire text that lost its last fifth, with a word in 60 changed, shares
0.74 and is found 92 times in 100; one that lost 30 % shares 0.65 and is found 70 times (ecbplus and ntrex)."""

WITHIN = timedelta(days=7)
"""Wire texts are printed within days; what has the same words a month later is a regular, such as a weather report."""

WITHIN_MS = WITHIN // timedelta(milliseconds=1)


def share_of_copy(one: Card, other: Card) -> float | None:
    """How much wording two articles share; None when they are no copies of each other."""
    return _share(one, other) if sharing_a_band([one.signature, other.signature]) else None


def pairs_of_copies(cards: Sequence[Card]) -> list[tuple[int, int]]:
    """The places of all pairs among some articles that are copies of each other, the lower place first."""
    pairs = sharing_a_band([card.signature for card in cards])
    return [(one, other) for one, other in pairs if _share(cards[one], cards[other]) is not None]


def copies_among(cards: Iterable[Card], of: Sequence[Card]) -> set[ArticleId]:
    """Those of some articles that are copies of one of others."""
    if not of:
        return set()
    together = [*of, *cards]
    return {together[other].id for one, other in pairs_of_copies(together) if one < len(of) <= other}


def folded(cards: Iterable[Card]) -> dict[ArticleId, ArticleId]:
    """For each article the one that stands for it: the earliest of its copies and their copies, or itself."""
    known = sorted(cards, key=lambda card: (card.listed_ms, card.id))
    stands = list(range(len(known)))

    def root(place: int) -> int:
        while stands[place] != place:
            place = stands[place]
        return place

    for one, other in pairs_of_copies(known):
        earlier, later = sorted((root(one), root(other)))
        stands[later] = earlier
    return {card.id: known[root(place)].id for place, card in enumerate(known)}


def _share(one: Card, other: Card) -> float | None:
    """The same of two that share a band."""
    if one.id == other.id or abs(one.listed_ms - other.listed_ms) > WITHIN_MS:
        return None
    share = shared(one.signature, other.signature)
    return share if share >= LEAST_SHARED else None
