"""HTTP of sources and their keys."""

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from news_ingest.fetching.errors import FetchError
from news_ingest.fetching.fetcher import checked_url
from news_ingest.key_routes import key_shown
from news_ingest.polling.feed_reading import known_encoding
from news_ingest.polling.opml import SourceNames
from news_ingest.polling.poll_state import PollState, polling_shown
from news_ingest.polling.subscriptions import shown as subscription_shown
from news_ingest.requests import Authorization, Parts, PartsOf
from news_ingest.source_answers import (
    CHANGE_RESPONSES,
    CREATE_RESPONSES,
    DELETE_RESPONSES,
    LIST_RESPONSES,
    ONE_RESPONSES,
    PUT_RESPONSES,
)
from news_ingest.sources import Source, check_unchanged, etag_of
from news_shared.article_ids import SOURCE_ID
from news_shared.clock import system_clock
from news_shared.errors import TransientError
from news_shared.language_fields import LanguageTag
from news_shared.problems import EXISTS, INVALID, ProblemError

router = APIRouter(prefix="/v1/sources", tags=["sources"])
IfMatch = Annotated[str | None, Header(description="ETag of what the change is made on top of")]


_EXAMPLE: dict[str, Any] = {
    "id": "gazette",
    "title": "The Gazette",
    "url": "https://gazette.example/",
    "feed_url": "https://gazette.example/feed.xml",
    "language": "uk",
    "themes": ["Kyiv"],
}


def _fetchable(url: str | None) -> str | None:
    try:
        return None if url is None else str(checked_url(url))
    except FetchError as error:
        raise ValueError(str(error)) from error


def _encoding(name: str | None) -> str | None:
    if name is not None and not known_encoding(name):
        raise ValueError(f"{name!r} is no text encoding; write for example windows-1251, koi8-u or utf-8")
    return name


class SourceChange(BaseModel):
    """What is to change; fields that are absent stay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{k: v for k, v in _EXAMPLE.items() if k != "id"}]})

    title: str = Field("", max_length=300, description="Its name for people.")
    url: str | None = Field(None, max_length=2000, description="Of its site.")
    feed_url: Annotated[str | None, AfterValidator(_fetchable)] = Field(
        None, max_length=2000, description="Polled. Where it moved to for good (301, 308) is found out by itself."
    )
    poll: bool = Field(True, description="False leaves the feed alone for the time being.")
    language: LanguageTag | None = Field(None, description="Of all items of the feed, whatever it says (BCP 47).")
    themes: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        (), max_length=20, description="Added to the tags of all items of the feed."
    )
    encoding: Annotated[str | None, AfterValidator(_encoding)] = Field(
        None, max_length=40, description="Of the feed, whatever it and its server say."
    )


class NewSource(SourceChange):
    """A source to be made; without an id one with a feed_url is named after its title or host."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str | None = Field(None, pattern=f"^{SOURCE_ID.pattern}$", description="Its name in every address.")


@router.post("", status_code=201, responses=CREATE_RESPONSES, summary="Make a source")
async def create(new: NewSource, made_of: PartsOf, authorization: Authorization = None) -> Response:
    """Without an id one with a `feed_url` is named after its title or host. 409: there is one; PUT replaces it."""
    made_of.authorise(authorization, "admin")
    made_of.sources.check_all_are_known()
    name = new.id
    if name is not None and made_of.sources.knows(name):
        raise ProblemError(
            EXISTS,
            f"There is a source {name!r} already. PATCH /v1/sources/{name} changes it, PUT replaces it; "
            "a new source needs another id.",
        )
    if name is None:
        if new.feed_url is None:
            raise ProblemError(INVALID, "id: name the source, or give it a feed_url after which it is named")
        name = SourceNames(source.id for source in made_of.sources.all()).new(new.feed_url, new.title)
    return await _saved(made_of, name, new.model_dump(exclude={"id"}), 201)


@router.put("/{source}", responses=PUT_RESPONSES, summary="Make or replace a source")
async def put(
    source: Annotated[str, Path(pattern=f"^{SOURCE_ID.pattern}$")],
    wanted: SourceChange,
    made_of: PartsOf,
    authorization: Authorization = None,
    if_match: IfMatch = None,
) -> Response:
    """What is absent has its default afterwards; its keys stay."""
    made_of.authorise(authorization, "admin")
    made_of.sources.check_all_are_known()
    found = made_of.sources.find(source)
    if found is not None:
        check_unchanged(found, if_match)
    return await _saved(made_of, source, wanted.model_dump(), 200 if found else 201)


@router.get("", responses=LIST_RESPONSES, summary="All sources")
async def all_sources(
    made_of: PartsOf,
    after: Annotated[str, Query(max_length=64, description="The `next` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="Sources a page.")] = 1000,
    authorization: Authorization = None,
) -> Response:
    """Sources by id, with what their polls told; `next` is there when there are more."""
    made_of.authorise(authorization, "admin")
    found = made_of.sources.page(after, limit + 1)
    body: dict[str, object] = {"items": await _shown(made_of, found[:limit])}
    if len(found) > limit:
        body["next"] = found[limit - 1].id
    return JSONResponse(body)


@router.get("/{source}", responses=ONE_RESPONSES, summary="One source")
async def one(source: str, made_of: PartsOf, authorization: Authorization = None) -> Response:
    """With what its polls told; a source's own key may ask for it too."""
    made_of.authorise(authorization, "articles:write", source)
    return await _answer(made_of, made_of.sources.get(source))


@router.patch("/{source}", responses=CHANGE_RESPONSES, summary="Change a source")
async def change(
    source: str, changes: SourceChange, made_of: PartsOf, authorization: Authorization = None, if_match: IfMatch = None
) -> Response:
    """What is absent stays."""
    made_of.authorise(authorization, "admin")
    check_unchanged(made_of.sources.get(source), if_match)
    return await _saved(made_of, source, changes.model_dump(exclude_unset=True), 200)


@router.delete("/{source}", status_code=204, responses=DELETE_RESPONSES, summary="Remove a source")
async def delete(
    source: str, made_of: PartsOf, authorization: Authorization = None, if_match: IfMatch = None
) -> Response:
    """Its keys are revoked, its articles stay."""
    made_of.authorise(authorization, "admin")
    check_unchanged(made_of.sources.get(source), if_match)
    await made_of.source_keys.revoke_all(source)
    await made_of.sources.delete(source)
    with suppress(TransientError):  # Redis is away: a poller forgets it, unless the source is made anew at once
        await made_of.schedule.forget(source)
        await made_of.subscriptions.forget(source)
    return Response(status_code=204)


async def _saved(made_of: Parts, name: str, fields: dict[str, object], status: int) -> Response:
    source = made_of.sources.find(name) or Source(id=name, created_at=system_clock())
    if "feed_url" in fields:
        await made_of.sources.forget_finding(name)  # what was found out about the former address
    saved = await made_of.sources.save(source.model_copy(update=fields))
    return await _answer(made_of, saved, status)


async def _answer(made_of: Parts, source: Source, status: int = 200) -> Response:
    [body] = await _shown(made_of, [source])
    headers = {"ETag": etag_of(source)} | ({"Location": f"/v1/sources/{source.id}"} if status == 201 else {})
    return JSONResponse(body, status, headers)


async def _shown(made_of: Parts, sources: list[Source]) -> list[dict[str, object]]:
    """Sources as callers see them; while Redis is away without what polls told."""
    states: dict[str, PollState] | None
    polled = [source.id for source in sources if source.feed_url]
    try:
        states, subscriptions = await made_of.schedule.states(polled), await made_of.subscriptions.of(polled)
    except TransientError:
        states, subscriptions = None, {}
    bodies = []
    keys = made_of.source_keys.of([source.id for source in sources])
    for source in sources:
        body = source.model_dump(mode="json") | {"keys": [key_shown(key) for key in keys[source.id]]}
        if source.feed_url is not None:
            finding = made_of.sources.finding(source)
            polling = polling_shown(source, finding, states)
            if source.id in subscriptions:
                polling["websub"] = subscription_shown(subscriptions[source.id], system_clock())
            body["polling"] = polling
            if finding is not None and finding.moved_to:
                body |= {"feed_url": finding.moved_to, "moved_from": source.feed_url}
        bodies.append(body)
    return bodies
