"""The shapes of the answers: JSON with validators, and what the OpenAPI document says of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import orjson
from fastapi import Request
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from news_related.link_graph import LinkGraph
from news_related.lists.reasons import Words, words_for
from news_related.queries.kept_answers import KeptAnswers, Question
from news_shared.clock import rfc3339
from news_shared.http import etagged

_CARD = {
    "article": "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11",
    "title": "Нічні пороми повертаються до Порт-Морроу",
    "url": "https://herald.example/uk/nichni-poromy",
    "language": "uk",
    "date": "2026-01-15T12:00:00Z",
    "image": None,
}


class CardShape(BaseModel):
    """An article as lists show it."""

    article: str = Field(description="Its id.")
    title: str = Field(description="The headline.")
    url: str | None = Field(description="Where its source has it.")
    language: str = Field(description="BCP 47; `und` where unknown.")
    date: AwareDatetime = Field(description="When it was published.")
    image: str | None = Field(description="URL of the main picture.")


class ReasonShape(BaseModel):
    """Why an article is shown: as data, and in English or Ukrainian by `Accept-Language`."""

    kind: Literal["pinned", "translation", "cites", "backlink", "same_story", "similar", "theme", "duplicate"] = Field(
        description="For programs."
    )
    text: str = Field(description="For readers, in one sentence.")
    paragraph: int | None = Field(None, description="Of the link, from 0; `cites` and `backlink`.")
    themes: list[str] | None = Field(None, description="Names shared; `theme`.")
    via: str | None = Field(None, description="Title of the article that both link to, or of the translation linked.")
    via_article: str | None = Field(
        None, description="Id of the article that `via` names; once it is withdrawn, a kept copy of this must go."
    )
    shared: float | None = Field(None, description="Of the wording that both have, from 0 to 1; `duplicate`.")
    similarity: float | None = Field(
        None, description="How near the two are in meaning and time, 1 at the most; where that is the reason."
    )


class RelatedCard(CardShape):
    """A card of the ranked list."""

    reason: ReasonShape
    score: float = Field(description="From 0 to 1, comparable within one list only.")
    duplicates: list[CardShape] = Field(description="Later articles with its text that it stands for.")


class RelatedAnswer(BaseModel):
    """Related articles, best first."""

    article: str = Field(description="Whose list this is.")
    items: list[RelatedCard] = Field(description="At most `limit`.")
    blocked: list[str] = Field(
        description="Ids that editors keep off this article's page, sorted: for its other lists. Copies of their texts "
        "are not in `items` either."
    )
    as_of: AwareDatetime = Field(
        description="Up to when every part of this answer is right. 1970: all articles are being linked anew, the "
        "newest first, as after Redis was emptied; what is near in meaning may be missing."
    )


class LinkShape(BaseModel):
    """A hyperlink of the body."""

    paragraph: int = Field(description="Index of the top-level block of the body, from 0.")
    url: str = Field(description="Canonical.")
    text: str = Field(description="What readers see of it.")
    card: CardShape | None = Field(description="Null while no live article has this URL.")
    reason: ReasonShape


class BacklinkShape(CardShape):
    """An article that links here."""

    reason: ReasonShape


class LinksAnswer(BaseModel):
    """Cards for the body's links, in its order, and what links here, newest first."""

    article: str = Field(description="Whose links these are.")
    links: list[LinkShape] = Field(description="Of its body.")
    backlinks: list[BacklinkShape] = Field(description="Of others to it, at most 100.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


class DuplicateShape(CardShape):
    """An article with the same text."""

    reason: ReasonShape


class DuplicatesAnswer(BaseModel):
    """Articles with the text of one, earliest first."""

    article: str = Field(description="Whose copies these are.")
    items: list[DuplicateShape] = Field(description="Without the article itself.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


class FoldedShape(BaseModel):
    """An article among others, and those of them that have its text."""

    article: str = Field(description="Its id.")
    duplicate_of: str | None = Field(description="The earliest of its copies and their copies; null if it is itself.")
    duplicates: list[str] = Field(description="Those that name it in `duplicate_of`, earliest first.")
    status: int | None = Field(None, description="404: never heard of it. 410: withdrawn. Absent for the others.")


class DuplicatesAmongAnswer(BaseModel):
    """The articles in the order asked."""

    items: list[FoldedShape] = Field(description="One for each that was asked for.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


class StoryAnswer(BaseModel):
    """A story's thread in order of time."""

    id: str = Field(description="Id of its first article, whichever was asked.")
    items: list[CardShape] = Field(description="The earliest first.")
    truncated: bool = Field(description="The story has, or may have, more than is shown.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


class ThemeShape(BaseModel):
    """A theme."""

    slug: str = Field(description="Its name in addresses.")
    name: str = Field(description="As its newest article spells it.")
    articles: int = Field(description="How many have it.")
    languages: dict[str, int] = Field(description="Articles by language; a language includes its regional forms.")


class ThemesAnswer(BaseModel):
    """Themes, those with most articles first."""

    items: list[ThemeShape] = Field(description="A page of them.")
    next: str | None = Field(None, description="Ask for it as `cursor` to go on; absent at the end.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


class ThemeAnswer(BaseModel):
    """A theme's newest articles."""

    theme: ThemeShape
    items: list[CardShape] = Field(description="A page of them.")
    next: str | None = Field(None, description="Ask for it as `cursor` to go on; absent at the end.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


def responses(model: type[BaseModel], example: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of a query."""
    shown = {**example, "as_of": "2026-01-15T12:00:03Z"}
    return {
        200: {"model": model, "content": {"application/json": {"example": shown}}},
        304: {"description": "Nothing changed since the ETag in `If-None-Match`."},
        400: {"description": "Neither an id nor `source:guid`, or `cursor` is none that a page gave."},
        404: {"description": "Never heard of it."},
        410: {"description": "Withdrawn."},
        503: {"description": "Being restored, or Redis is away: try again after `Retry-After`."},
    }


_OTHER = "5d0d1c3c-7a2b-5d52-8a9e-1d6f0a4a1c02"
_THIRD = "7c1d8b0e-93a4-5a0f-b1c5-2e6a9d3f4b77"
_NEAR = {"kind": "same_story", "text": "later report of the same story", "similarity": 0.9412}
RELATED_RESPONSES = responses(
    RelatedAnswer,
    {
        "article": _OTHER,
        "items": [
            {
                **_CARD,
                "reason": {"kind": "translation", "text": "translation of this article"},
                "score": 0.95,
                "duplicates": [],
            },
            {
                **_CARD,
                "article": _THIRD,
                "title": "Ferries run at night again",
                "language": "en",
                "reason": _NEAR,
                "score": 0.71,
                "duplicates": [],
            },
        ],
        "blocked": [],
    },
)
DUPLICATES_RESPONSES = responses(
    DuplicatesAnswer,
    {
        "article": _OTHER,
        "items": [{**_CARD, "reason": {"kind": "duplicate", "text": "almost the same text", "shared": 0.86}}],
    },
)
_AMONG = responses(
    DuplicatesAmongAnswer,
    {
        "items": [
            {"article": _THIRD, "duplicate_of": _OTHER, "duplicates": []},
            {"article": _OTHER, "duplicate_of": None, "duplicates": [_THIRD]},
            {"article": _CARD["article"], "duplicate_of": None, "duplicates": [], "status": 410},
        ]
    },
)
DUPLICATES_AMONG_RESPONSES: dict[int | str, dict[str, Any]] = {
    **{status: _AMONG[status] for status in (200, 304, 503)},
    400: {"description": "A name is neither an id nor `source:guid`."},
    422: {"description": "No article is named, or more than 100."},
}
LINKS_RESPONSES = responses(
    LinksAnswer,
    {
        "article": _OTHER,
        "links": [
            {
                "paragraph": 2,
                "url": _CARD["url"],
                "text": "as we reported",
                "card": _CARD,
                "reason": {"kind": "cites", "text": "linked from the third paragraph", "paragraph": 2},
            }
        ],
        "backlinks": [],
    },
)
STORY_RESPONSES = responses(StoryAnswer, {"id": _CARD["article"], "items": [_CARD], "truncated": False})
_THEME = {"slug": "port-morrow", "name": "Port Morrow", "articles": 12, "languages": {"en": 7, "uk": 5}}
THEMES_RESPONSES = responses(ThemesAnswer, {"items": [_THEME]})
THEME_RESPONSES = responses(ThemeAnswer, {"theme": _THEME, "items": [_CARD]})
_DRAWN: dict[str, Any] = {"schema": {"type": "string"}}
GRAPH_RESPONSES: dict[int | str, dict[str, Any]] = {
    **THEMES_RESPONSES,
    200: {
        "description": "Nodes and edges in the format that was asked for.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/vnd.graphviz": _DRAWN,
            "application/graphml+xml": _DRAWN,
            "image/svg+xml": _DRAWN,
        },
    },
}


async def answered(request: Request, make: Callable[[LinkGraph], Awaitable[Mapping[str, Any]]]) -> Response:
    """JSON with ``as_of``, and an ETag over the rest: time passing alone is no change. Kept while the graph stands
    still; all that decides it beside the graph is in the request's address and its language.
    """

    async def as_json(graph: LinkGraph) -> bytes:
        return orjson.dumps(await make(graph))

    content, as_of = await kept_or_made(request, as_json)
    moment = rfc3339(as_of)
    response = etagged(request, content, "application/json")
    response.headers["As-Of"] = moment
    response.headers["Vary"] = "Accept-Language"
    if response.status_code == 304:
        return response
    headers = {name: response.headers[name] for name in ("ETag", "Cache-Control", "As-Of", "Vary")}
    return Response(content[:-1] + f',"as_of":"{moment}"}}'.encode(), headers=headers, media_type="application/json")


async def kept_or_made(request: Request, make: Callable[[LinkGraph], Awaitable[bytes]]) -> tuple[bytes, datetime]:
    """Any answer that depends on the graph, the request's address and its language alone; see `KeptAnswers.find`."""
    kept: KeptAnswers = request.state.kept
    question = Question(request.scope["path"], request.scope["query_string"], words_of(request, ()))
    return await kept.find(question, make)


def words_of(request: Request, languages: Sequence[str]) -> Words:
    """The language of reasons."""
    return words_for(languages, request.headers.get("accept-language"))
