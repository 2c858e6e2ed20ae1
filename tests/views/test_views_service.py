"""Both roles as processes: beacons over HTTP, counts over HTTP, and what happens when something is away."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest_asyncio

from news_shared.article_ids import article_id
from tests.testbed.backends import Backend, Server
from tests.testbed.plain_http import plain_client
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.waiting import until
from tests.views.newsroom_events import announce, published, withdrawn
from tests.views.readers import BROWSER, CRAWLER

NOBODY = {"bot": 0, "prefetch": 0, "repeat": 0, "opted_out": 0, "burst": 0, "unknown": 0}


class Site:
    """The views service of a site with some articles."""

    def __init__(self, api: RoleProcess, backend: Backend, http: httpx.AsyncClient) -> None:
        self.api = api
        self.backend = backend
        self.http = http

    async def open(self, article: str, *, address: str = "192.0.2.1", **headers: str) -> httpx.Response:
        sent = {
            "User-Agent": BROWSER,
            "X-Forwarded-For": address,
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        return await self.http.post(f"{self.api.url}/v1/views", json={"article": article}, headers=sent)

    async def counts(self, article: str) -> dict[str, Any] | int:
        response = await self.http.get(f"{self.api.url}/v1/articles/{article}/views")
        return dict(response.json()) if response.status_code == 200 else response.status_code

    async def counted(self, article: str, **expected: object) -> None:
        """Wait until the counts of an article are these."""

        async def is_so() -> bool:
            counts = await self.counts(article)
            return isinstance(counts, dict) and {name: counts[name] for name in expected} == expected

        try:
            await until(is_so, f"{expected}", seconds=20)
        except TimeoutError:
            assert await self.counts(article) == expected

    async def answers(self, article: str, status: int) -> None:
        async def is_so() -> bool:
            response = await self.http.get(f"{self.api.url}/v1/articles/{article}/views")
            return response.status_code == status

        await until(is_so, f"{article} to answer {status}")


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with plain_client(timeout=15) as client:
        yield client


@contextmanager
def away(server: Server) -> Iterator[None]:
    """Killed for as long as the block runs; the tests that come next find it there."""
    server.kill()
    try:
        yield
    finally:
        server.start()


@pytest_asyncio.fixture
async def site(roles: Roles, fresh_backend: Backend, http: httpx.AsyncClient) -> Site:
    api, projector = roles.make("views-api"), roles.make("views-projector")
    for process in (api, projector):
        process.launch()
    for process in (api, projector):
        await process.ready()
    return Site(api, fresh_backend, http)


async def test_an_opened_article_counts_once_a_reader_and_says_what_did_not_count(site: Site) -> None:
    [article] = await announce(site.backend, [published("ferry")])
    await site.counted(article, views=0)

    accepted = await site.open("herald:ferry")
    assert (accepted.status_code, accepted.json()) == (202, {"article": article})
    assert accepted.headers["access-control-allow-origin"] == "*"
    await site.open(article)
    await site.open(article, address="192.0.2.2")
    await site.open(article, address="2001:db8::1")
    await site.open(article, address="2001:db8::2")  # the same household
    await site.open(article, address="192.0.2.3", User_Agent=CRAWLER)
    await site.open(article, address="192.0.2.4", Sec_Purpose="prefetch;prerender")
    await site.open(article, address="192.0.2.5", Sec_GPC="1")
    await site.open(article, address="192.0.2.5", DNT="1")

    filtered = {**NOBODY, "repeat": 2, "bot": 1, "prefetch": 1, "opted_out": 2}
    await site.counted(article, views=3, readers=3, readers_today=3, filtered=filtered)
    counts = await site.counts("herald:ferry")
    assert isinstance(counts, dict)
    assert set(counts) == {"article", "views", "readers", "readers_today", "filtered", "as_of"}

    await announce(site.backend, [withdrawn("ferry", 2)])
    await site.answers(article, 410)
    await site.open(article, address="192.0.2.6")
    await announce(site.backend, [published("ferry", 3)])
    await site.counted(article, views=3, filtered={**filtered, "unknown": 1})


async def test_a_beacon_just_before_its_article_is_known_counts_when_it_is(site: Site) -> None:
    article = article_id("herald", "early")
    assert (await site.open(article)).status_code == 202
    await site.answers(article, 404)
    await announce(site.backend, [published("early")])
    await site.counted(article, views=1, filtered=NOBODY)


async def test_several_counts_come_in_the_order_asked_and_null_is_not_zero(site: Site) -> None:
    known = await announce(site.backend, [published(f"story-{n}") for n in range(30)])
    await announce(site.backend, [published("gone"), withdrawn("gone", 2)])
    for article in (*known[:3], known[0]):
        await site.open(article)
    await site.answers(article_id("herald", "gone"), 410)
    for article in known:
        await site.answers(article, 200)
    await site.counted(known[0], views=1, filtered={**NOBODY, "repeat": 1})

    asked = ["herald:story-0", "herald:never", "herald:gone", *reversed(known)]
    response = await site.http.get(f"{site.api.url}/v1/views", params=[("article", name) for name in asked])
    items = response.json()["items"]
    assert [item["article"] for item in items] == [
        known[0],
        article_id("herald", "never"),
        article_id("herald", "gone"),
        *reversed(known),
    ]
    assert [item["views"] for item in items[:3]] == [1, None, None]
    assert [item.get("status") for item in items[:3]] == [None, 404, 410]
    again = await site.http.get(str(response.request.url), headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


BEACONS: list[tuple[bytes, dict[bytes, bytes], int]] = [
    (b"{", {}, 400),
    (b"\xff\xfe", {}, 400),
    (b"[" * 4000, {}, 400),
    (b"[]", {}, 422),
    (b"{}", {}, 422),
    (b'{"article": 7}', {}, 422),
    (b'{"article": "no id"}', {}, 422),
    (b'{"article": "herald:\\ud800"}', {}, 422),
    (b'{"article": "' + b"x" * 5000 + b'"}', {}, 413),
    (b'{"article": "herald:ferry"}', {b"Content-Type": b"image/png"}, 415),
    (b'{"article": "herald:ferry"}', {b"Content-Type": b"text/plain;charset=UTF-8"}, 202),
    (b'{"article": "herald:ferry"}', {b"X-Forwarded-For": b"nonsense, , 1.2.3.4"}, 202),
    (b'{"article": "herald:ferry", "more": NaN}', {b"User-Agent": b"\xff" * 3000}, 202),
]
QUESTIONS = [
    ("/v1/views", 422),
    ("/v1/views?article=no-id", 400),
    ("/v1/views?" + "&".join(["article=herald:a"] * 101), 422),
    ("/v1/articles/no-id/views", 400),
    ("/v1/articles/herald:a%00b/views", 503),  # a fine guid; there is no projector in this test
]


async def test_bad_input_is_told_what_is_wrong(roles: Roles, http: httpx.AsyncClient) -> None:
    api = await roles.start("views-api")
    for body, headers, status in BEACONS:
        response = await http.post(f"{api.url}/v1/views", content=body, headers=headers)
        assert response.status_code == status, (body, response.text)
        if status != 202:
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["detail"]
    for path, status in QUESTIONS:
        response = await http.get(f"{api.url}{path}")
        assert response.status_code == status, (path, response.text)
        assert response.headers["content-type"] == "application/problem+json"
    document = (await http.get(f"{api.url}/openapi.json")).json()
    assert set(document["paths"]["/v1/views"]) == {"get", "post"}
    assert "/v1/articles/{article}/views" in document["paths"]


async def test_an_untrusted_peers_x_forwarded_for_is_ignored(
    roles: Roles, fresh_backend: Backend, http: httpx.AsyncClient
) -> None:
    await roles.start("views-projector")
    site = Site(await roles.start("views-api", NEWS_TRUSTED_PROXIES="10.0.0.0/8"), fresh_backend, http)
    [article] = await announce(fresh_backend, [published("ferry")])
    for n in range(5):
        await site.open(article, address=f"192.0.2.{n}")
    await site.counted(article, views=1, readers=1, filtered={**NOBODY, "repeat": 4})


async def test_an_address_that_sends_too_much_does_not_count_and_is_then_refused(
    roles: Roles, fresh_backend: Backend, http: httpx.AsyncClient
) -> None:
    await roles.start("views-projector")
    api = await roles.start("views-api", NEWS_VIEWS_BURST_PER_MINUTE="3", NEWS_VIEWS_LIMIT_PER_MINUTE="5")
    site = Site(api, fresh_backend, http)
    [article] = await announce(fresh_backend, [published("ferry")])
    answers = [(await site.open(article, User_Agent=f"{BROWSER} {n}")) for n in range(6)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert "Retry-After" in answers[-1].headers
    await site.counted(article, views=3, filtered={**NOBODY, "burst": 2})


async def test_while_kafka_is_away_beacons_are_told_to_come_again_and_counts_are_still_answered(site: Site) -> None:
    [article] = await announce(site.backend, [published("ferry")])
    await site.open(article)
    await site.counted(article, views=1)
    with away(site.backend.kafka):
        begun = monotonic()
        answer = await site.open(article, address="192.0.2.2")
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert monotonic() - begun < 6
        counts = await site.counts(article)
        assert isinstance(counts, dict)
        assert counts["views"] == 1


async def test_a_full_queue_pushes_back_at_once(roles: Roles, fresh_backend: Backend, http: httpx.AsyncClient) -> None:
    patient = {"NEWS_KAFKA_DELIVERY_TIMEOUT": "PT60S", "NEWS_KAFKA_REQUEST_TIMEOUT": "PT60S"}
    site = Site(await roles.start("views-api", NEWS_VIEWS_QUEUE_BEACONS="5", **patient), fresh_backend, http)
    fresh_backend.kafka.freeze()
    try:
        opened = [asyncio.create_task(site.open("herald:ferry", address=f"192.0.2.{n}")) for n in range(12)]
        await until(lambda: sum(task.done() for task in opened) == 7, "those that find no room to be told so")
    finally:
        fresh_backend.kafka.thaw()
    refused = [task.result() for task in opened if task.done()]
    assert {answer.json()["type"] for answer in refused} == {"/problems/at-capacity"}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    answers = await asyncio.gather(*opened)
    assert sorted(answer.status_code for answer in answers) == [202] * 5 + [503] * 7


async def test_at_sigterm_beacons_that_wait_for_kafka_are_answered_before_the_process_ends(
    roles: Roles, fresh_backend: Backend, http: httpx.AsyncClient
) -> None:
    patient = {"NEWS_KAFKA_DELIVERY_TIMEOUT": "PT60S", "NEWS_KAFKA_REQUEST_TIMEOUT": "PT60S"}
    site = Site(await roles.start("views-api", NEWS_VIEWS_QUEUE_BEACONS="5", **patient), fresh_backend, http)
    fresh_backend.kafka.freeze()
    try:
        opened = [asyncio.create_task(site.open("herald:ferry", address=f"192.0.2.{n}")) for n in range(6)]
        await until(lambda: any(task.done() for task in opened), "the queue to be full")
        stopping = asyncio.create_task(site.api.stop())

        async def is_deaf() -> bool:
            try:
                await asyncio.open_connection("127.0.0.1", urlsplit(site.api.url).port)
            except OSError:
                return True
            return False

        await until(is_deaf, "the process to take no more connections")
    finally:
        fresh_backend.kafka.thaw()
    answers = await asyncio.gather(*opened)
    assert sorted(answer.status_code for answer in answers) == [202] * 5 + [503]
    assert {answer.headers.get("connection") for answer in answers if answer.status_code == 202} == {"close"}
    assert await stopping == -signal.SIGTERM, "uvicorn ends by the signal that it was stopped with"


async def test_while_redis_is_away_beacons_are_taken_by_who_has_a_salt(
    roles: Roles, fresh_backend: Backend, http: httpx.AsyncClient
) -> None:
    site = Site(await roles.start("views-api"), fresh_backend, http)
    with away(fresh_backend.redis):
        assert (await site.open("herald:ferry")).status_code == 202
        assert (await http.get(f"{site.api.url}/v1/articles/herald:ferry/views")).status_code == 503

        late = roles.make("views-api", instance="1")
        late.launch()
        newcomer = Site(late, fresh_backend, http)

        async def answers() -> bool:
            try:
                return (await newcomer.open("herald:ferry")).status_code == 503
            except httpx.TransportError:
                return False

        await until(answers, "the process without a salt to answer", seconds=30)
        assert (await newcomer.open("herald:ferry", Sec_GPC="1")).status_code == 202, (
            "no hash is made, no salt is needed"
        )

    await late.ready()
    assert (await newcomer.open("herald:ferry")).status_code == 202
