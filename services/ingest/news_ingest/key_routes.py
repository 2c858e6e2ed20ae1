"""HTTP of sources' keys: make, list, rotate, revoke."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from news_ingest.items import LATEST
from news_ingest.requests import Authorization, PartsOf
from news_ingest.source_answers import KEY_MADE_RESPONSES, KEY_REVOKED_RESPONSES, KEY_ROTATED_RESPONSES, KEYS_RESPONSES
from news_shared.api_keys import KeyRecord, Scope
from news_shared.clock import rfc3339, system_clock

router = APIRouter(prefix="/v1/sources", tags=["keys"])

_DEFAULT_GRACE = timedelta(hours=1)
_LONGEST_GRACE = timedelta(days=30)
_MOST_A_MINUTE = 1_000_000_000


class KeyRequest(BaseModel):
    """What a new key may do."""

    model_config = ConfigDict(
        extra="forbid",  # a misspelt limit must not pass for one
        json_schema_extra={"examples": [{"scopes": ["articles:write"], "expires_at": "2036-01-15T12:00:00Z"}]},
    )

    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=4, description="What it opens.")] = (
        "articles:write",
    )
    expires_at: AwareDatetime | None = Field(
        None, le=LATEST, description=f"From then on it opens nothing, before {LATEST.year}; absent: never."
    )
    requests_per_minute: int | None = Field(None, gt=0, le=_MOST_A_MINUTE, description="Absent: the default.")
    articles_per_minute: int | None = Field(None, gt=0, le=_MOST_A_MINUTE, description="Absent: the default.")


class Rotation(BaseModel):
    """How a key is replaced."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"grace": "PT1H"}]})

    grace: timedelta = Field(
        _DEFAULT_GRACE,
        ge=timedelta(0),
        le=_LONGEST_GRACE,
        description="So long the old key opens doors beside the new one (ISO 8601); PT0S: it ends at once.",
    )


@router.get("/{source}/keys", responses=KEYS_RESPONSES, summary="Keys of a source")
async def list_keys(source: str, made_of: PartsOf, authorization: Authorization = None) -> Response:
    """Oldest first; their secrets are kept nowhere."""
    made_of.authorise(authorization, "admin")
    made_of.sources.get(source)
    return JSONResponse({"items": [key_shown(key) for key in made_of.source_keys.of([source])[source]]})


@router.post("/{source}/keys", status_code=201, responses=KEY_MADE_RESPONSES, summary="Give a source a key")
async def create_key(
    source: str, made_of: PartsOf, wanted: KeyRequest | None = None, authorization: Authorization = None
) -> Response:
    """The token is shown once; only its hash is kept."""
    made_of.authorise(authorization, "admin")
    fields = (wanted or KeyRequest()).model_dump()
    template = KeyRecord(id="", sha256="", created_at=system_clock(), **fields)
    key = await made_of.source_keys.add(source, template)
    shown = key_shown(template.model_copy(update={"id": key.id})) | {"token": key.token}
    return JSONResponse(shown, 201, {"Cache-Control": "no-store"})


@router.post("/{source}/keys/{key}/rotate", status_code=201, responses=KEY_ROTATED_RESPONSES, summary="Replace a key")
async def rotate_key(
    source: str, key: str, made_of: PartsOf, wanted: Rotation | None = None, authorization: Authorization = None
) -> Response:
    """The new one has the same scopes, limits and lifetime; the old one ends after the grace."""
    made_of.authorise(authorization, "admin")
    new, record, ends = await made_of.source_keys.rotate(source, key, (wanted or Rotation()).grace)
    shown = key_shown(record.model_copy(update={"id": new.id})) | {"token": new.token}
    replaces = {"id": key, "expires_at": rfc3339(ends)}
    return JSONResponse(shown | {"replaces": replaces}, 201, {"Cache-Control": "no-store"})


@router.delete("/{source}/keys/{key}", status_code=204, responses=KEY_REVOKED_RESPONSES, summary="Revoke a key")
async def revoke_key(source: str, key: str, made_of: PartsOf, authorization: Authorization = None) -> Response:
    """Here when it is answered, in other processes within a fraction of a second."""
    made_of.authorise(authorization, "admin")
    await made_of.source_keys.revoke(source, key)
    return Response(status_code=204)


def key_shown(key: KeyRecord) -> dict[str, object]:
    """A key as callers see it: without its hash."""
    body: dict[str, object] = {
        "id": key.id,
        "scopes": list(key.scopes),
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339(key.expires_at) if key.expires_at else None,
    }
    limits = {"requests_per_minute": key.requests_per_minute, "articles_per_minute": key.articles_per_minute}
    return body | {name: limit for name, limit in limits.items() if limit is not None}
