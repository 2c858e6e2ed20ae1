"""The intake over HTTP, with the API and the publisher as processes."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from news_shared.article_ids import article_id
from news_shared.articles import Article, Withdrawal, decode_event
from news_shared.clock import system_clock
from news_shared.topics import ARTICLES
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles
from tests.testbed.topics import records_of
from tests.testbed.waiting import until

SAMPLES = Path(__file__).parent / "samples"
ADMIN = {"Authorization": "Bearer dev"}
WAIT = {"Prefer": "wait=20"}
A = {"id": "a", "title": "A", "content_text": "Text.", "date_published": "2026-01-15T12:00:00Z", "version": "1"}


@asynccontextmanager
async def intake(roles: Roles, *, publisher: bool = True, **settings: str) -> AsyncIterator[httpx.AsyncClient]:
    """The intake, with the admin's key."""
    api = roles.make("ingest-api", **settings)
    api.launch()
    if publisher:
        await roles.start("ingest-publisher", **settings)
    await api.ready()
    async with plain_client(base_url=api.url, headers=ADMIN, timeout=30) as client:
        yield client


async def published(backend: Backend) -> list[Article | Withdrawal]:
    events = [decode_event(record.value, record.headers) for record in await records_of(backend, ARTICLES)]
    return [event.article for event in events if event is not None]


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], bool(body["detail"])) == (status, True)
    return body


async def test_a_submission_is_answered_at_once_or_when_it_is_decided(roles: Roles, fresh_backend: Backend) -> None:
    async with intake(roles) as client:
        id_ = article_id("s", "a")
        answer = await client.post("/v1/articles?source=s", json=A)
        assert answer.status_code == 202
        assert answer.json() == {"accepted": 1, "items": [{"id": id_, "guid": "a", "url": None}], "rejected": []}
        assert answer.headers["Location"] == f"/v1/articles/{id_}/outcome"
        assert "Preference-Applied" not in answer.headers

        async def decided() -> bool:
            return (await client.get(answer.headers["Location"])).status_code == 200

        await until(decided, "the outcome")
        outcome = (await client.get("/v1/articles/s:a/outcome")).json()
        assert {
            name: outcome[name] for name in ("id", "source", "guid", "revision", "version", "state", "outcome")
        } == {
            "id": id_,
            "source": "s",
            "guid": "a",
            "revision": 1,
            "version": "1",
            "state": "published",
            "outcome": "published",
        }

        for said, expected, revision in (
            (A, "unchanged", 1),
            ({**A, "title": "B", "version": "2"}, "updated", 2),
            (A, "stale", 2),
        ):
            answer = await client.post("/v1/articles?source=s", json=said, headers=WAIT)
            assert answer.status_code == 200
            assert answer.headers["Preference-Applied"] == "wait"
            [item] = answer.json()["items"]
            assert (item["outcome"], item["revision"]) == (expected, revision)

        withdrawn = await client.delete("/v1/articles/s:a?reason=wrong", headers=WAIT)
        assert (withdrawn.status_code, withdrawn.json()) == (200, {"id": id_, "outcome": "withdrawn", "revision": 3})
        outcome = (await client.get("/v1/articles/s:a/outcome")).json()
        assert (outcome["state"], outcome["why"]) == ("withdrawn", "wrong")
        restored = await client.post("/v1/articles/s:a/restore", headers=WAIT)
        assert restored.json() == {"id": id_, "outcome": "restored", "revision": 4}
        assert (await client.delete(f"/v1/articles/{id_}")).status_code == 202

        problem_of(await client.get("/v1/articles/s:never/outcome"), 404)
        assert (await client.delete("/v1/articles/s:never", headers=WAIT)).json()["outcome"] == "withdrawn"
        answer = await client.post("/v1/articles?source=s", json={"id": "never", "title": "N"}, headers=WAIT)
        assert answer.json()["items"][0]["outcome"] == "withdrawn"
        versions = [a.title for a in await published(fresh_backend) if isinstance(a, Article)]
        assert versions == ["A", "B", "B"]


async def test_what_cannot_be_taken_is_named_and_what_can_is_taken(roles: Roles) -> None:
    async with intake(roles) as client:
        url = "/v1/articles?source=s"
        answer = await client.post(url, json=[A, {"id": "b"}, {"id": "c", "title": "C", "date_published": "soon"}])
        assert answer.status_code == 202
        assert "Location" in answer.headers
        body = answer.json()
        assert [(r["index"], r["guid"], r["errors"][0]["field"]) for r in body["rejected"]] == [
            (1, "b", "title"),
            (2, "c", "date_published"),
        ]
        answer = await client.post(url, json=[{"id": "b"}])
        assert (answer.status_code, answer.json()["accepted"]) == (422, 0)
        assert answer.json()["rejected"][0]["index"] == 0

        for broken in (b"{", b"NaN", b"", b"[" * 10_000):
            answer = await client.post(url, content=broken, headers={"Content-Type": "application/json"})
            assert answer.status_code in {400, 422}, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
        for content_type, beginning in (("image/png", b"\x89PNG"), ("text/plain", b"hello")):
            detail = problem_of(await client.post(url, content=beginning, headers={"Content-Type": content_type}), 415)[
                "detail"
            ]
            assert "application/rss+xml" in detail
            assert "ndjson" in detail
        problem_of(await client.post(f"{url}&format=yaml", json=A), 415)
        problem_of(await client.post("/v1/articles", json=A), 400)
        problem_of(await client.post("/v1/articles?source=No%20Such", json=A), 422)
        problem_of(await client.post(url, json=A, headers={"Idempotency-Key": "a b"}), 400)
        assert (await client.delete("/v1/articles/nonsense")).status_code in {400, 422}


async def test_a_body_or_a_line_that_is_too_large_is_refused(roles: Roles) -> None:
    limits = {"NEWS_INGEST_MAX_BODY_BYTES": "2000", "NEWS_INGEST_MAX_LINE_BYTES": "1000"}
    async with intake(roles, publisher=False, **limits) as client:
        large = json.dumps({**A, "content_text": "x" * 3000})
        problem_of(await client.post("/v1/articles?source=s", content=large), 413)
        small = json.dumps(A)
        answer = await client.post(
            "/v1/articles?source=s&format=ndjson", content="\n".join([small, large, small, large])
        )
        assert answer.status_code == 202
        assert (answer.json()["accepted"], [r["index"] for r in answer.json()["rejected"]]) == (2, [1, 3])


async def test_a_dry_run_shows_what_would_be_published_and_writes_nothing(roles: Roles, fresh_backend: Backend) -> None:
    async with intake(roles) as client:
        markup = '<p onclick="x()">See <a href="https://a.example/?utm_source=x">it</a></p>'
        answer = await client.post(
            "/v1/articles?source=dry&dry_run=true", json=[{"id": "a", "title": "A", "content_html": markup}, {}]
        )
        assert answer.status_code == 200
        article = answer.json()["items"][0]["article"]
        assert article["links"] == [{"url": "https://a.example/", "text": "it", "paragraph": 0}]
        assert "onclick" not in article["content_html"]
        assert [r["index"] for r in answer.json()["rejected"]] == [1]
        assert (await client.post("/v1/articles?source=dry&dry_run=true", json={})).status_code == 422
        lines = b'{"id": "a", "title": "A"}\n{"id": "b", "status": "canceled"}\n{}\n'
        told = await client.post("/v1/articles?source=dry&dry_run=true&format=ndjson", content=lines)
        assert told.status_code == 200
        assert [("article" in item, item.get("outcome")) for item in told.json()["items"]] == [
            (True, None),
            (False, "withdrawn"),
        ]
        assert [r["index"] for r in told.json()["rejected"]] == [2]
        assert problem_of(await client.post("/v1/articles?source=Not One&dry_run=true", json=A), 422)
        await client.post("/v1/articles?source=s", json=A, headers=WAIT)
        assert [a.guid for a in await published(fresh_backend)] == ["a"]
        assert {a.source for a in await published(fresh_backend)} == {"s"}
        assert [s["id"] for s in (await client.get("/v1/sources")).json()["items"]] == ["s"]
        problem_of(await client.get("/v1/articles/dry:a/outcome"), 404)


async def test_a_repeated_idempotency_key_has_the_first_outcome(roles: Roles, fresh_backend: Backend) -> None:
    async with intake(roles) as client:
        headers = {**WAIT, "Idempotency-Key": "k1"}
        other = {**A, "title": "B", "version": "2"}
        first = await client.post("/v1/articles?source=s", json=[A, other], headers=headers)
        assert [i["outcome"] for i in first.json()["items"]] == ["published", "updated"]
        again = await client.post("/v1/articles?source=s", json=[A, other], headers=headers)
        assert [i["outcome"] for i in again.json()["items"]] == ["published", "updated"]
        assert [a.revision for a in await published(fresh_backend)] == [1, 2]


async def test_ndjson_streams_in_with_its_rejects_by_line(roles: Roles) -> None:
    async with intake(roles) as client:

        async def lines() -> AsyncIterator[bytes]:
            for n in range(300):
                line = b"{" if n % 100 == 50 else json.dumps({"id": f"n{n}", "title": f"N {n}"}).encode()
                yield line[:9]
                yield line[9:] + (b"\r\n" if n % 2 else b"\n")
            yield b'\n\n{"id": "last", "title": "Last"}'

        answer = await client.post(
            "/v1/articles?source=s", content=lines(), headers={**WAIT, "Content-Type": "application/x-ndjson"}
        )
        body = answer.json()
        assert (answer.status_code, body["accepted"]) == (200, 298)
        assert [r["index"] for r in body["rejected"]] == [50, 150, 250]
        assert {i["outcome"] for i in body["items"]} == {"published"}
        assert body["items"][-1]["guid"] == "last"
        only_bad = await client.post("/v1/articles?source=s&format=ndjson", content=b"{\n[")
        assert (only_bad.status_code, [r["index"] for r in only_bad.json()["rejected"]]) == (422, [0, 1])


async def test_a_key_may_write_for_its_own_source_until_it_is_revoked(roles: Roles) -> None:
    async with intake(roles, publisher=False) as client:
        for source in ("s", "other"):
            assert (await client.post("/v1/sources", json={"id": source})).status_code == 201
        made = await client.post("/v1/sources/s/keys")
        assert made.status_code == 201
        own = {"Authorization": f"Bearer {made.json()['token']}"}
        bare = plain_client(base_url=client.base_url, timeout=30)
        async with bare:
            assert (await bare.post("/v1/articles", json=A, headers=own)).status_code == 202
            assert (await bare.post("/v1/articles?source=s", json=A, headers=own)).status_code == 202
            assert (await bare.delete("/v1/articles/s:a", headers=own)).status_code == 202
            problem_of(await bare.post("/v1/articles?source=other", json=A, headers=own), 403)
            problem_of(await bare.delete("/v1/articles/other:a", headers=own), 403)
            problem_of(await bare.delete(f"/v1/articles/{article_id('other', 'a')}", headers=own), 403)
            problem_of(await bare.get("/v1/sources", headers=own), 403)
            problem_of(await bare.get("/v1/sources/other", headers=own), 403)
            problem_of(await bare.post("/v1/sources/s/keys", headers=own), 403)
            for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic ZGV2"}):
                answer = await bare.post("/v1/articles?source=s", json=A, headers=wrong)
                problem_of(answer, 401)
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            tampered = {"Authorization": own["Authorization"][:-1] + "~"}
            problem_of(await bare.post("/v1/articles", json=A, headers=tampered), 401)
            assert (await client.delete(f"/v1/sources/s/keys/{made.json()['id']}")).status_code == 204
            problem_of(await bare.post("/v1/articles", json=A, headers=own), 401)
            problem_of(await client.delete(f"/v1/sources/s/keys/{made.json()['id']}"), 404)
            narrow = await client.post("/v1/sources/s/keys", json={"scopes": ["views:write"]})
            only_views = {"Authorization": f"Bearer {narrow.json()['token']}"}
            problem_of(await bare.post("/v1/articles", json=A, headers=only_views), 403)


async def test_an_article_whose_guid_has_a_line_break_can_be_named_by_it(roles: Roles) -> None:
    async with intake(roles) as client:
        await client.post("/v1/articles?source=s", json={**A, "id": "a\nb"}, headers=WAIT)
        key = (await client.post("/v1/sources/s/keys")).json()
        own = {"Authorization": f"Bearer {key['token']}"}
        named = "/v1/articles/s:a%0Ab"
        assert (await client.get(f"{named}/outcome")).json()["guid"] == "a\nb"
        withdrawn = await client.delete(named, headers=own | WAIT)
        assert (withdrawn.status_code, withdrawn.json()["outcome"]) == (200, "withdrawn")
        assert (await client.post(f"{named}/restore", headers=own | WAIT)).json()["outcome"] == "restored"


async def test_sources_are_changed_only_on_top_of_what_was_read(roles: Roles) -> None:
    async with intake(roles, publisher=False) as client:
        made = await client.post("/v1/sources", json={"id": "s", "title": "S"})
        assert made.headers["Location"] == "/v1/sources/s"
        etag = made.headers["ETag"]
        assert (await client.get("/v1/sources/s")).headers["ETag"] == etag
        changed = await client.patch("/v1/sources/s", json={"title": "T"}, headers={"If-Match": etag})
        assert (changed.status_code, changed.json()["title"]) == (200, "T")
        problem_of(await client.patch("/v1/sources/s", json={"title": "U"}, headers={"If-Match": etag}), 412)
        problem_of(await client.delete("/v1/sources/s", headers={"If-Match": etag}), 412)
        assert (await client.get("/v1/sources/s")).json()["title"] == "T"

        refused = problem_of(await client.post("/v1/sources", json={"id": "s", "title": "V"}), 409)
        assert "PUT replaces it" in refused["detail"]
        assert (await client.get("/v1/sources/s")).json()["title"] == "T"
        again = await client.put("/v1/sources/s", json={"title": "V"})
        assert again.json()["title"] == "V"
        read = await client.get("/v1/sources/s")
        assert (read.json()["title"], read.headers["ETag"]) == ("V", again.headers["ETag"])
        await client.post("/v1/sources/s/keys")
        [key] = (await client.get("/v1/sources/s")).json()["keys"]
        assert set(key) == {"id", "scopes", "created_at", "expires_at"}

        problem_of(await client.patch("/v1/sources/s", json={"title": None}), 422)
        problem_of(await client.post("/v1/sources", json={"id": "Not One"}), 422)
        problem_of(await client.get("/v1/sources/none"), 404)
        assert [s["id"] for s in (await client.get("/v1/sources")).json()["items"]] == ["s"]
        current = (await client.get("/v1/sources/s")).headers["ETag"]
        assert (await client.delete("/v1/sources/s", headers={"If-Match": current})).status_code == 204
        problem_of(await client.get("/v1/sources/s"), 404)


async def test_an_embargo_ends_by_itself_within_seconds(roles: Roles, fresh_backend: Backend) -> None:
    async with intake(roles) as client:
        until_ = system_clock().replace(microsecond=123_456) + timedelta(seconds=3)  # finer than Kafka's clock
        answer = await client.post(
            "/v1/articles?source=s", json={**A, "embargoed_until": until_.isoformat()}, headers=WAIT
        )
        assert answer.json()["items"][0]["outcome"] == "held"
        outcome = (await client.get("/v1/articles/s:a/outcome")).json()
        assert outcome["state"] == ("held" if system_clock() < until_ else outcome["state"])

        async def is_published() -> bool:
            return bool((await client.get("/v1/articles/s:a/outcome")).json()["state"] == "published")

        await until(is_published, "the end of the embargo", seconds=20)
        [article] = await published(fresh_backend)
        assert isinstance(article, Article)
        assert until_ <= article.first_published_at
        assert article.first_published_at - until_ < timedelta(seconds=10)


async def test_rss_and_atom_feeds_are_published_whole_with_their_links(roles: Roles, fresh_backend: Backend) -> None:
    async with intake(roles) as client:
        for name, content_type in (("rss", "application/rss+xml"), ("atom", "application/atom+xml")):
            feed = (SAMPLES / f"quirks.{name}").read_bytes()
            for expected in ("published", "unchanged"):
                answer = await client.post(
                    f"/v1/articles?source={name}", content=feed, headers={**WAIT, "Content-Type": content_type}
                )
                body = answer.json()
                assert (answer.status_code, body["accepted"], body["rejected"]) == (200, 10, [])
                assert {item["outcome"] for item in body["items"]} == {expected}
        articles = [a for a in await published(fresh_backend) if isinstance(a, Article)]
        assert len(articles) == 20
        for name in ("rss", "atom"):
            own = [a for a in articles if a.source == name]
            assert sum(len(a.links) for a in own) == 9
            urls = {a.url for a in own}
            inside = sum(link.url in urls for a in own for link in a.links)
            assert inside >= 8, "links between the items of a feed"
        broken = (SAMPLES / "quirks.rss").read_bytes()[:1500]
        answer = await client.post("/v1/articles?source=rss&format=rss", content=broken)
        assert (answer.status_code, bool(answer.json()["warnings"])) == (202, True)
        no_feed = await client.post("/v1/articles?source=rss&format=rss", content=b"<html></html>")
        assert no_feed.status_code in {400, 422}
