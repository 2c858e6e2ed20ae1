"""What is rising and what was read most: the oracle's answer, whatever is asked, and over HTTP at once."""

from collections.abc import AsyncIterator, Iterable
from math import isclose

import httpx
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from news_shared.clock import epoch_ms, from_epoch_ms, system_clock
from news_shared.projection.slots import Slots
from news_shared.redis_client import open_redis
from news_views.counting.trending import (
    HALF_LIFE_MS,
    INDEXED,
    WINDOWS,
    Window,
    add_logs,
    decayed,
    scope_asked,
    scopes_of,
)
from news_views.queries.trending_query import Selection, TrendingQuery
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles
from tests.testbed.waiting import until
from tests.views.newsroom_events import announce, published, withdrawn
from tests.views.oracle import Tally
from tests.views.partitions import is_caught_up, read_by_the_oracle, whole_log
from tests.views.readers import BROWSER
from tests.views.test_views_projector import HOUR_MS, Partitions

HOURS = {"1h": 1, "24h": 24, "7d": 168}


@given(st.lists(st.floats(-1e7, 1e7), min_size=2, max_size=20), st.integers(0, 10))
def test_scores_added_in_any_order_are_the_same(logs: list[float], turn: int) -> None:
    def added(values: Iterable[float]) -> float:
        first, *rest = values
        for value in rest:
            first = add_logs(first, value)
        return first

    turned = logs[turn % len(logs) :] + logs[: turn % len(logs)]
    assert isclose(added(logs), added(turned), abs_tol=1e-6)


@pytest.mark.parametrize("window", WINDOWS)
def test_a_view_weighs_half_after_half_the_window(window: Window) -> None:
    at = 1_768_478_400_000 / HALF_LIFE_MS[window]
    for halves in range(4):
        assert isclose(
            decayed(at, window, 1_768_478_400_000 + halves * HALF_LIFE_MS[window]), 0.5**halves, rel_tol=1e-6
        )


def test_an_article_stands_in_the_lists_of_its_themes_and_its_languages_ranges_once_each() -> None:
    scopes = scopes_of("uk-UA", ("Middle East", "middle-east", "…", "Порт"))
    assert scopes == ("all", "l=uk", "l=uk-ua", "t=middle-east", "t=порт")
    assert scope_asked(None, "UK_ua") in scopes
    assert scope_asked("MIDDLE  EAST", "uk") in scopes
    assert len(scopes_of("en", tuple(f"theme {n}" for n in range(40)))) == 18


@pytest_asyncio.fixture
async def views(fresh_backend: Backend) -> AsyncIterator[Partitions]:
    async with open_redis(fresh_backend.redis_settings) as redis:
        yield Partitions(fresh_backend, redis)


async def test_every_selection_is_answered_as_the_oracle_says_also_after_redis_was_lost(
    views: Partitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    await views.write(30_000)
    asked_at = epoch_ms(system_clock()) - 34 * HOUR_MS + 17 * 60_000  # the traffic ended not long ago
    query = TrendingQuery(Slots(views.redis, "views"), PARTITIONS, lambda: from_epoch_ms(asked_at))
    async with views.projecting() as projector:

        async def is_answered() -> bool:
            return await is_caught_up(views.backend, views.redis) and not projector.unready()

        await until(is_answered, "every partition to answer")
        logs = await whole_log(views.backend.kafka_settings, "news.views")
        tallies = {
            article: tally
            for oracle in read_by_the_oracle(logs, views.settings).values()
            for article, tally in oracle.articles.items()
            if tally.state == "known"
        }
        await assert_answers(query, tallies, asked_at)
        await views.flushed()
        await views.redis.flushall()
        await until(is_answered, "every partition to answer again")
        monkeypatch.setattr("news_views.queries.trending_query._LOOKS", (1, 2, INDEXED))  # the first does not settle it
        await assert_answers(query, tallies, asked_at)


async def assert_answers(query: TrendingQuery, tallies: dict[str, Tally], now_ms: int) -> None:
    answered = 0
    for window in WINDOWS:
        for theme, language in ((None, None), ("Theme-1", None), (None, "uk"), (None, "uk-ua"), ("theme 1", "de")):
            for limit in (1, 10, 100):
                selection = Selection(window, limit, theme, language)
                chosen = {article: tally for article, tally in tallies.items() if is_selected(tally, theme, language)}

                half_life = HOURS[window] * HOUR_MS // 2
                scores = {
                    article: 2 ** (tally.log_score(half_life) - now_ms / half_life)
                    for article, tally in chosen.items()
                    if tally.viewed_ms
                }
                rising = sorted((-score, article) for article, score in scores.items() if score >= 0.01)[:limit]
                found = (await query.rising(selection)).items
                assert [item.article for item in found] == [article for _, article in rising]
                assert all(
                    isclose(item.score, -score, rel_tol=1e-6) for item, (score, _) in zip(found, rising, strict=True)
                )

                begin = (now_ms // HOUR_MS - HOURS[window]) * HOUR_MS
                read = sorted(
                    (-views, article) for article, tally in chosen.items() if (views := tally.views_since(begin))
                )[:limit]
                ranking = await query.most_read(selection)
                assert epoch_ms(ranking.begin) == begin
                assert [(-item.views, item.article) for item in ranking.items] == read
                answered += len(found) + len(read)
    assert answered > 1000


def is_selected(tally: Tally, theme: str | None, language: str | None) -> bool:
    is_in_theme = theme is None or theme.lower().replace(" ", "-") in {t.replace(" ", "-") for t in tally.themes}
    tag = tally.language.lower()
    return is_in_theme and (language is None or tag == language or tag.startswith(f"{language}-"))


class Site:
    """The service as a page sees it."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url, self.http = url, http

    async def open(self, article: str, address: str) -> None:
        headers = {"User-Agent": BROWSER, "X-Forwarded-For": address}
        answer = await self.http.post(f"{self.url}/v1/views", json={"article": article}, headers=headers)
        assert answer.status_code == 202

    async def listed(self, path: str, expected: list[str]) -> httpx.Response:
        """Wait until a list has these articles."""
        answers: list[httpx.Response] = []

        async def is_so() -> bool:
            answers[:] = [await self.http.get(f"{self.url}{path}")]
            return [item["article"] for item in answers[0].json().get("items", [])] == expected

        await until(is_so, f"{path} to list {expected}", seconds=20)
        return answers[0]


@pytest_asyncio.fixture
async def site(roles: Roles, fresh_backend: Backend) -> AsyncIterator[Site]:
    await roles.start("views-projector")
    api = await roles.start("views-api")
    async with plain_client(timeout=15) as http:
        yield Site(api.url, http)


async def test_a_page_sees_what_rises_and_a_withdrawn_article_leaves_both_lists(
    site: Site, fresh_backend: Backend
) -> None:
    ferry, harbour = await announce(fresh_backend, [published("ferry"), published("harbour")])
    await site.listed("/v1/trending", [])
    for reader in range(3):
        await site.open(ferry, f"192.0.2.{reader}")
    await site.open(harbour, "192.0.2.9")

    rising = await site.listed("/v1/trending?window=1h&theme=port-morrow&language=en", [ferry, harbour])
    first = rising.json()["items"][0]
    assert (first["language"], first["themes"]) == ("en", ["Port Morrow"])
    assert 2.9 < first["score"] <= 3
    read = await site.listed("/v1/most-read?window=7d", [ferry, harbour])
    assert [item["views"] for item in read.json()["items"]] == [3, 1]
    await site.listed("/v1/most-read?language=de", [])

    for answer in (rising, read):
        again = await site.http.get(answer.request.url, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
    await site.open(harbour, "192.0.2.10")

    async def is_new() -> bool:
        url, known = rising.request.url, rising.headers["ETag"]
        return (await site.http.get(url, headers={"If-None-Match": known})).status_code == 200

    await until(is_new, "a view to change the answer")

    await announce(fresh_backend, [withdrawn("ferry", 2)])
    await site.listed("/v1/trending?window=1h", [harbour])
    await site.listed("/v1/most-read", [harbour])
    await announce(fresh_backend, [published("ferry", 3)])
    await site.listed("/v1/trending?window=24h&limit=1", [ferry])
    await site.listed("/v1/most-read?window=1h", [ferry, harbour])


async def test_what_cannot_be_asked_is_refused_with_a_reason(site: Site) -> None:
    for path in ("/v1/trending", "/v1/most-read"):
        for query in ("window=2h", "limit=0", "limit=101", "limit=x", "language=!", "theme=%E2%80%A6"):
            answer = await site.http.get(f"{site.url}{path}?{query}")
            assert answer.status_code == 422, query
            assert answer.headers["content-type"] == "application/problem+json"
            assert query.partition("=")[0] in answer.text
    document = (await site.http.get(f"{site.url}/openapi.json")).json()
    for path, value in (("/v1/trending", "score"), ("/v1/most-read", "views")):
        example = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        answer = (await site.http.get(f"{site.url}{path}")).json()
        assert answer.keys() == example.keys()
        assert value in example["items"][0]
