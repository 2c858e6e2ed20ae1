"""The door for editors: pin an article to another's page, or keep it off."""

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from news_related.graph.curation import MAX_CHOICES, Choice, Kind, Note, curation_key
from news_related.link_graph import LinkGraph
from news_shared.api_keys import Caller
from news_shared.article_ids import ArticleId, parse_article_id, partition_of
from news_shared.clock import system_clock
from news_shared.errors import PoisonError, TransientError
from news_shared.problems import INVALID, ProblemError
from news_shared.topics import CURATION

router = APIRouter(tags=["curation"])

Authorization = Annotated[str | None, Header(description="`Bearer` and a key with the scope `curate`.")]


class ChoiceAsked(BaseModel):
    """What an editor wants for one pair."""

    model_config = ConfigDict(extra="forbid")  # a misspelt field must not pass for a choice

    kind: Kind = Field(description="pin: shown first. block: never shown, nor is a copy of its text.")
    note: Note = Field(None, description="Why, in one line; shown as the reason of a pin.")


class ChoicesAnswer(BaseModel):
    """The pins and blocks of an article's page."""

    items: list[Choice] = Field(description="The oldest choice first.")


_REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"description": "Neither an id nor `source:guid`."},
    401: {"description": "No valid key."},
    403: {"description": "The key lacks the scope `curate`."},
}
_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {"model": ChoicesAnswer, "description": "All of them."},
    **_REFUSED,
    503: {"description": "Being restored, or Redis is away: try again after `Retry-After`."},
}
_WRITTEN: dict[int | str, dict[str, Any]] = {
    202: {"description": "Kafka has it; the page follows within a second, or when this service answers it in time."},
    **_REFUSED,
    503: {"description": "Kafka is away; the outcome is unknown, and repeating is safe."},
}

_BETWEEN = "/curation/"


@router.get("/v1/articles/{article:path}/curation", responses=_SHOWN, summary="What editors chose for its page")
async def choices(request: Request, article: str, authorization: Authorization = None) -> Response:
    """Pins and blocks of an article's page: who chose them, and when."""
    request.state.keys.authorise(authorization, "curate")
    [found] = await LinkGraph(request.state.slots).choices([parse_article_id(article)])
    return JSONResponse({"items": [one.model_dump(mode="json") for one in found]})


@router.put(
    "/v1/articles/{article:path}/curation/{other:path}",
    status_code=202,
    responses={**_WRITTEN, 202: {**_WRITTEN[202], "model": Choice}},
    summary="Pin or block",
)
async def choose(
    request: Request, article: str, other: str, asked: ChoiceAsked, authorization: Authorization = None
) -> Response:
    """Pin an article to another's page or keep it off; neither need have arrived."""
    caller: Caller = request.state.keys.authorise(authorization, "curate")
    one, shown = _pair(article, other)
    await _check_room(request, one, shown)
    by = "admin" if caller.is_admin else f"{caller.source}.{caller.key_id}"
    choice = Choice(article=one, other=shown, kind=asked.kind, by=by, at=system_clock(), note=asked.note)
    await _write(request, one, shown, choice.encode())
    return JSONResponse(choice.model_dump(mode="json"), 202)


@router.delete(
    "/v1/articles/{article:path}/curation/{other:path}", status_code=202, responses=_WRITTEN, summary="Take it back"
)
async def take_back(request: Request, article: str, other: str, authorization: Authorization = None) -> Response:
    """Take a pin or a block back; where there is none, nothing changes."""
    request.state.keys.authorise(authorization, "curate")
    one, shown = _pair(article, other)
    await _write(request, one, shown, None)
    return JSONResponse({"article": one, "other": shown}, 202)


def _pair(article: str, other: str) -> tuple[ArticleId, ArticleId]:
    pair = _told_apart(article, other)
    if pair[0] == pair[1]:
        detail = "an article cannot be pinned to or blocked on its own page"
        raise ProblemError(INVALID, detail, errors=[{"field": "other", "error": detail}])
    return pair


def _told_apart(article: str, other: str) -> tuple[ArticleId, ArticleId]:
    """The two that an address names. What stands between them may stand in a guid as well: the last place counts that
    has a name on either side."""
    parts = f"{article}{_BETWEEN}{other}".split(_BETWEEN)
    for place in range(len(parts) - 1, 0, -1):
        with suppress(PoisonError):
            other_id = parse_article_id(_BETWEEN.join(parts[place:]))
            return parse_article_id(_BETWEEN.join(parts[:place])), other_id
    return parse_article_id(article), parse_article_id(other)


async def _check_room(request: Request, article: ArticleId, other: ArticleId) -> None:
    try:
        [found] = await LinkGraph(request.state.slots).choices([article])
    except TransientError:
        return  # Redis is away: editors go on, as posting does
    if len(found) >= MAX_CHOICES and other not in {choice.other for choice in found}:
        detail = f"this page has {MAX_CHOICES} pins and blocks already: take one back first"
        raise ProblemError(INVALID, detail, errors=[{"field": "other", "error": detail}])


async def _write(request: Request, article: ArticleId, other: ArticleId, value: bytes | None) -> None:
    key = curation_key(article, other)
    partition = partition_of(key, request.state.partitions)
    await request.state.producer.send(CURATION, partition=partition, key=key, value=value)
