"""Plain posts of articles are answered in front of the layers, as the layers would; all else is left to them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from news_ingest.article_door import ArticleDoor
from news_ingest.requests import Parts
from news_ingest.routes import SETTLED, SMALL
from news_ingest.settings import IngestSettings
from news_shared.problems import UNAUTHORIZED, ProblemError
from news_shared.topics import SUBMISSIONS
from tests.ingest.test_intake_service import A, intake
from tests.ingest.test_keys_service import bearer, made_key
from tests.testbed.backends import Backend
from tests.testbed.role import Roles
from tests.testbed.topics import records_of

BODY = b'{"id": "a", "title": "A"}'
RSS = b'<rss version="2.0"><channel><title>S</title><item><guid>r</guid><title>R</title></item></channel></rss>'
PLAIN = {"content-type": "application/json", "content-length": str(len(BODY)), "authorization": "Bearer dev"}
_OWN_TO_EACH_ANSWER = {"date", "traceparent"}


class Layers:
    """The application behind the door; it notes what it was given."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)


class Refusing:
    """Parts that let nobody in."""

    settings = IngestSettings()

    def authorise(self, *_: object) -> None:
        raise ProblemError(UNAUTHORIZED, "No.")


def post(headers: Mapping[str, str], *, parts: object = None, **scope: object) -> dict[str, Any]:
    """The scope of a post, plain but for what is said."""
    said = [(name.encode(), value.encode()) for name, value in headers.items()]
    state = {"parts": parts or Refusing()}
    usual = {"type": "http", "method": "POST", "path": "/v1/articles", "query_string": b"source=s"}
    return {**usual, "headers": said, "state": state, **scope}


async def nothing_is_read() -> Message:
    raise AssertionError("the request was read")


async def nothing_is_sent(message: Message) -> None:
    raise AssertionError(f"{message} was sent")


@pytest.mark.parametrize(
    "scope",
    [
        {"type": "lifespan", "state": {}},
        post(PLAIN, method="PUT"),
        post(PLAIN, path="/v1/articles/"),
        post(PLAIN, query_string=b"source=s&dry_run=1"),
        post(PLAIN, query_string=b"source=No%20Such"),
        post(PLAIN, query_string=b"format=rss"),
        post({**PLAIN, "prefer": "wait=2"}),
        post({**PLAIN, "origin": "https://a.example"}),
        post({**PLAIN, "content-encoding": "gzip"}),
        post({**PLAIN, "transfer-encoding": "chunked"}),
        post({**PLAIN, "content-length": str(SMALL + 1)}),
        post({name: value for name, value in PLAIN.items() if name != "content-length"}),
        post({name: value for name, value in PLAIN.items() if name != "content-type"}),
        post({**PLAIN, "content-type": "application/x-ndjson"}),
        post({**PLAIN, "content-type": "image/png"}),
        post(PLAIN, parts=SimpleNamespace(settings=IngestSettings(max_body_bytes=len(BODY) - 1))),
    ],
    ids=lambda scope: str({k: v for k, v in scope.items() if k not in {"state", "type"}})[:120],
)
async def test_what_is_not_plain_is_passed_on_untouched(scope: dict[str, Any]) -> None:
    layers, before = Layers(), repr(scope)
    await ArticleDoor(layers)(scope, nothing_is_read, nothing_is_sent)
    assert [given is scope for given in layers.scopes] == [True]
    assert repr(scope) == before


async def test_a_refusal_goes_out_through_the_layers_with_its_trace() -> None:
    layers, scope = Layers(), post(PLAIN)
    await ArticleDoor(layers)(scope, nothing_is_read, nothing_is_sent)
    [given] = layers.scopes
    assert isinstance(given["state"][SETTLED], ProblemError)
    assert dict(given["headers"])[b"traceparent"].startswith(b"00-")


async def test_of_a_sender_who_has_gone_nothing_is_taken() -> None:
    class LettingIn:
        settings = IngestSettings()
        sources = SimpleNamespace(knows=lambda _: True)

        def authorise(self, *_: object) -> object:
            return SimpleNamespace(source=None)

    pieces: list[Message] = [
        {"type": "http.request", "body": BODY[:5], "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return pieces.pop(0)

    layers = Layers()
    await ArticleDoor(layers)(post(PLAIN, parts=cast("Parts", LettingIn())), receive, nothing_is_sent)
    assert (pieces, layers.scopes) == ([], [])


@asynccontextmanager
async def api_with_a_key(roles: Roles) -> AsyncIterator[tuple[httpx.AsyncClient, dict[str, str]]]:
    async with intake(roles, publisher=False, NEWS_INGEST_MAX_BODY_BYTES="100000") as client:
        await client.post("/v1/articles?source=s", json=A)
        yield client, bearer(await made_key(client, articles_per_minute=100))


async def test_both_ways_give_the_same_answers(roles: Roles) -> None:
    json_, rss = {"Content-Type": "application/json"}, {"Content-Type": "application/rss+xml"}
    many = b"[%s]" % b",".join(b'{"id": "i%d", "title": "T"}' % n for n in range(40))
    async with api_with_a_key(roles) as (client, own):
        cases: list[tuple[str, dict[str, str], bytes, int]] = [
            ("?source=s", json_, BODY, 202),
            ("?source=s", json_ | {"Idempotency-Key": "k"}, BODY, 202),
            ("?source=s", json_ | {"Accept-Encoding": "gzip"}, many, 202),
            ("?source=s", json_ | {"Accept-Encoding": "identity"}, many, 202),
            ("?source=s", rss, RSS, 202),
            ("?source=s", json_, b'[{"id": "a", "title": "A"}, {"id": "b"}]', 202),
            ("?source=s", json_, b"[]", 202),
            ("?source=s", json_, b'[{"id": "b"}]', 422),
            ("?source=s", json_, b"{", 400),
            ("?source=s", json_, b"", 400),
            ("?source=s", rss, b"<html/>", 400),
            ("?source=-", json_, BODY, 422),
            ("", json_, BODY, 400),
            ("?source=s", json_ | {"Idempotency-Key": "a b"}, BODY, 400),
            ("?source=s", json_ | {"Authorization": "Bearer no"}, BODY, 401),
            ("?source=s", json_ | own, BODY, 202),
            ("", json_ | own, BODY, 202),
            ("?source=t", json_ | own, BODY, 403),
            ("", json_ | own, b"[%s]" % b",".join([BODY] * 101), 413),
        ]
        for query, headers, body, status in cases:
            answers = []
            for way in ("", ("&" if query else "?") + "dry_run=0"):
                answer = await client.post(f"/v1/articles{query}{way}", headers=headers, content=body)
                said = {name: value for name, value in answer.headers.items() if name not in _OWN_TO_EACH_ANSWER}
                answers.append((answer.status_code, said, answer.json()))
                assert answer.headers["traceparent"].startswith("00-")
            assert answers[0] == answers[1]
            assert answers[0][0] == status, answers[0]


async def test_a_plain_post_counts_against_the_limits_of_its_key(roles: Roles, fresh_backend: Backend) -> None:
    async with intake(roles, publisher=False) as client:
        own = bearer(await made_key(client, requests_per_minute=3))
        statuses = [(await client.post("/v1/articles", json=A, headers=own)).status_code for _ in range(4)]
        assert statuses == [202, 202, 202, 429]
        refused = await client.post("/v1/articles", json=A, headers=own)
        assert int(refused.headers["Retry-After"]) >= 1
        assert len(await records_of(fresh_backend, SUBMISSIONS)) == 3


async def test_the_trace_and_the_key_of_a_plain_post_follow_its_article(roles: Roles, fresh_backend: Backend) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    async with intake(roles, publisher=False) as client:
        said = {"traceparent": trace, "Idempotency-Key": "k"}
        answer = await client.post("/v1/articles?source=s", json=A, headers=said)
        assert answer.headers["traceparent"] == trace
    [record] = await records_of(fresh_backend, SUBMISSIONS)
    headers = dict(record.headers)
    assert (headers["traceparent"], headers["idempotency-key"]) == (trace.encode(), b"k/0")
