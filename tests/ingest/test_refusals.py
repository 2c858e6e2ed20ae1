"""Every refusal of the intake: its status, what it tells a person to do, and that nothing of it is stored."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from news_ingest.formats.detection import KNOWN
from news_shared.article_ids import article_id
from news_shared.problems import PROBLEMS
from news_shared.topics import SOURCES, SUBMISSIONS
from tests.ingest.test_intake_service import A, intake, problem_of
from tests.ingest.test_keys_service import bearer, made_key, strangers
from tests.testbed.backends import Backend
from tests.testbed.role import Roles
from tests.testbed.topics import records_of

ADMIN = {"Authorization": "Bearer dev"}
JSON = {"Content-Type": "application/json"}
TOO_LONG = json.dumps({**A, "content_text": "x" * 5000}).encode()
_TYPES = {problem.type: problem.status for problem in PROBLEMS}


@dataclass(frozen=True)
class Refusal:
    """A request, the status of its answer, and words that name the fix."""

    status: int
    says: str
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def refusals(own: dict[str, str], views: dict[str, str], revoked: dict[str, str]) -> Iterator[Refusal]:
    articles, one = "/v1/articles", json.dumps(A).encode()
    admins = f"{articles}?source=s"
    other = article_id("other", "a")
    half = {"Authorization": own["Authorization"][:-3]}
    for said, headers in (
        ("Authorization: Bearer", {}),
        ("Authorization: Bearer", {"Authorization": "Basic ZGV2"}),
        ("not known, or was revoked", {"Authorization": "Bearer wrong"}),
        ("not known, or was revoked", half),
        ("makes a new one", revoked),
    ):
        yield Refusal(401, said, "POST", articles, headers | JSON, one)
        yield Refusal(401, said, "DELETE", f"{articles}/s:a", headers)
    yield Refusal(403, "for the source s, not for other", "POST", f"{articles}?source=other", own | JSON, one)
    yield Refusal(403, "for the source s, not for other", "DELETE", f"{articles}/other:a", own)
    yield Refusal(403, "for the source s, not for other", "POST", f"{articles}/other:a/restore", own)
    yield Refusal(403, "as s:<guid>", "DELETE", f"{articles}/{other}", own)
    yield Refusal(403, "lacks the scope articles:write; it has: views:write", "POST", articles, views | JSON, one)
    yield Refusal(403, "lacks the scope admin", "POST", "/v1/sources", own | JSON, b'{"id": "mine"}')
    yield Refusal(413, "in parts, or as NDJSON", "POST", admins, ADMIN | JSON, TOO_LONG)
    for format_, body in (("image/png", b"\x89PNG"), ("text/plain", b"hello"), ("application/pdf", b"%PDF-1.7")):
        yield Refusal(415, KNOWN, "POST", admins, ADMIN | {"Content-Type": format_}, body)
    yield Refusal(415, "name one with ?format=: json, ndjson", "POST", f"{admins}&format=yaml", ADMIN, one)
    yield Refusal(
        422, "date_published", "POST", admins, ADMIN | JSON, b'{"id": "a", "title": "A", "date_published": 0}'
    )
    yield Refusal(422, "title", "POST", admins, ADMIN | JSON, b'[{"id": "a"}, {"id": "b"}]')
    yield Refusal(422, "must match", "POST", f"{articles}?source=No%20Such", ADMIN | JSON, one)
    yield Refusal(422, "dry_run", "POST", f"{admins}&dry_run=perhaps", ADMIN | JSON, one)
    yield Refusal(422, "reason", "DELETE", f"{articles}/s:a?reason={'x' * 2001}", ADMIN)
    yield Refusal(400, "?source=<id>", "POST", articles, ADMIN | JSON, one)
    yield Refusal(400, "printable ASCII", "POST", admins, ADMIN | JSON | {"Idempotency-Key": "a b"}, one)
    yield Refusal(400, "printable ASCII", "DELETE", f"{articles}/s:a", ADMIN | {"Idempotency-Key": "x" * 201})
    yield Refusal(400, "source:guid", "DELETE", f"{articles}/nonsense", ADMIN)
    yield Refusal(400, "source:guid", "GET", f"{articles}/nonsense/outcome")
    yield Refusal(404, "ever submitted", "GET", f"{articles}/s:never/outcome")
    yield Refusal(404, "GET /v1/sources lists", "PATCH", "/v1/sources/none", ADMIN | JSON, b'{"title": "N"}')
    yield Refusal(404, "/docs", "GET", "/v1/nothing")
    yield Refusal(405, "/docs", "PUT", articles, ADMIN | JSON, one)
    yield Refusal(405, "/docs", "DELETE", articles, ADMIN)


async def test_each_refusal_names_the_fix_and_stores_nothing(roles: Roles, fresh_backend: Backend) -> None:
    async with (
        intake(roles, NEWS_INGEST_MAX_BODY_BYTES="4000") as client,
        strangers(client.base_url) as anybody,
    ):
        own, views, revoked = [
            await made_key(client),
            await made_key(client, scopes=["views:write"]),
            await made_key(client),
        ]
        await client.delete(f"/v1/sources/s/keys/{revoked['id']}")
        sources = len(await records_of(fresh_backend, SOURCES))
        seen = set()
        for refusal in refusals(bearer(own), bearer(views), bearer(revoked)):
            answer = await anybody.request(
                refusal.method, refusal.path, headers=refusal.headers, content=refusal.body or None
            )
            told = _told(answer, refusal)
            assert refusal.says in told, refusal
            seen.add(answer.status_code)
            if answer.status_code == 401:
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            if answer.status_code == 405:
                assert "POST" in answer.headers["Allow"]
        assert seen == {400, 401, 403, 404, 405, 413, 415, 422}
        assert await records_of(fresh_backend, SUBMISSIONS) == []
        assert len(await records_of(fresh_backend, SOURCES)) == sources
        assert (await anybody.post("/v1/articles", json=A, headers=bearer(own))).status_code == 202
        assert len(await records_of(fresh_backend, SUBMISSIONS)) == 1


def _told(answer: httpx.Response, refusal: Refusal) -> str:
    body: dict[str, Any] = problem_of(answer, refusal.status)
    assert _TYPES[body["type"]] == refusal.status, refusal
    return answer.text
