"""How strong the reasons are to show an article beside another: pure rules.

Every reason to show an article is a signal with a strength in [0, 1]:

| signal | strength |
|---|---|
| pinned by an editor | 1, and before everything else, in the order of pinning |
| translation | 0.95 |
| links to this article | 0.8, halved for every 180 days between the two |
| links to a translation of this article | 0.7, likewise |
| the same report in another language, by meaning | 0.9 |
| another report of the same story, by meaning | 0.6 at the cut-off with half of it as support, to 0.85 for 1 and 1 |
| something similar, by meaning | from 0.3 to 0.55 likewise |
| both link to the same article | 0.5, halved for every 30 days |
| both of a theme with n articles | 0.45 / log2(2 + n), halved for every 7 days: a rare theme says more |

Scores of meaning have closeness in time in them (`similarity`); beside the score counts its support: what those say
that are nearest to the other article. A pair that is near enough to be one story, but has too little text to be called
so, stands where it would stand and is called similar. Signals of one article add up like independent chances,
1 - (1 - a)(1 - b)…; the strongest one is its reason, where being similar counts 0.55 at the most.
"""

from collections.abc import Mapping, Sequence
from math import exp2, log2, prod
from typing import Literal, NamedTuple

from news_related.edges.nearness import Near
from news_related.graph.facts import Card
from news_related.lists.reasons import Reason
from news_related.neighbours.similarity import CUT_OFFS, UNITS, MeaningKind

PINNED = 1.0
TRANSLATION = 0.95
_BACKLINK, _BACKLINK_HALVES = 0.8, 180.0
_BACKLINK_OF_TRANSLATION = 0.7
_TRANSLATED = 0.9
_MEANING: Mapping[MeaningKind, tuple[float, float]] = {"same_story": (0.6, 0.85), "similar": (0.3, 0.55)}
_HARDLY = {kind: 1.5 * min(cut for cut in CUT_OFFS[kind] if cut is not None) for kind in _MEANING}
_SAME_STORY, _SAME_STORY_HALVES = 0.5, 30.0
_THEME, _THEME_HALVES = 0.45, 7.0
_DAY_MS = 86_400_000


class Signal(NamedTuple):
    """One reason to show an article, and how strong it is."""

    strength: float
    reason: Reason


def closeness(one: Card, other: Card, *, halves: float) -> float:
    """1 for articles of the same moment, halved for every so many days between them."""
    return exp2(-abs(one.listed_ms - other.listed_ms) / _DAY_MS / halves)


def backlink(article: Card, other: Card, paragraph: int, *, via: Card | None = None) -> Signal:
    """The other links to this article, or to its translation ``via``."""
    near = closeness(article, other, halves=_BACKLINK_HALVES)
    if via is None:
        return Signal(_BACKLINK * near, Reason("backlink", paragraph=paragraph))
    reason = Reason("backlink", paragraph=paragraph, via=via.title, via_article=via.id)
    return Signal(_BACKLINK_OF_TRANSLATION * near, reason)


def same_story(article: Card, other: Card, via: Card) -> Signal:
    """Both link to the same article."""
    strength = _SAME_STORY * closeness(article, other, halves=_SAME_STORY_HALVES)
    return Signal(strength, Reason("same_story", via=via.title, via_article=via.id))


def by_meaning(article: Card, near: Near) -> Signal | None:
    """The other is near in meaning; None when it is not near enough."""
    if near.by_score is None or near.kind is None:
        return None
    similarity = near.score / UNITS
    if near.by_score == "translation":
        return Signal(_TRANSLATED, Reason("translation", similarity=similarity))
    weak, strong = _MEANING[near.by_score]
    hardly = _HARDLY[near.by_score]
    combined = (near.score + near.support) / UNITS
    strength = weak + (strong - weak) * min(1.0, max(0.0, (combined - hardly) / (2 - hardly)))
    if near.kind != "same_story":
        return Signal(strength, Reason(near.kind, similarity=similarity))
    when: Literal["earlier", "later"] = "earlier" if near.card.position < article.position else "later"
    return Signal(strength, Reason(near.kind, similarity=similarity, when=when))


def rarity(article: Card, sizes: Mapping[str, int]) -> dict[str, tuple[int, int, str]]:
    """The themes of an article by slug, as they are ordered where they are named, the rarest first.

    Args:
        sizes: how many articles each of them has.
    """
    return {slug: (sizes.get(slug, 0), place, name) for place, (slug, name) in enumerate(article.themes)}


def themes(article: Card, other: Card, rare: Mapping[str, tuple[int, int, str]]) -> Signal | None:
    """The themes that both have, as one signal; the rarest is named first.

    Args:
        rare: see `rarity`, of this article.
    """
    shared = sorted([rare[slug] for slug, _ in other.themes if slug in rare])
    if not shared:
        return None
    near = closeness(article, other, halves=_THEME_HALVES)
    strength = together([_THEME / log2(2 + max(size, 1)) * near for size, _, _ in shared])
    return Signal(strength, Reason("theme", themes=tuple([name for _, _, name in shared])))


def together(strengths: Sequence[float]) -> float:
    """The strength of several signals of one article, as of independent chances."""
    return 1 - prod([1 - strength for strength in strengths]) if len(strengths) > 1 else strengths[0]


def reason_weight(signal: Signal) -> float:
    """How much a reason tells a reader; that of a pair called similar no more than if it were only that."""
    return min(signal.strength, _MEANING["similar"][1]) if signal.reason.kind == "similar" else signal.strength
