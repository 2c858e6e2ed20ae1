"""What an article means, as numbers, and how a list of those that are near to it is packed."""

from typing import NamedTuple

import numpy as np

from news_related.graph.positions import ID_BYTES, Position, id_from
from news_related.neighbours.similarity import SHOWN_NEIGHBOURS
from news_shared.article_ids import ArticleId

PACKED = np.dtype([("high", ">u8"), ("low", ">u8"), ("score", ">i4")])
"""A neighbour in a packed list: the 16 bytes of its id, and the score."""


class Meaning(NamedTuple):
    """What of an article decides how near it is to others; a tuple, because a window has 200,000.

    Attributes:
        language: as `languages.primary_language` has it.
        model: hash of its name; only vectors of equal models (and lengths) compare.
        scale: component i is ``vector[i] * scale``.
    """

    position: Position
    language: str
    model: str
    scale: float
    vector: bytes

    @property
    def id(self) -> ArticleId:
        """Whose it is."""
        return self.position.id

    @property
    def space(self) -> str:
        """What it can be compared in."""
        return f"{self.model}/{len(self.vector)}"


def decode_neighbours(packed: bytes, *, most: int = SHOWN_NEIGHBOURS) -> list[tuple[ArticleId, int]]:
    """Ids and scores of a packed list, best first; no more than are shown, unless told otherwise."""
    return [
        (
            id_from(packed[start : start + ID_BYTES]),
            int.from_bytes(packed[start + ID_BYTES : start + PACKED.itemsize], signed=True),
        )
        for start in range(0, min(len(packed), most * PACKED.itemsize), PACKED.itemsize)
    ]
