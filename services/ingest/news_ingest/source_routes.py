"""HTTP of sources and their keys."""

from typing import Annotated

from fastapi import APIRouter, Header
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from news_ingest.requests import Authorization, PartsOf
from news_ingest.sources import Source, check_unchanged, etag_of, shown
from news_shared.api_keys import Scope
from news_shared.article_ids import SOURCE_ID
from news_shared.clock import system_clock

router = APIRouter(prefix="/v1/sources", tags=["sources"])
IfMatch = Annotated[str | None, Header(description="ETag of what the change is made on top of")]


class NewSource(BaseModel):
    """A source to be made."""

    id: str = Field(pattern=f"^{SOURCE_ID.pattern}$")
    title: str = Field("", max_length=300)
    url: str | None = Field(None, max_length=2000)


class SourceChange(BaseModel):
    """What is to change; fields that are absent stay."""

    title: str = Field("", max_length=300)
    url: str | None = Field(None, max_length=2000)


class KeyRequest(BaseModel):
    """What a new key may do."""

    scopes: tuple[Scope, ...] = ("articles:write",)


@router.post("", status_code=201)
async def create(new: NewSource, made_of: PartsOf, authorization: Authorization = None) -> Response:
    """Make a source."""
    made_of.keys.authorise(authorization, "admin")
    source = made_of.sources.find(new.id) or Source(**new.model_dump(), created_at=system_clock())
    source = await made_of.sources.save(source.model_copy(update=new.model_dump()))
    return JSONResponse(shown(source), 201, {"Location": f"/v1/sources/{source.id}", "ETag": etag_of(source)})


@router.get("")
async def all_sources(made_of: PartsOf, authorization: Authorization = None) -> Response:
    """Every source."""
    made_of.keys.authorise(authorization, "admin")
    return JSONResponse({"items": [shown(source) for source in made_of.sources.all()]})


@router.get("/{source}")
async def one(source: str, made_of: PartsOf, authorization: Authorization = None) -> Response:
    """One source."""
    made_of.keys.authorise(authorization, "articles:write", source)
    found = made_of.sources.get(source)
    return JSONResponse(shown(found), headers={"ETag": etag_of(found)})


@router.patch("/{source}")
async def change(
    source: str, changes: SourceChange, made_of: PartsOf, authorization: Authorization = None, if_match: IfMatch = None
) -> Response:
    """Change a source."""
    made_of.keys.authorise(authorization, "admin")
    found = made_of.sources.get(source)
    check_unchanged(found, if_match)
    changed = await made_of.sources.save(found.model_copy(update=changes.model_dump(exclude_unset=True)))
    return JSONResponse(shown(changed), headers={"ETag": etag_of(changed)})


@router.delete("/{source}", status_code=204)
async def delete(
    source: str, made_of: PartsOf, authorization: Authorization = None, if_match: IfMatch = None
) -> Response:
    """Remove a source and revoke its keys; its articles stay."""
    made_of.keys.authorise(authorization, "admin")
    check_unchanged(made_of.sources.get(source), if_match)
    await made_of.sources.delete(source)
    return Response(status_code=204)


@router.post("/{source}/keys", status_code=201)
async def create_key(
    source: str, made_of: PartsOf, wanted: KeyRequest | None = None, authorization: Authorization = None
) -> Response:
    """Give a source a key. The token is shown once; only its hash is kept."""
    made_of.keys.authorise(authorization, "admin")
    scopes = (wanted or KeyRequest()).scopes
    key = await made_of.sources.add_key(source, scopes)
    return JSONResponse({"id": key.id, "token": key.token, "scopes": list(scopes)}, 201)


@router.delete("/{source}/keys/{key}", status_code=204)
async def revoke_key(source: str, key: str, made_of: PartsOf, authorization: Authorization = None) -> Response:
    """Revoke a key at once."""
    made_of.keys.authorise(authorization, "admin")
    await made_of.sources.revoke_key(source, key)
    return Response(status_code=204)
