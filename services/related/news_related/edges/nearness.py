"""What the neighbours of an article are to it, by their scores: pure rules."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from news_related.graph.facts import Card
from news_related.neighbours import similarity
from news_related.neighbours.similarity import MeaningKind, kind_of, told_as
from news_shared.article_ids import ArticleId
from news_shared.languages import primary_language

TELLING: tuple[MeaningKind, ...] = ("translation", "same_story")
"""Kinds that may be of one thread."""


class Near(NamedTuple):
    """A live article near another.

    Attributes:
        score: in `similarity.UNITS`.
        by_score: what it is by the score alone; None for one that is among the nearest and yet not near.
        kind: what readers are told that it is.
        support: how much its own nearest speak for it, see `support`; as much as its score where they were not asked.
    """

    card: Card
    score: int
    by_score: MeaningKind | None
    kind: MeaningKind | None
    support: int

    @property
    def tells_the_story(self) -> bool:
        """Whether it may be of one thread with the other; what readers are told of the two alone asks for more."""
        return self.by_score in TELLING


def nearness(card: Card, other: Card, score: int, support: int | None = None) -> Near:
    """What another article is to an article, by their score."""
    one, two = card.language, other.language
    same = one == two or primary_language(one) == primary_language(two)
    by_score = kind_of(score, abs(card.listed_ms - other.listed_ms), same=same)
    characters = min(card.characters, other.characters)
    told = told_as(by_score, score, characters, same=same)
    return Near(other, score, by_score, told, score if support is None else support)


def nears_of(
    card: Card,
    neighbours: Iterable[tuple[ArticleId, int] | tuple[ArticleId, int, int]],
    known: Mapping[ArticleId, Card],
) -> list[Near]:
    """What an article's neighbours, with their scores and their support, are to it; those whose cards are not known are
    left out."""
    return [nearness(card, known[key], *told) for key, *told in neighbours if key in known]


def least(kinds: Collection[MeaningKind]) -> int | None:
    """The lowest score that is enough for one of these kinds, whatever the languages; None for no kind."""
    cuts = [cut for kind in kinds for cut in similarity.CUT_OFFS[kind] if cut is not None]
    return round(similarity.UNITS * min(cuts)) if cuts else None


LEAST_SHOWN = least(similarity.CUT_OFFS) or 0
"""The score below which a pair is nothing to each other, whatever the languages."""
