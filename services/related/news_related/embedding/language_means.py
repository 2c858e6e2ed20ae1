"""Where each language lies in the space of the embedding model, to be taken off a vector.

A multilingual model puts all texts of a language a little to one side, so that strangers in one language look nearer
than the same news in two. What remains without the language's own mean is what the text is about. The means are in
``language_means.npz``, which ``tests/quality/make_language_means.py`` makes.
"""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]


class _Means(NamedTuple):
    of: dict[str, Float32]
    overall: Float32


def centred(meaning: Float32, language: str) -> Float32:
    """A meaning without its language, of length 1.

    Args:
        meaning: as the model gives it, of length 1.
        language: primary subtag; of one that is not known the mean of all is taken off.
    """
    means = _means()
    rest = meaning - means.of.get(language, means.overall)
    return np.asarray(rest / (np.linalg.norm(rest) or 1.0), np.float32)


@cache
def _means() -> _Means:
    with files("news_related.embedding").joinpath("language_means.npz").open("rb") as file, np.load(file) as stored:
        languages = [str(language) for language in stored["languages"]]
        rows = stored["means"].astype(np.float32)
        return _Means(dict(zip(languages, rows, strict=True)), stored["overall"].astype(np.float32))
