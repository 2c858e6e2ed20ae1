"""Who may do what: the admin key, and keys of sources as they stand, hashed, on news.sources."""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Literal

from news_shared.problems import FORBIDDEN, UNAUTHORIZED, ProblemError
from news_shared.topic_table import TopicTable

Scope = Literal["articles:write", "curate", "views:write", "admin"]


@dataclass(frozen=True)
class Caller:
    """Whom a request comes from; the admin has no source of its own."""

    source: str | None
    is_admin: bool
    key_id: str


@dataclass(frozen=True)
class NewKey:
    """A key at the only moment when its secret is known."""

    id: str
    token: str
    sha256: str


def new_key(source: str) -> NewKey:
    """Make a key for a source; the token is ``source.key-id.secret``, and only the secret's hash is stored."""
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(24)
    return NewKey(key_id, f"{source}.{key_id}.{secret}", hashlib.sha256(secret.encode()).hexdigest())


class ApiKeys:
    """Tells callers by their ``Authorization`` header."""

    def __init__(self, sources: TopicTable, admin_key: str) -> None:
        self._sources = sources
        self._admin_key = admin_key.encode()

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
        caller, scopes = self._source_key(token)
        if scope not in scopes and "admin" not in scopes:
            raise ProblemError(FORBIDDEN, f"This key lacks the scope {scope}; it has: {', '.join(sorted(scopes))}.")
        if source is not None and source != caller.source:
            raise ProblemError(FORBIDDEN, f"This key is for the source {caller.source}, not for {source}.")
        return caller

    def _source_key(self, token: str) -> tuple[Caller, set[str]]:
        source, key_id, secret = (*token.rsplit(".", 2), "", "", "")[:3]
        record = self._sources.items.get(source.encode())
        for key in json.loads(record).get("keys", []) if record else []:
            given = hashlib.sha256(secret.encode()).hexdigest()
            if key["id"] == key_id and hmac.compare_digest(key["sha256"], given):
                return Caller(source, is_admin=False, key_id=key_id), set(key["scopes"])
        raise _unauthorized("This key is not known, or was revoked.")


def _unauthorized(detail: str) -> ProblemError:
    return ProblemError(UNAUTHORIZED, detail, {"WWW-Authenticate": 'Bearer realm="newsfeed"'})
