"""What requests ask for: their common parameters, and the article that they name."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import AwareDatetime

from news_related.graph.facts import Card, Withdrawn
from news_related.link_graph import LinkGraph
from news_shared.article_ids import ArticleId, parse_article_id
from news_shared.language_fields import LanguageRange
from news_shared.problems import GONE, INVALID, NOT_FOUND, ProblemError

NEVER_STORED = {"Cache-Control": "no-cache"}
"""Of a 404 or 410: it is over as soon as the article comes (back)."""

Article = Annotated[str | None, Query(max_length=4_200, description="Id or `source:guid`.")]
Url = Annotated[
    str | None,
    Query(
        max_length=4_096,
        description="Canonical URL of the article, instead of an id; of several articles with one URL the earliest.",
    ),
]
Languages = Annotated[
    list[LanguageRange] | None,
    Query(max_length=10, description="BCP 47, repeatable; `en` also finds `en-GB`.", examples=[["uk"]]),
]
Since = Annotated[AwareDatetime | None, Query(description="Only what was published after it.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Articles at the most.")]
Kinds = Annotated[
    list[Literal["pinned", "translation", "backlink", "same_story", "similar", "theme"]] | None,
    Query(max_length=10, description="Only articles shown for one of these reasons, repeatable."),
]


async def card_asked_for(graph: LinkGraph, article: str | None, url: str | None) -> Card:
    """The live article that a request names.

    Raises:
        ProblemError: 404 or 410.
        PoisonError: the name is none.
    """
    [state] = await graph.states([await key_asked_for(graph, article, url)])
    return live(state, article or url or "")


async def key_asked_for(graph: LinkGraph, article: str | None, url: str | None) -> ArticleId:
    """The id that a request names; errors as in `card_asked_for`."""
    if (article is None) == (url is None):
        detail = "name one article: article= (an id or source:guid) or url="
        raise ProblemError(INVALID, detail, errors=[{"field": "article", "error": detail}])
    if url is not None:
        key = (await graph.owners([url.strip()])).get(url.strip())
        if key is None:
            raise ProblemError(NOT_FOUND, f"No article has the URL {url[:200]}.", NEVER_STORED)
        return key
    return parse_article_id(article or "")


def live(state: Card | Withdrawn | None, named: str) -> Card:
    """The card of an article which a request named so, from what is known of it; errors as in `card_asked_for`."""
    if state is None:
        raise ProblemError(NOT_FOUND, f"There is no article {named[:200]}.", NEVER_STORED)
    if isinstance(state, Withdrawn):
        because = f": {state.reason}" if state.reason else "."
        raise ProblemError(
            GONE,
            f"Article {state.id} was withdrawn{because}",
            NEVER_STORED,
            article=state.id,
            reason=state.reason,
            time=state.time,
        )
    return state
