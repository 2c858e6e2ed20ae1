"""Imported totals: the last word of an origin holds, whatever comes twice, late, or for an article nobody knows yet."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from news_shared.article_ids import article_id, partition_of
from news_shared.clock import system_clock
from news_shared.errors import PoisonError
from news_shared.producer import Outgoing, open_producer
from news_shared.redis_client import open_redis
from news_shared.topics import VIEW_COUNTS
from news_views.changelog import (
    ArticleCounts,
    Counts,
    DayCounts,
    Imported,
    Key,
    day_number,
    day_text,
    decode_counts,
    encode_counts,
    encode_key,
)
from news_views.counting.counts import REASONS, Day
from news_views.counting.standing import Transition
from news_views.imports.intake import NumberedImport, read_import
from news_views.projection.imports import Said, imported_totals
from news_views.view_counts import article_counts, day_counts
from news_views.view_log import IMPORT_HEADERS, Import, PlacedImport, decode
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.waiting import until
from tests.views.builders import LogWriter, an_article, an_import
from tests.views.newsroom_events import announce, published, withdrawn
from tests.views.oracle import Oracle
from tests.views.partitions import Fields, stored_fields
from tests.views.readers import BROWSER
from tests.views.test_views_projector import run_rebuild

JUNE_30 = date(2025, 6, 30)
TODAY = date(2026, 1, 15)

imports = st.builds(
    an_import,
    article=st.sampled_from([an_article(1), an_article(2)]),
    origin=st.sampled_from(["old-site", "goatcounter"]),
    day=st.sampled_from([None, date(2025, 6, 29), JUNE_30]),
    views=st.integers(0, 9),
    readers=st.integers(0, 9),
)


@given(st.lists(imports), st.lists(st.integers(1, 4)))
def test_any_imports_in_any_portions_stand_as_the_oracle_says(said: list[Import], portions: list[int]) -> None:
    log = LogWriter()
    for one in said:
        log.imported(one)
    placed = [event for event in map(decode, log.records) if isinstance(event, PlacedImport)]
    standing: dict[Said, Imported] = {}
    for size in [*portions, len(placed)]:
        portion, placed = placed[:size], placed[size:]
        standing |= imported_totals(portion)
    found = {
        (day.article, day_text(day.day), origin): (total.views, total.readers)
        for (day, origin), total in standing.items()
    }
    oracle = Oracle(session_ms=1, grace_ms=1).read(log.records)
    assert found == {
        (article, day, origin): total
        for article, by_day in oracle.imports.items()
        for (day, origin), total in by_day.items()
    }


def test_an_import_comes_out_as_it_went_in() -> None:
    for said in (an_import(), an_import(day=None, views=0, readers=0)):
        placed = decode(LogWriter().imported(said))
        assert placed == PlacedImport(0, said)


GOOD: dict[str, Any] = {
    "v": 1,
    "article": an_article(),
    "origin": "old-site",
    "day": "2025-06-30",
    "views": 7,
    "readers": 5,
}


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"article": "herald:ferry"},
        {"origin": "Old Site"},
        {"day": "2025-02-30"},
        {"day": 1_751_241_600},
        {"day": "1970-01-01"},
        {"views": -1},
        {"views": 1.5},
        {"views": "7"},
        {"views": True},
        {"views": 1_000_000_001},
        {"readers": None},
    ],
)
def test_a_record_that_is_no_import_is_poison(changed: dict[str, object]) -> None:
    assert decode(LogWriter().raw(json.dumps(GOOD).encode(), IMPORT_HEADERS)) is not None
    with pytest.raises(PoisonError, match=f"not an import: (.|\n)*{next(iter(changed))}"):
        decode(LogWriter().raw(json.dumps(GOOD | changed).encode(), IMPORT_HEADERS))


def test_a_day_without_imports_is_written_as_before_there_were_any() -> None:
    counts = DayCounts(hours=(0,) * 24, readers=0, filtered=dict.fromkeys(REASONS, 0), sketch=b"", as_of=7)
    assert "imports" not in json.loads(encode_counts(counts))
    told = counts.model_copy(update={"imports": {"old-site": Imported(views=7, readers=5)}})
    for one in (counts, told):
        assert decode_counts(Day(an_article(), 3), encode_counts(one)) == one


def test_a_value_that_is_ahead_of_the_replay_stays_ahead_in_the_changelog() -> None:
    """Written with the replay's own offset, what it already holds would be counted again after the next restore."""
    standing = {b"revision": b"1", b"language": b"en", b"themes": b"[]", b"transitions": b'[[3, "known", 0]]'}
    for next_offset, as_of in ((11, 20), (21, 21)):
        article = article_counts({**standing, b"views": b"4", b"as_of": b"20"}, next_offset)
        day = day_counts({b"7": b"4", b"as_of": b"20"}, None, next_offset)
        assert (article and article.as_of, day and day.as_of) == (as_of, as_of)


def a_line(**changed: object) -> bytes:
    line = {"article": "herald:ferry", "day": "2025-06-30", "views": 7, "readers": 5, **changed}
    return json.dumps({name: value for name, value in line.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (None, "too long"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"article": "herald:ferry", "views": NaN}', "views: "),
        (b'{"article": "herald:ferry", "views": ' + b"[" * 900 + b"]" * 900 + b"}", ""),
        (a_line(article=...), "article: a string is missing"),
        (a_line(article="no id"), "article: "),
        (a_line(article="herald:\ud800"), "article: "),
        (a_line(day="yesterday"), "day: "),
        (a_line(day="2026-01-17"), "day: 2026-01-17 has not come yet"),
        (a_line(views=...), "views: "),
        (a_line(views=1.5), "views: "),
        (a_line(readers=-1), "readers: "),
        (a_line(date="2025-06-30"), "date: no such field"),
        (rb'{"article": "herald:ferry", "views": 1, "\ud800": 1}', "\\ud800: no such field"),
    ],
)
def test_a_line_is_told_what_is_wrong_with_it(line: bytes | None, error: str) -> None:
    errors = read_import((0, line), "old-site", TODAY)
    assert isinstance(errors, list)
    assert any(error in one for one in errors), errors


def test_a_line_says_all_that_is_wrong_at_once_and_what_may_be_left_away() -> None:
    errors = read_import((0, b'{"views": -1, "day": 7}'), "old-site", TODAY)
    assert isinstance(errors, list)
    assert {error.partition(":")[0] for error in errors} == {"article", "views", "day"}
    said = Import(article=article_id("herald", "ferry"), origin="old-site", views=7)
    assert read_import((4, a_line(day=..., readers=...)), "old-site", TODAY) == NumberedImport(5, said)


_VALUES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([1])


@given(
    st.dictionaries(st.sampled_from(["article", "day", "views", "readers", "v", "origin"]), _VALUES).map(json.dumps)
    | st.text()
)
def test_no_line_breaks_the_reader(text: str) -> None:
    assert isinstance(read_import((0, text.encode(errors="replace")), "old-site", TODAY), list)


async def test_a_recount_keeps_imports_that_the_log_holds_no_more(fresh_backend: Backend) -> None:
    """They were said once; unlike views they cannot be counted again."""
    article = an_article()
    partition = partition_of(article, PARTITIONS)
    filtered = dict.fromkeys(REASONS, 0)
    told = {"old-site": Imported(views=7, readers=5)}
    june = day_number(JUNE_30)
    values: dict[Key, Counts] = {
        article: ArticleCounts(
            views=3,
            state="known",
            revision=1,
            language="en",
            themes=(),
            transitions=(Transition(0, "known", 0),),
            as_of=9,
        ),
        Day(article, june): DayCounts(
            hours=(3, *[0] * 23), readers=0, filtered=filtered, sketch=b"", imports=told, as_of=9
        ),
    }
    async with open_producer(fresh_backend.kafka_settings) as producer:
        await producer.send_many(
            [Outgoing(VIEW_COUNTS, partition, encode_key(key), encode_counts(value)) for key, value in values.items()]
        )
    await run_rebuild(fresh_backend, recount=True)
    async with open_redis(fresh_backend.redis_settings) as redis:
        stored = await stored_fields(redis)
    expected = Fields("known", 1, "en", imports={("2025-06-30", "old-site"): (7, 5)}, imported=(7, 5))
    expected.imported_by_day = {"2025-06-30": (7, 5)}
    assert stored == {article: expected}


class Desk:
    """Who imports, and what the site shows then."""

    def __init__(self, api: RoleProcess, http: httpx.AsyncClient) -> None:
        self.api = api
        self.http = http

    async def send(self, *lines: bytes, key: str = "dev", origin: str = "old-site", **params: str) -> httpx.Response:
        return await self.http.post(
            f"{self.api.url}/v1/views/imports",
            params={"origin": origin, **params},
            content=b"\n".join(lines),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"},
        )

    async def open(self, article: str) -> None:
        response = await self.http.post(
            f"{self.api.url}/v1/views", json={"article": article}, headers={"User-Agent": BROWSER}
        )
        assert response.status_code == 202

    async def answer(self, path: str, **params: str) -> Any:
        response = await self.http.get(f"{self.api.url}{path}", params=params)
        return response.json() if response.status_code == 200 else response.status_code

    async def shows(self, article: str, views: int, readers: int) -> None:
        counts: Any = None

        async def is_so() -> bool:
            nonlocal counts
            counts = await self.answer(f"/v1/articles/{article}/views")
            return isinstance(counts, dict) and (counts["views"], counts["readers"]) == (views, readers)

        try:
            await until(is_so, f"{views} views and {readers} readers", seconds=20)
        except TimeoutError:
            raise AssertionError(counts) from None

    async def series(self, article: str, interval: str, **params: str) -> Sequence[dict[str, Any]]:
        found = await self.answer(f"/v1/articles/{article}/views/series", interval=interval, **params)
        return [point for point in found["points"] if point["views"]]


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with plain_client(timeout=15) as client:
        yield client


@pytest_asyncio.fixture
async def desk(roles: Roles, http: httpx.AsyncClient) -> Desk:
    api, projector = roles.make("views-api"), roles.make("views-projector")
    for process in (api, projector):
        process.launch()
    for process in (api, projector):
        await process.ready()
    return Desk(api, http)


async def test_totals_have_imports_series_have_their_days_and_nothing_rises_by_them(
    desk: Desk, fresh_backend: Backend
) -> None:
    [article] = await announce(fresh_backend, [published("ferry")])
    await desk.shows(article, 0, 0)
    await desk.open(article)
    await desk.shows(article, 1, 1)
    today = system_clock().date().isoformat()
    lines = [a_line(), a_line(day=..., views=100, readers=90), a_line(day=today, views=1000, readers=900)]
    accepted = await desk.send(*lines)
    assert (accepted.status_code, accepted.json()) == (202, {"accepted": 3})
    await desk.shows(article, 1108, 996)
    counts = await desk.answer(f"/v1/articles/{article}/views")
    assert counts["readers_today"] == 901

    [june] = await desk.series(article, "day", **{"from": "2025-06-01", "to": "2025-07-01"})
    assert (june["time"], june["views"], june["readers"]) == ("2025-06-30T00:00:00Z", 7, 5)
    assert await desk.series(article, "day", **{"from": "1970-01-01", "to": "1970-01-03"}) == []
    [now] = await desk.series(article, "day")
    assert (now["views"], now["readers"]) == (1001, 901)
    assert [point["views"] for point in await desk.series(article, "hour")] == [1]
    assert await desk.series(article, "hour", **{"from": "2025-06-30", "to": "2025-07-01"}) == []
    [risen] = (await desk.answer("/v1/trending", window="24h"))["items"]
    assert risen["score"] <= 1
    [read] = (await desk.answer("/v1/most-read", window="24h"))["items"]
    assert read["views"] == 1


async def test_the_last_word_of_an_origin_holds_and_zero_takes_it_back(desk: Desk, fresh_backend: Backend) -> None:
    [article] = await announce(fresh_backend, [published("ferry")])
    for _ in range(2):
        assert (await desk.send(a_line(), a_line(day="2025-07-01"))).status_code == 202
    await desk.shows(article, 14, 10)
    await desk.send(a_line(views=20, readers=6))
    await desk.shows(article, 27, 11)
    await desk.send(a_line(views=1, readers=1), origin="goatcounter")
    await desk.shows(article, 28, 12)
    await desk.send(a_line(views=0, readers=0), a_line(day="2025-07-01", views=0, readers=0))
    await desk.shows(article, 1, 1)


async def test_an_article_has_its_imports_when_it_becomes_known_and_when_it_is_restored(
    desk: Desk, fresh_backend: Backend
) -> None:
    await announce(fresh_backend, [published("bridge"), published("gone"), withdrawn("gone", 2)])
    await desk.shows("herald:bridge", 0, 0)
    lines = [a_line(article="herald:bridge"), a_line(), a_line(article="herald:gone")]
    checked = await desk.send(*lines, dry_run="1")
    assert checked.status_code == 200
    assert checked.json() == {"accepted": 3, "unknown": [{"line": 2, "article": article_id("herald", "ferry")}]}
    await desk.send(*lines)
    await desk.shows("herald:bridge", 7, 5)
    assert await desk.answer("/v1/articles/herald:ferry/views") == 404
    assert await desk.answer("/v1/articles/herald:gone/views") == 410
    await announce(fresh_backend, [published("ferry"), published("gone", 3)])
    await desk.shows("herald:ferry", 7, 5)
    await desk.shows("herald:gone", 7, 5)


async def test_a_request_with_one_wrong_line_writes_nothing_and_names_it(desk: Desk, fresh_backend: Backend) -> None:
    await announce(fresh_backend, [published("ferry")])
    await desk.shows("herald:ferry", 0, 0)
    answer = await desk.send(a_line(), b"", a_line(views=-1), a_line(day="2025-06-31"))
    assert answer.status_code == 422
    assert [(one["line"], len(one["errors"])) for one in answer.json()["rejected"]] == [(3, 1), (4, 1)]
    assert (await desk.send(a_line(), dry_run="1")).status_code == 200
    for refused, status in (
        (await desk.send(a_line(), key="nobody.0000.secret"), 401),
        (await desk.send(a_line(), origin="Old Site"), 422),
        (await desk.send(b""), 422),
        (await desk.send(*[a_line()] * 1001), 422),
        (await desk.send(b" " * 1_100_000), 413),
        (await desk.http.post(f"{desk.api.url}/v1/views/imports?origin=a", json={}), 401),
    ):
        assert refused.status_code == status, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
    wrong_type = await desk.http.post(
        f"{desk.api.url}/v1/views/imports?origin=a", json={}, headers={"Authorization": "Bearer dev"}
    )
    assert wrong_type.status_code == 415
    await desk.send(a_line(article="herald:ferry", day=..., views=1, readers=1))
    await desk.shows("herald:ferry", 1, 1)  # and nothing of what came before it


async def test_a_key_for_beacons_may_not_import(roles: Roles, desk: Desk) -> None:
    ingest = await roles.start("ingest-api")
    admin = {"Authorization": "Bearer dev"}
    await desk.http.post(f"{ingest.url}/v1/sources", json={"id": "edge"}, headers=admin)
    keys = f"{ingest.url}/v1/sources/edge/keys"
    tokens = [
        (await desk.http.post(keys, json={"scopes": [scope]}, headers=admin)).json()["token"]
        for scope in ("views:write", "admin")
    ]

    async def are_known() -> bool:
        return [(await desk.send(a_line(), key=token)).status_code for token in tokens] == [403, 202]

    await until(are_known, "the views API to know the keys", seconds=20)


async def test_while_kafka_is_away_an_import_is_told_to_come_again(desk: Desk, fresh_backend: Backend) -> None:
    fresh_backend.kafka.kill()
    try:
        answer = await desk.send(a_line())
    finally:
        fresh_backend.kafka.start()
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
