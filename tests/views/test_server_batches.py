"""Beacons that servers collected: lines with their mistakes, salts of the lines' own times, and the whole way."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from starlette.requests import ClientDisconnect

from news_shared.article_ids import article_id, partition_of
from news_shared.clock import epoch_ms, rfc3339, system_clock
from news_shared.errors import OverloadError, TransientError
from news_shared.producer import Producer, open_producer
from news_shared.topics import VIEWS
from news_views.beacons.bursts import MinutePaces, Pace
from news_views.beacons.client_address import TrustedProxies, network_bytes
from news_views.beacons.metrics import BeaconMetrics
from news_views.beacons.readers import reader_hash
from news_views.beacons.rules import BeaconRules
from news_views.beacons.salts import Salt, SaltRing
from news_views.beacons.server_batches import REQUESTS_AT_ONCE, LinesTaken, ServerBatchIntake
from news_views.beacons.server_lines import ServerLine, read_line
from news_views.view_log import Batch, Flag, decode
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.waiting import until
from tests.views.newsroom_events import announce, published
from tests.views.partitions import raw_log
from tests.views.readers import BROWSER, CRAWLER

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
FERRY = article_id("herald", "ferry")
NOBODY_LISTENS = "127.0.0.1:1"


def a_line(*, time: datetime = NOW, **changed: object) -> bytes:
    line = {"article": "herald:ferry", "time": rfc3339(time), "ip": "192.0.2.7", "user_agent": BROWSER, **changed}
    return json.dumps({name: value for name, value in line.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (None, "too long"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 8000, "not JSON"),
        (b"[]", "not a JSON object"),
        (a_line(article=...), "article: a string is missing"),
        (a_line(article="no id"), "article: "),
        (a_line(article="herald:\ud800"), "article: "),
        (a_line(time=NOW - timedelta(minutes=10, seconds=1)), "time: more than 10 minutes ago"),
        (a_line(time=NOW + timedelta(seconds=61)), "time: more than 1 minute ahead"),
        (b'{"article": "herald:ferry", "time": "2026-01-15T12:00:00", "ip": "::1", "user_agent": ""}', "time: not RFC"),
        (b'{"article": "herald:ferry", "time": "0001-01-01T00:00:00+23:59", "ip": "::1", "user_agent": ""}', "time: "),
        (b'{"article": "herald:ferry", "time": "noon", "ip": "::1", "user_agent": ""}', "time: not RFC"),
        (a_line(ip=...), "ip: a string is missing"),
        (a_line(ip="example.com"), "ip: not an"),
        (a_line(user_agent=None), "user_agent: a string is missing"),
        (a_line(purpose=7), "purpose: not a string"),
        (a_line(gpc="true"), "gpc: neither true nor false"),
        (a_line(dnt=2), "dnt: neither true nor false"),
        (a_line(gpc=True, dnt=[1]), "dnt: neither true nor false"),
    ],
)
def test_a_line_is_told_what_is_wrong_with_it(line: bytes | None, error: str) -> None:
    errors = read_line(line, NOW, PARTITIONS)
    assert isinstance(errors, list)
    assert any(one.startswith(error) or error in one for one in errors), errors


def test_a_line_says_all_that_is_wrong_at_once() -> None:
    errors = read_line(b'{"gpc": 0, "ip": "x"}', NOW, PARTITIONS)
    assert isinstance(errors, list)
    assert {error.partition(":")[0] for error in errors} == {"article", "time", "ip", "user_agent"}


def test_who_opted_out_needs_no_address_and_a_clock_ahead_is_now() -> None:
    line = read_line(a_line(ip=..., gpc=True, time=NOW + timedelta(seconds=30)), NOW, PARTITIONS)
    assert isinstance(line, ServerLine)
    assert (line.article, line.partition) == (FERRY, partition_of(FERRY, PARTITIONS))
    assert (line.is_opted_out, line.address, line.time) == (True, None, NOW)


@pytest.mark.parametrize(
    ("said", "is_opted_out"),
    [(True, True), (1, True), ("1", True), (False, False), (0, False), ("0", False), (None, False)],
)
def test_an_opt_out_is_told_by_yes_or_no_as_json_or_as_its_header_has_it(said: object, is_opted_out: bool) -> None:
    for written in (a_line(gpc=said), a_line(dnt=said)):
        line = read_line(written, NOW, PARTITIONS)
        assert isinstance(line, ServerLine)
        assert line.is_opted_out is is_opted_out


_VALUES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([1])


@given(
    st.dictionaries(st.sampled_from(["article", "time", "ip", "user_agent", "gpc", "purpose"]), _VALUES).map(json.dumps)
    | st.text()
)
def test_no_line_breaks_the_reader(text: str) -> None:
    assert isinstance(read_line(text.encode(errors="replace"), NOW, PARTITIONS), list)


def test_a_burst_is_told_by_the_minute_that_beacons_were_made_in_whatever_order_they_come_in() -> None:
    paces = MinutePaces(burst=2)
    minute = 60_000
    with paces.request() as pace_of:
        paced = [pace_of(b"a", time) for time in (5 * minute, 4 * minute, 5 * minute, 4 * minute)]
    with paces.request() as pace_of:
        paced.append(pace_of(b"a", 5 * minute))
        assert pace_of(b"b", 5 * minute) is Pace.COUNT
    assert paced == [Pace.COUNT] * 4 + [Pace.BURST]


def test_addresses_are_forgotten_by_the_clock_and_a_clock_that_was_set_back_keeps_its_minute() -> None:
    paces = MinutePaces(burst=2)
    minute = 60_000

    def paced(time: int) -> Pace:
        with paces.request() as pace_of:
            return pace_of(b"a", time)

    for ahead in range(100, 114):  # an hour and a half ahead
        paced(ahead * minute)
    assert [paced(9 * minute) for _ in range(3)] == [Pace.COUNT, Pace.COUNT, Pace.BURST]
    paces.forget(20 * minute)
    assert paced(9 * minute) is Pace.BURST
    paces.forget(21 * minute)
    assert [paced(9 * minute), paced(113 * minute)] == [Pace.COUNT, Pace.COUNT]


async def chunked(*lines: bytes) -> AsyncIterator[bytes]:
    body = b"\n".join(lines)
    for start in range(0, len(body), 100):
        yield body[start : start + 100]


def an_intake(producer: Producer, now: datetime, ring: SaltRing, paces: MinutePaces | None = None) -> ServerBatchIntake:
    return ServerBatchIntake(
        producer,
        BeaconRules(ring, lambda: now),
        paces or MinutePaces(burst=100),
        TrustedProxies(""),
        BeaconMetrics(CollectorRegistry()),
        lambda: now,
        PARTITIONS,
    )


async def test_more_batches_than_can_be_read_at_once_are_told_to_come_again(backend: Backend) -> None:
    finish = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await finish.wait()

    async with open_producer(backend.kafka_settings) as producer:
        intake = an_intake(producer, NOW, SaltRing(timedelta(minutes=31)))
        reading = [asyncio.create_task(intake.take(slow())) for _ in range(REQUESTS_AT_ONCE)]
        await asyncio.sleep(0)  # each begins
        with pytest.raises(OverloadError):
            await intake.take(chunked(b"{"))
        finish.set()
        assert [taken.rejected_count for taken in await asyncio.gather(*reading)] == [1] * REQUESTS_AT_ONCE
        assert (await intake.take(chunked(b"{"))).rejected_count == 1


async def test_a_batch_that_is_sent_again_because_kafka_was_away_is_no_burst(fresh_backend: Backend) -> None:
    paces, ring = MinutePaces(burst=30), SaltRing(timedelta(minutes=31))
    ring.adopt(Salt(NOW.date(), b"s" * 32), NOW)
    lines = [a_line(user_agent=f"{BROWSER} {n}") for n in range(30)]
    away = fresh_backend.kafka_settings.model_copy(update={"bootstrap": NOBODY_LISTENS})
    async with open_producer(away) as silent, open_producer(fresh_backend.kafka_settings) as producer:
        for _ in range(3):
            with pytest.raises(TransientError):
                await an_intake(silent, NOW, ring, paces).take(chunked(*lines))
        await an_intake(producer, NOW, ring, paces).take(chunked(*lines))
        await an_intake(producer, NOW, ring, paces).take(chunked(a_line()))  # and one that really is too many
    log = await raw_log(fresh_backend.kafka_settings, VIEWS, partition_of(FERRY, PARTITIONS))
    batches = [batch for batch in map(decode, log) if isinstance(batch, Batch)]
    assert [batch.flags for batch in batches] == [bytes(30), bytes([Flag.BURST])]


async def test_a_batch_whose_sender_hung_up_is_no_part_of_a_burst(fresh_backend: Backend) -> None:
    async def cut_off() -> AsyncIterator[bytes]:
        yield b"\n".join([a_line()] * 600) + b"\n"
        raise ClientDisconnect

    paces, ring = MinutePaces(burst=500), SaltRing(timedelta(minutes=31))
    ring.adopt(Salt(NOW.date(), b"s" * 32), NOW)
    async with open_producer(fresh_backend.kafka_settings) as producer:
        with pytest.raises(ClientDisconnect):
            await an_intake(producer, NOW, ring, paces).take(cut_off())
    with paces.request() as pace_of:
        assert pace_of(network_bytes("192.0.2.7"), epoch_ms(NOW)) is Pace.COUNT


async def taken_at(backend: Backend, now: datetime, ring: SaltRing, *lines: bytes) -> tuple[LinesTaken, list[Batch]]:
    """Take lines at a moment; the answer, and the records of the ferry's partition."""
    async with open_producer(backend.kafka_settings) as producer:
        intake = an_intake(producer, now, ring)
        taken = await intake.take(chunked(*lines))
    log = await raw_log(backend.kafka_settings, VIEWS, partition_of(FERRY, PARTITIONS))
    return taken, [batch for batch in map(decode, log) if isinstance(batch, Batch)]


async def test_lines_around_midnight_are_hashed_with_their_own_days_salts(fresh_backend: Backend) -> None:
    midnight = datetime(2026, 1, 15, tzinfo=UTC)
    now = midnight + timedelta(minutes=3)
    ring = SaltRing(timedelta(minutes=31))
    yesterday, today = (Salt((midnight + timedelta(hours=h)).date(), bytes([h + 2]) * 32) for h in (-1, 1))
    for salt in (yesterday, today):
        ring.adopt(salt, now)
    times = [midnight + timedelta(seconds=s) for s in (30, -30, 60, -60)]
    taken, batches = await taken_at(fresh_backend, now, ring, *(a_line(time=time) for time in times))
    assert (taken.accepted, taken.rejected) == (4, [])

    old, new = (
        reader_hash(salt, network_bytes("192.0.2.7"), BROWSER.encode()).to_bytes(8, "little")
        for salt in (yesterday, today)
    )
    columns = [(batch.salt, batch.size, batch.readers, batch.former_readers) for batch in batches]
    assert columns == [(yesterday.name, 2, old * 2, None), (today.name, 2, new * 2, old * 2)]


async def test_lines_far_apart_keep_their_times(fresh_backend: Backend) -> None:
    ring = SaltRing(timedelta(minutes=31))
    ring.adopt(Salt(NOW.date(), b"s" * 32), NOW)
    ages = [0, 599, 60, 300, 125, 600, 64]
    _, batches = await taken_at(fresh_backend, NOW, ring, *(a_line(time=NOW - timedelta(seconds=age)) for age in ages))
    kept = [
        batch.first_ms + int.from_bytes(batch.after_ms[2 * n : 2 * n + 2], "little")
        for batch in batches
        for n in range(batch.size)
    ]
    assert kept == [round((NOW - timedelta(seconds=age)).timestamp() * 1000) for age in sorted(ages, reverse=True)]


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with plain_client(timeout=15) as client:
        yield client


class Edge:
    """A server that passes its readers' beacons on."""

    def __init__(self, api: RoleProcess, http: httpx.AsyncClient, key: str = "dev") -> None:
        self._url = f"{api.url}/v1/views/batch"
        self._http = http
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}

    async def send(self, *lines: bytes, **headers: str) -> httpx.Response:
        sent = {**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self._http.post(self._url, content=b"\n".join(lines), headers=sent)


async def test_a_servers_batch_counts_like_its_readers_own_beacons_also_when_it_is_sent_twice(
    roles: Roles, fresh_backend: Backend, http: httpx.AsyncClient
) -> None:
    await roles.start("views-projector")
    api = await roles.start("views-api", NEWS_VIEWS_BURST_PER_MINUTE="5")
    edge = Edge(api, http)
    [article] = await announce(fresh_backend, [published("ferry")])
    url = f"{api.url}/v1/articles/{article}/views"

    async def views_are(expected: int, **filtered: int) -> None:
        async def is_so() -> bool:
            counts = (await http.get(url)).json()
            return bool(
                counts.get("views") == expected
                and {name: counts["filtered"][name] for name in filtered} == filtered
                and counts["readers"] == expected
            )

        await until(is_so, f"{expected} views and {filtered}", seconds=20)

    now = system_clock()
    lines = [
        a_line(time=now - timedelta(minutes=9)),
        a_line(time=now, ip="192.0.2.8"),
        a_line(time=now, ip="192.0.2.8"),
        a_line(time=now, ip="2001:db8::1"),
        a_line(time=now, user_agent=CRAWLER),
        a_line(time=now, purpose="prefetch"),
        a_line(time=now, ip=..., dnt="1"),
        a_line(time=now - timedelta(minutes=11)),
        b"",
        b"{",
    ]
    answer = await edge.send(*lines)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 7
    assert [(r["line"], len(r["errors"])) for r in answer.json()["rejected"]] == [(8, 1), (10, 1)]
    await views_are(3, repeat=1, bot=1, prefetch=1, opted_out=1, burst=0)

    single = {"User-Agent": BROWSER, "X-Forwarded-For": "192.0.2.8"}
    await http.post(f"{api.url}/v1/views", json={"article": article}, headers=single)
    await views_are(3, repeat=2)

    assert (await edge.send(*lines)).json()["accepted"] == 7
    await views_are(3, repeat=6, bot=2, prefetch=2, opted_out=2)

    many = [a_line(time=now - timedelta(minutes=5), ip="192.0.2.9", user_agent=f"{BROWSER} {n}") for n in range(8)]
    assert (await edge.send(*many)).json()["accepted"] == 8
    await views_are(8, burst=3)


async def test_only_who_may_write_views_sends_batches_and_only_as_lines(
    roles: Roles, fresh_backend: Backend, http: httpx.AsyncClient
) -> None:
    ingest = await roles.start("ingest-api")
    api = await roles.start("views-api", NEWS_VIEWS_BATCH_BYTES="2000")
    admin = {"Authorization": "Bearer dev"}
    await http.post(f"{ingest.url}/v1/sources", json={"id": "edge"}, headers=admin)
    keys = [
        (await http.post(f"{ingest.url}/v1/sources/edge/keys", json={"scopes": [scope]}, headers=admin)).json()["token"]
        for scope in ("views:write", "articles:write")
    ]
    edge, newsroom, stranger = (Edge(api, http, key) for key in (*keys, "edge.0000.secret"))
    line = a_line(time=system_clock())

    async def is_known() -> bool:
        return (await newsroom.send(line)).status_code == 403

    await until(is_known, "the views API to know the keys", seconds=20)
    assert (await edge.send(line)).status_code == 202
    for answer, status in (
        (await stranger.send(line), 401),
        (await newsroom.send(line), 403),
        (await edge.send(*[line] * 20), 413),
        (await edge.send(line, Content_Type="application/json"), 415),
        (await edge.send(line, Content_Encoding="gzip"), 415),
        (await edge.send(b""), 422),
        (await edge.send(b"{", b"x" * 1900), 422),
    ):
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    assert [r["line"] for r in answer.json()["rejected"]] == [1, 2]
    document = (await http.get(f"{api.url}/openapi.json")).json()
    assert "application/x-ndjson" in document["paths"]["/v1/views/batch"]["post"]["requestBody"]["content"]


async def test_while_kafka_is_away_a_batch_is_told_to_come_again(
    roles: Roles, fresh_backend: Backend, http: httpx.AsyncClient
) -> None:
    edge = Edge(await roles.start("views-api"), http)
    fresh_backend.kafka.kill()
    try:
        answer = await edge.send(a_line(time=system_clock()))
    finally:
        fresh_backend.kafka.start()
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
