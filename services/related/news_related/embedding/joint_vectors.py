"""One vector of what a text means and of its words, so that one product compares both."""

from math import sqrt

import numpy as np
import numpy.typing as npt

from news_related.embedding.language_means import centred
from news_related.embedding.words import vector, weights

WORDS = 0.3
"""The part that words have in a product of two vectors; meaning has the rest. Tuned on the gold sets: news in one
language wants 0.4 to 0.5, translations 0.3 or less (docs/quality.md)."""

Float32 = npt.NDArray[np.float32]


def joined(meaning: Float32, text: str, language: str) -> Float32:
    """Meaning and words side by side, of length 1. A text without words is its meaning alone.

    Args:
        meaning: of the text's beginning, as the model gives it.
        text: all whose words count.
        language: primary subtag.
    """
    about = centred(meaning, language)
    words = vector(weights(text, language))
    share = WORDS if words.any() else 0.0
    return np.concatenate([sqrt(1 - share) * about, sqrt(share) * words]).astype(np.float32)
