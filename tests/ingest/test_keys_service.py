"""Keys over HTTP: rotated, ended, revoked in every process, listed without secrets; and their limits."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx

from news_shared.api_keys import key_record_key
from news_shared.clock import rfc3339, system_clock
from news_shared.topics import SOURCES, SUBMISSIONS
from tests.ingest.test_intake_service import ADMIN, A, intake, problem_of
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles
from tests.testbed.topics import records_of
from tests.testbed.waiting import until

NDJSON = {"Content-Type": "application/x-ndjson"}


def bearer(made: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['token']}"}


async def made_key(client: httpx.AsyncClient, source: str = "s", **wanted: object) -> dict[str, Any]:
    await client.put(f"/v1/sources/{source}", json={})
    answer = await client.post(f"/v1/sources/{source}/keys", json=wanted)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


@asynccontextmanager
async def strangers(url: httpx.URL | str) -> AsyncIterator[httpx.AsyncClient]:
    async with plain_client(base_url=url, timeout=30) as client:
        yield client


async def test_a_rotated_key_lives_on_for_its_grace_and_not_beyond(roles: Roles, fresh_backend: Backend) -> None:
    async with intake(roles, publisher=False) as client, strangers(client.base_url) as anybody:
        old = await made_key(client, scopes=["articles:write"], articles_per_minute=70)
        answer = await client.post(f"/v1/sources/s/keys/{old['id']}/rotate", json={"grace": "PT2S"})
        new = answer.json()
        assert (answer.status_code, new["scopes"], new["articles_per_minute"]) == (201, ["articles:write"], 70)
        assert new["replaces"]["id"] == old["id"]
        assert (await anybody.post("/v1/articles", json=A, headers=bearer(new))).status_code == 202

        async def has_ended() -> bool:
            return (await anybody.get("/v1/sources/s", headers=bearer(old))).status_code == 401

        await until(has_ended, "the old key's end")
        assert rfc3339(system_clock()) >= new["replaces"]["expires_at"][:19]
        refused = problem_of(await anybody.post("/v1/articles", json=A, headers=bearer(old)), 401)
        assert "expired at" in refused["detail"]
        problem_of(await client.post(f"/v1/sources/s/keys/{old['id']}/rotate"), 422)

        by_default = (await client.post(f"/v1/sources/s/keys/{new['id']}/rotate")).json()
        assert (await anybody.get("/v1/sources/s", headers=bearer(new))).status_code == 200
        left = [key["expires_at"] for key in (await client.get("/v1/sources/s/keys")).json()["items"]]
        assert left == [new["replaces"]["expires_at"], by_default["replaces"]["expires_at"], None]
        assert by_default["replaces"]["expires_at"] > rfc3339(system_clock() + timedelta(minutes=58))

        at_once = (await client.post(f"/v1/sources/s/keys/{by_default['id']}/rotate", json={"grace": "PT0S"})).json()
        problem_of(await anybody.get("/v1/sources/s", headers=bearer(by_default)), 401)
        assert (await anybody.get("/v1/sources/s", headers=bearer(at_once))).status_code == 200
        assert by_default["id"] not in {key["id"] for key in (await client.get("/v1/sources/s/keys")).json()["items"]}
        for wrong in ({"grace": "soon"}, {"grace": "-PT1H"}, {"grace": "P90D"}, {"garce": "PT1H"}):
            problem_of(await client.post(f"/v1/sources/s/keys/{at_once['id']}/rotate", json=wrong), 422)
        problem_of(await client.post("/v1/sources/s/keys/nosuch/rotate"), 404)
        problem_of(await anybody.post(f"/v1/sources/s/keys/{at_once['id']}/rotate", headers=bearer(at_once)), 403)

        stored = b"".join(record.value or b"" for record in await records_of(fresh_backend, SOURCES))
        shown = (await client.get("/v1/sources/s/keys")).content + (await client.get("/v1/sources")).content
        for key in (old, new, by_default, at_once):
            secret = key["token"].rsplit(".", 1)[1].encode()
            assert secret not in stored
            assert secret not in shown
        assert b"sha256" not in shown


async def test_a_key_with_an_end_opens_nothing_after_it(roles: Roles) -> None:
    async with intake(roles, publisher=False) as client, strangers(client.base_url) as anybody:
        ends = rfc3339(system_clock() + timedelta(seconds=2))
        key = await made_key(client, expires_at=ends)
        assert key["expires_at"] == ends
        assert (await anybody.get("/v1/sources/s", headers=bearer(key))).status_code == 200

        async def has_ended() -> bool:
            return (await anybody.get("/v1/sources/s", headers=bearer(key))).status_code == 401

        await until(has_ended, "the key's end")
        past = {"expires_at": "2020-01-01T00:00:00Z"}
        assert "expires_at" in problem_of(await client.post("/v1/sources/s/keys", json=past), 422)["detail"]
        for wrong in (
            {"expires_at": "2036-01-01T00:00:00"},
            {"expires_at": "9999-12-30T00:00:00Z"},
            {"articles_per_minute": 0},
            {"scopes": ["everything"]},
        ):
            problem_of(await client.post("/v1/sources/s/keys", json=wrong), 422)
        problem_of(await client.post("/v1/sources/nosuch/keys"), 404)


async def test_a_revoked_key_opens_nothing_in_any_process_and_does_not_come_back(
    roles: Roles, fresh_backend: Backend
) -> None:
    async with intake(roles, publisher=False) as client:
        other = await roles.start("ingest-api", instance="1")
        async with strangers(client.base_url) as here, strangers(other.url) as there:
            first, second = await made_key(client), await made_key(client)

            async def is_known_there() -> bool:
                return (await there.get("/v1/sources/s", headers=bearer(second))).status_code == 200

            await until(is_known_there, "the key in the other process")
            assert (await client.delete(f"/v1/sources/s/keys/{first['id']}")).status_code == 204
            problem_of(await here.post("/v1/articles", json=A, headers=bearer(first)), 401)

            async def is_refused_there() -> bool:
                return (await there.get("/v1/sources/s", headers=bearer(first))).status_code == 401

            await until(is_refused_there, "the revocation in the other process", seconds=5)
            await there.patch("/v1/sources/s", json={"title": "S"}, headers=ADMIN)
            problem_of(await here.get("/v1/sources/s", headers=bearer(first)), 401)
            assert (await here.get("/v1/sources/s", headers=bearer(second))).status_code == 200

            assert (await client.delete("/v1/sources/s")).status_code == 204
            assert (await client.put("/v1/sources/s", json={})).status_code == 201
            problem_of(await here.get("/v1/sources/s", headers=bearer(second)), 401)
            last = {record.key: record.value for record in await records_of(fresh_backend, SOURCES)}
            assert last[key_record_key("s", second["id"])] is None


async def test_requests_over_a_keys_limit_are_told_when_to_come_again(roles: Roles, fresh_backend: Backend) -> None:
    async with (
        intake(roles, publisher=False, NEWS_INGEST_REQUESTS_PER_MINUTE="3") as client,
        strangers(client.base_url) as anybody,
    ):
        key, wide = await made_key(client), await made_key(client, requests_per_minute=100)
        answers = [await anybody.post("/v1/articles", json=A, headers=bearer(key)) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
        refused = problem_of(answers[3], 429)
        assert (refused["type"], refused["limit"]) == ("/problems/too-many-requests", "requests_per_minute")
        assert 1 <= int(answers[3].headers["Retry-After"]) <= 20
        assert "3 requests a minute" in refused["detail"]
        for _ in range(5):
            assert (await anybody.post("/v1/articles", json=A, headers=bearer(wide))).status_code == 202
            assert (await client.get("/v1/sources")).status_code == 200
        assert len(await records_of(fresh_backend, SUBMISSIONS)) == 8


async def test_a_document_over_a_keys_limit_is_refused_whole(roles: Roles, fresh_backend: Backend) -> None:
    async with intake(roles, publisher=False) as client, strangers(client.base_url) as anybody:
        key = await made_key(client, articles_per_minute=10)

        async def post(count: int) -> httpx.Response:
            items = [{"id": f"n{n}", "title": f"N {n}"} for n in range(count)]
            return await anybody.post("/v1/articles", json=items, headers=bearer(key))

        assert (await post(8)).status_code == 202
        answer = await post(7)
        assert "send it again in" in problem_of(answer, 429)["detail"]
        assert 1 <= int(answer.headers["Retry-After"]) <= 31
        assert "in parts" in problem_of(await post(11), 413)["detail"]
        assert (await post(1)).status_code == 202
        assert len(await records_of(fresh_backend, SUBMISSIONS)) == 9


async def test_a_stream_over_a_keys_limit_stops_and_can_go_on(roles: Roles, fresh_backend: Backend) -> None:
    async with intake(roles, publisher=False) as client, strangers(client.base_url) as anybody:
        key = await made_key(client, articles_per_minute=250)
        lines = [b"{" if n in {3, 170, 300} else json.dumps({"id": f"n{n}", "title": "N"}).encode() for n in range(400)]

        async def body() -> AsyncIterator[bytes]:
            for line in lines:
                yield line + b"\n"

        answer = await anybody.post("/v1/articles", content=body(), headers={**bearer(key), **NDJSON})
        refused = problem_of(answer, 429)
        stop = refused["resume_at"]
        stored = await records_of(fresh_backend, SUBMISSIONS)
        assert 250 <= refused["accepted"] <= 260  # some came back meanwhile
        assert len(stored) == refused["accepted"]
        assert stop == refused["accepted"] + len(refused["rejected"])
        assert [r["index"] for r in refused["rejected"]] == [index for index in (3, 170) if index < stop]
        assert f"from line {stop}" in refused["detail"]
        assert int(answer.headers["Retry-After"]) <= 60

        other = await made_key(client, articles_per_minute=1000)
        rest = b"\n".join(lines[stop:])
        answer = await anybody.post("/v1/articles", content=rest, headers={**bearer(other), **NDJSON})
        assert (answer.status_code, answer.json()["accepted"]) == (202, 397 - refused["accepted"])
        guids = [json.loads(record.value)["item"]["guid"] for record in await records_of(fresh_backend, SUBMISSIONS)]
        assert sorted(guids) == sorted(f"n{n}" for n in range(400) if n not in {3, 170, 300})
