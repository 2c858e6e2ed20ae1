"""How near two articles are in meaning, and what that makes of the pair: pure rules and all their constants.

A pair's score depends on the two articles alone (vectors, dates, languages) and is the same from either side; so the
neighbours of an article depend on what is stored and never on the order in which it came.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

UNITS = 1_000_000
"""Scores are whole millionths: they are equal on every machine, and ties are really ties."""

SHOWN_NEIGHBOURS = 50
"""Best neighbours shown of each article."""

SPARE = 30
"""More that are kept behind them, as many of them as are known: they make up for what leaves. A list that runs below
`SHOWN_NEIGHBOURS` is searched anew: in a simulation of a full window one for every twelve articles that came."""

WINDOW_SIZE = 200_000
"""Articles of one model that are compared with each other: the newest."""

MOST_LOST = 0.25
"""Off for articles that lie very far apart. Between them it is `MOST_LOST` · t / (t + `HALF_LOST_MS`): a day costs
0.017, a week 0.083, a month 0.17. Tuned on wiki_current_events, whose stories go on for months (nDCG@10 there 0.48;
0.43 with 0.03 off for every week); 0.2 would be 0.01 better there. Kept at 0.25 because news in nine languages
gained 0.07 from a loss that is as steep in the first week."""

HALF_LOST_MS = 14 * 86_400_000
"""Apart, half of `MOST_LOST` is off."""

_FURTHEST = 2_000 * UNITS  # millennia apart: an int32 holds no more

_ROUGHLY = 1e-6  # of a product in float32 may be wrong: five roundings of 2⁻²⁴

ADDED_ACROSS_LANGUAGES = 0.03
"""On top where the languages differ: they have fewer words in common than a language has with itself. Tuned on ntrex,
whole texts and parts without a sentence in common; 0.05 is as good."""

MeaningKind = Literal["translation", "same_story", "similar"]
"""Kinds of edges from meaning, strongest first."""

# At least this score, in the same language and across languages. Tuned on the dev halves of ecbplus (same language)
# and ntrex (across), looked at on the test halves and on wiki_current_events; precision and recall in docs/quality.md.
CUT_OFFS: dict[MeaningKind, tuple[float | None, float]] = {
    "translation": (None, 0.55),
    "same_story": (0.52, 0.52),
    "similar": (0.40, 0.37),
}

ENOUGH_TEXT = 400
"""Characters of both texts (`body_text.characters_of`) with which the cut-off for `same_story` holds as it is."""

ADDED_A_CHARACTER = 0.001
"""More is asked for each character that the shorter text lacks to `ENOUGH_TEXT`: 0.62 with 300, 0.72 with 200, and of
headlines of 50 characters 0.87, nearly the same words. Both tuned on wiki_current_events, whose items are of one
sentence: two texts that say so little say much the same of other events, too (docs/quality.md)."""

_LEAST: Mapping[bool, Mapping[MeaningKind, int]] = {
    same: {
        kind: round(cut * UNITS)
        for kind, (within, across) in CUT_OFFS.items()
        if (cut := within if same else across) is not None
    }
    for same in (True, False)
}
"""The cut-offs in `UNITS`, by whether the languages are the same; strongest kinds first."""

TRANSLATED_WITHIN_MS = 3 * 86_400_000
"""A translation follows its original closely; what tells the same later is another report."""


def scores(
    dots: NDArray[np.float64], scales: NDArray[np.float64], apart_ms: NDArray[np.int64], same: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """The scores of pairs, in `UNITS`.

    Args:
        dots: products of the int8 vectors, whole numbers.
        scales: product of the two scales.
        apart_ms: between the two dates, not negative.
        same: whether the two are in one language (`language_of`).
    """
    near = dots * scales
    near -= apart_ms / (apart_ms + HALF_LOST_MS) * MOST_LOST  # no logarithm, which machines round each in its way
    near += np.where(same, 0.0, ADDED_ACROSS_LANGUAGES)
    near *= UNITS
    np.clip(near, -_FURTHEST, _FURTHEST, out=near)
    return np.rint(near, out=near).astype(np.int32)


def least_product(least: NDArray[np.int32]) -> NDArray[np.float32]:
    """What the product of two vectors must be for a pair to reach some scores: a little less than that, so that it can
    be told from products in float32 which pairs are worth to be scored; far apart, they may score less.
    """
    product = (least - 1.0) / UNITS - ADDED_ACROSS_LANGUAGES
    product -= np.abs(product) * _ROUGHLY
    product[least <= -_FURTHEST] = -np.inf
    return product.astype(np.float32)


def kind_of(score: int, apart_ms: int, *, same: bool) -> MeaningKind | None:
    """What a pair is to each other by its score; None: not near enough to be shown."""
    for kind, least in _LEAST[same].items():
        if score >= least and (kind != "translation" or apart_ms <= TRANSLATED_WITHIN_MS):
            return kind
    return None


def told_as(kind: MeaningKind | None, score: int, characters: int, *, same: bool) -> MeaningKind | None:
    """What readers are told of a pair: `same_story` only where there is text enough to be sure, else `similar`.

    Args:
        kind: as `kind_of` has it.
        characters: of the shorter of the two texts.
    """
    if kind != "same_story":
        return kind
    least = _LEAST[same][kind] + max(0, ENOUGH_TEXT - characters) * round(ADDED_A_CHARACTER * UNITS)
    return kind if score >= least else "similar"
