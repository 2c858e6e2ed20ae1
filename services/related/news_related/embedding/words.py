"""The words of a text as a vector of fixed length, in one space for all languages.

A word stands there as the beginning of its Latin spelling: that takes off most endings, and names and words of many
languages meet in it (``Zelenskyy``, ``Зеленський``, ``Zełenski``: ``zelen``). The rarer a word is in its language, the
more it counts; names count more than other words. The words are hashed to places with signs ("feature hashing"), so
the product of two vectors is about the cosine of the weights, and unrelated texts come to about 0 ± 1/√`DIMENSIONS`.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from math import log, log10

import numpy as np
import numpy.typing as npt
import regex
import wordfreq
from anyascii import anyascii

DIMENSIONS = 640
"""With the 384 of the meaning 1,024: as many as the window multiplies exactly in one go. With 512 words
alone lost 0.01 of nDCG@10 on wiki_current_events."""

BEGINNING = 5
"""Letters of a word that count. Tuned on all three sets: 4 and 6 are even or up to 0.02 worse, lemmas no better within
one language."""

COMMON, RARE = 7.0, 3.0
"""Zipf frequencies (log10 of occurrences in a thousand million words) that weigh 0 and 1, linear between. Tuned on
the dev halves; 6 to 8 are alike, no frequencies at all cost 0.05 of nDCG@10."""

NOT_A_NAME = 0.7
"""Of the weight for what is written small, and for numbers. Tuned on wiki_current_events: 1 and 0.5 are 0.01 worse,
names alone 0.05; even on the others."""

_NUMBER = 0.75
_PAIR = 0.5  # two characters of a script that has no spaces: their frequency is not known
_PART = r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*"  # in many scripts vowels are marks of letters
_WORD = regex.compile(rf"{_PART}(?:['’ʼ-]{_PART})*")
_POSSESSIVE = re.compile(r"['’ʼ]s$")
_NO_SPACES = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_SENTENCE_ENDS = frozenset('.!?:«»"“„')
_ALL_NOUNS_LARGE = frozenset({"de", "lb"})
# Romanisations of one sound by different languages and by anyascii.
_SPELLINGS = (
    *(("shch", "s"), ("sch", "s"), ("sh", "s"), ("ch", "k"), ("kh", "h"), ("zh", "z"), ("ph", "f"), ("th", "t")),
    *(("ck", "k"), ("ks", "x"), ("cz", "k"), ("sz", "s"), ("rz", "z"), ("y", "i"), ("j", "i"), ("w", "v"), ("c", "k")),
    *(("q", "k"), ("ou", "u"), ("ie", "i")),
)

Float32 = npt.NDArray[np.float32]


def weights(text: str, language: str) -> dict[str, float]:
    """The words of a text (the beginnings of their spellings) and how much each counts, not negative.

    Args:
        language: primary subtag; without known frequencies every word counts as rare.
    """
    times: dict[str, int] = {}
    weight: dict[str, float] = {}
    for found in _WORD.finditer(text):
        for word, counts in _of(found, text, language):
            times[word] = times.get(word, 0) + 1
            weight[word] = max(weight.get(word, 0.0), counts)
    return {word: counts * (1 + log(times[word])) for word, counts in weight.items() if counts > 0}


def vector(words: Mapping[str, float]) -> Float32:
    """Words at their hashed places, of length 1; zeros when there are none."""
    hashed = np.zeros(DIMENSIONS, np.float32)
    for word, weight in words.items():
        place, sign = _place(word)
        hashed[place] += sign * weight
    length = float(np.linalg.norm(hashed))
    return hashed / np.float32(length) if length else hashed


def spelling(word: str) -> str:
    """The word in Latin letters, with one letter for one sound where languages differ, none doubled."""
    latin = re.sub(r"[^a-z0-9]", "", anyascii(word).lower())
    for written, sound in _SPELLINGS:
        latin = latin.replace(written, sound)
    return re.sub(r"(.)\1+", r"\1", latin)


def _of(found: regex.Match[str], text: str, language: str) -> list[tuple[str, float]]:
    word = _POSSESSIVE.sub("", found.group())
    if _NO_SPACES.search(word):
        return [(word[at : at + 2], _PAIR) for at in range(max(1, len(word) - 1))]
    if word.isdigit():
        return [(f"#{word}", _NUMBER * NOT_A_NAME)] if len(word) > 1 else []
    lower = word.lower().replace("’", "'").replace("ʼ", "'")
    begins = spelling(lower)[:BEGINNING]
    if len(begins) < 2:
        return []
    rarity = max(0.0, COMMON - _zipf(lower, language)) / (COMMON - RARE)
    is_name = word[0].isupper() and language not in _ALL_NOUNS_LARGE and not _begins_a_sentence(found, text)
    return [(begins, rarity if is_name else rarity * NOT_A_NAME)]


def _begins_a_sentence(found: regex.Match[str], text: str) -> bool:
    before = text[max(0, found.start() - 2) : found.start()].strip()
    return found.start() == 0 or before[-1:] in _SENTENCE_ENDS


@lru_cache(100_000)
def _zipf(word: str, language: str) -> float:
    frequency = _frequencies(language).get(word, 0.0)
    return max(RARE, log10(frequency * 1e9)) if frequency else RARE


@lru_cache(20)
def _frequencies(language: str) -> Mapping[str, float]:
    try:
        return wordfreq.get_frequency_dict(language, "small")
    except (LookupError, ValueError):  # no list of this language, or no language
        return {}


@lru_cache(100_000)
def _place(word: str) -> tuple[int, float]:
    bits = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
    return (bits >> 1) % DIMENSIONS, 1.0 if bits & 1 else -1.0
