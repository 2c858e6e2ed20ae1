"""How near two articles are in meaning, and what that makes of the pair: pure rules and all their constants.

A pair's score depends on the two articles alone (vectors, dates, languages) and is the same from either side; so the
neighbours of an article depend on what is stored and never on the order in which it came.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

UNITS = 1_000_000
"""Scores are whole millionths: they are equal on every machine, and ties are really ties."""

NEIGHBOURS = 60
"""Best neighbours kept of each article."""

WINDOW = 200_000
"""Articles of one model that are compared with each other: the newest."""

LOST_PER_WEEK = 0.03
"""Off for each week between the two; measured on news in nine languages (nDCG@10 0.70 without it, 0.77 with it)."""

ADDED_ACROSS_LANGUAGES = 0.0
"""On top where the languages differ: an embedding puts them further apart than they are. Not tuned yet."""

_WEEK_MS = 7 * 86_400_000
_FURTHEST = 2_000 * UNITS  # millennia apart: an int32 holds no more

MeaningKind = Literal["translation", "same_story", "similar"]
"""Kinds of edges from meaning, strongest first."""

# At least this score, in the same language and across languages. A link at 0.92 was right 84 times in 100 on news in
# nine languages, at 0.88 65 times; the rest is not tuned yet.
CUT_OFFS: dict[MeaningKind, tuple[float | None, float]] = {
    "translation": (None, 0.94),
    "same_story": (0.92, 0.91),
    "similar": (0.86, 0.85),
}

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
    near -= apart_ms * (LOST_PER_WEEK / _WEEK_MS)
    if ADDED_ACROSS_LANGUAGES:
        near += np.where(same, 0.0, ADDED_ACROSS_LANGUAGES)
    near *= UNITS
    np.clip(near, -_FURTHEST, _FURTHEST, out=near)
    return np.rint(near, out=near).astype(np.int32)


def language_of(tag: str) -> str:
    """The part of a language tag that counts here: ``en-GB`` and ``en-US`` are one language."""
    return tag.replace("_", "-").partition("-")[0].lower()


def kind_of(score: int, apart_ms: int, *, same: bool) -> MeaningKind | None:
    """What a pair is to each other; None: not near enough to be shown."""
    for kind, (within, across) in CUT_OFFS.items():
        least = within if same else across
        if least is None or score < round(least * UNITS):
            continue
        if kind != "translation" or apart_ms <= TRANSLATED_WITHIN_MS:
            return kind
    return None
