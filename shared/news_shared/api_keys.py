"""Who may do what: the admin key, and keys of sources as they stand, hashed, on news.sources."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from news_shared.clock import Clock, rfc3339, system_clock
from news_shared.problems import FORBIDDEN, UNAUTHORIZED, ProblemError
from news_shared.topic_table import TopicTable

Scope = Literal["articles:write", "curate", "views:write", "admin"]


class KeyRecord(BaseModel):
    """A key of a source, as it is stored under ``<source>|key|<id>``: only its secret's hash.

    A record of its own, written once: nobody who writes something else can bring back a key that is being revoked.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(description="The middle part of the token.")
    sha256: str = Field(description="Of the secret, the last part of the token.")
    scopes: tuple[Scope, ...] = Field(("articles:write",), description="What it opens.")
    created_at: AwareDatetime = Field(description="When it was made.")
    expires_at: AwareDatetime | None = Field(None, description="From then on the key opens nothing.")
    requests_per_minute: int | None = Field(None, description="Instead of the default of the service.")
    articles_per_minute: int | None = Field(None, description="Instead of the default of the service.")


class KeyEnd(BaseModel):
    """When a key ends that was rotated, under ``<source>|key-end|<id>``; it alone is no key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    expires_at: AwareDatetime = Field(description="From then on the key opens nothing.")


@dataclass(frozen=True)
class Caller:
    """Whom a request comes from; the admin has no source of its own, and no limit."""

    source: str | None
    is_admin: bool
    key_id: str
    requests_per_minute: int | None = None
    articles_per_minute: int | None = None


@dataclass(frozen=True)
class NewKey:
    """A key at the only moment when its secret is known."""

    id: str
    token: str
    sha256: str


def new_key(source: str) -> NewKey:
    """Make a key for a source; the token is ``source.key-id.secret``, and only the secret's hash is stored."""
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(24)
    return NewKey(key_id, f"{source}.{key_id}.{secret}", _hash(secret))


def key_record_key(source: str, key_id: str) -> bytes:
    """The key of a key's record on ``news.sources``; no source's id has a ``|``."""
    return f"{source}|key|{key_id}".encode()


def key_end_key(source: str, key_id: str) -> bytes:
    """The key of the record that ends a rotated key."""
    return f"{source}|key-end|{key_id}".encode()


def stored_key(records: Mapping[bytes, bytes], source: str, key_id: str) -> KeyRecord | None:
    """A key as it stands in the records of ``news.sources``, with the end that a rotation gave it."""
    value = records.get(key_record_key(source, key_id))
    if value is None:
        return None
    key, end = KeyRecord.model_validate_json(value), records.get(key_end_key(source, key_id))
    return key.model_copy(update={"expires_at": KeyEnd.model_validate_json(end).expires_at}) if end else key


class ApiKeys:
    """Tells callers by their ``Authorization`` header."""

    def __init__(self, sources: TopicTable, admin_key: str, clock: Clock = system_clock) -> None:
        self._sources = sources
        self._admin_key = admin_key.encode()
        self._clock = clock

    def authorise(self, authorization: str | None, scope: Scope, source: str | None = None) -> Caller:
        """The caller, if he may do this (with this source).

        Raises:
            ProblemError: 401 without a valid key, 403 when the key is for something else.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _unauthorized("Send the header Authorization: Bearer <key>.")
        token = token.strip()
        if hmac.compare_digest(token.encode(), self._admin_key):
            return Caller(None, is_admin=True, key_id="admin")
        owner, key = self._source_key(token)
        if scope not in key.scopes and "admin" not in key.scopes:
            raise ProblemError(
                FORBIDDEN,
                f"This key lacks the scope {scope}; it has: {', '.join(sorted(key.scopes))}. "
                "Use another key; an admin makes one with POST /v1/sources/<id>/keys.",
            )
        if source is not None and source != owner:
            raise ProblemError(
                FORBIDDEN, f"This key is for the source {owner}, not for {source[:100]}. Use a key of that source."
            )
        return Caller(owner, False, key.id, key.requests_per_minute, key.articles_per_minute)

    def _source_key(self, token: str) -> tuple[str, KeyRecord]:
        source, key_id, secret = (*token.rsplit(".", 2), "", "", "")[:3]
        items = self._sources.items
        key = stored_key(items, source, key_id) if source.encode() in items else None
        if key is None or not hmac.compare_digest(key.sha256, _hash(secret)):
            raise _unauthorized(
                "This key is not known, or was revoked. "
                "Check that it is whole; an admin makes a new one with POST /v1/sources/<id>/keys."
            )
        if key.expires_at is not None and key.expires_at <= self._clock():
            raise _unauthorized(
                f"This key expired at {rfc3339(key.expires_at)}. "
                "Use the key that replaced it; an admin makes a new one with POST /v1/sources/<id>/keys."
            )
        return source, key


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _unauthorized(detail: str) -> ProblemError:
    return ProblemError(UNAUTHORIZED, detail, {"WWW-Authenticate": 'Bearer realm="newsfeed"'})
