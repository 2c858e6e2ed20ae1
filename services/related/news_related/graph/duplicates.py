"""The same wire text in several articles: which pairs are copies of each other, and how lists fold them.

Two articles are copies when their texts share a band and an estimated `LEAST_SHARED` of their wording, and no more
than `WITHIN` lies between them. That depends on the two alone, so no order of arrival changes it.
"""

from collections.abc import Iterable, Mapping, Set
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


def copies_of_each(cards: Iterable[Card]) -> dict[ArticleId, set[ArticleId]]:
    """For each of some articles that has copies among them, these."""
    known = list(cards)
    copies: dict[ArticleId, set[ArticleId]] = {}
    for first, second in sharing_a_band([card.signature for card in known]):
        one, other = known[first], known[second]
        if _share(one, other) is not None:
            copies.setdefault(one.id, set()).add(other.id)
            copies.setdefault(other.id, set()).add(one.id)
    return copies


def folded(cards: Iterable[Card], copies: Mapping[ArticleId, Set[ArticleId]]) -> dict[ArticleId, ArticleId]:
    """For each article, earliest first, the one that stands for it: the earliest of its copies and theirs, or itself.

    Args:
        copies: of each, as `copies_of_each` has them; those that are not among the articles do not count.
    """
    known = sorted(cards, key=lambda card: (card.listed_ms, card.id))
    left = {card.id for card in known}
    stands: dict[ArticleId, ArticleId] = {}
    for card in known:
        found = [card.id]
        for key in found:  # grows
            if key in left:
                left.remove(key)
                stands[key] = card.id
                found += copies.get(key, ())
    return {card.id: stands[card.id] for card in known}


def _share(one: Card, other: Card) -> float | None:
    """The same of two that share a band."""
    if one.id == other.id or abs(one.listed_ms - other.listed_ms) > WITHIN_MS:
        return None
    share = shared(one.signature, other.signature)
    return share if share >= LEAST_SHARED else None
