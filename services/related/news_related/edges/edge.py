"""An edge of the graph."""

from dataclasses import dataclass
from typing import Literal

from news_shared.article_ids import ArticleId

EdgeKind = Literal["cites", "translation", "duplicate", "same_story", "similar", "pinned", "theme"]


@dataclass(frozen=True)
class Edge:
    """One edge of the graph.

    Attributes:
        target: an article's id, `theme:` and a theme's slug, or None for a link whose article is not here.
        url: where the link leads, for `cites`.
        shared: how much of their wording the two have in common, for `duplicate`.
        score: for edges from meaning, in `similarity.UNITS`.
    """

    kind: EdgeKind
    source: ArticleId
    target: str | None
    url: str | None = None
    paragraph: int | None = None
    shared: float | None = None
    score: int | None = None
