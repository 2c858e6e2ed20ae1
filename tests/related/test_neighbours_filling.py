"""Linking all anew: the newest first, across restarts, while queries are answered."""

import random
from datetime import timedelta
from unittest.mock import patch

import pytest

from news_related.app import create_api
from news_related.neighbours import linker, similarity
from news_shared.clock import epoch_ms
from tests.related.builders import NOON, a_vector, an_article, id_of
from tests.related.graph_on_redis import PREFIX, GraphOnRedis, link_all
from tests.related.neighbour_lists import a_newsroom, lists_in, searches_of
from tests.related.oracle import Oracle
from tests.related.running import running_app, settings_for
from tests.testbed.backends import PARTITIONS, Backend


async def test_when_nothing_is_linked_the_newest_are_searched_first_and_nothing_that_would_have_to_leave(
    stored: GraphOnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_newsroom(stored, 30)
    searched = searches_of(monkeypatch)
    neighbours = await stored.neighbours(size=10)
    with patch.multiple(linker, _PLACED_AT_ONCE=8, _FILLED_AT_ONCE=4):
        linked: list[set[str]] = []
        while await neighbours.turn():
            linked.append({key.decode() for key in await stored.redis.hkeys(PREFIX + "window")})
            assert len(linked) < 20
        neighbours = await stored.neighbours(size=10)
        await link_all(neighbours)
    assert [len(some) for some in linked] == [0, 0, 0, 4, 8], "24 are placed, then 6 placed and 4 searched"
    for some in linked:
        assert some == {id_of(f"g{n}") for n in range(30 - len(some), 30)}
    assert set(await lists_in(stored)) == {id_of(f"g{n}") for n in range(20, 30)}
    assert sum(searched) == 10


async def test_one_that_takes_over_half_way_goes_on_where_the_windows_are(
    stored: GraphOnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_newsroom(stored, 30)
    searched = searches_of(monkeypatch)
    with patch.multiple(linker, _PLACED_AT_ONCE=8, _FILLED_AT_ONCE=4):
        turns = 1
        while await (neighbours := await stored.neighbours(size=10)).turn():
            assert not neighbours.is_live
            turns += 1
    assert turns == 6
    assert sum(searched) == 10
    assert len(await lists_in(stored)) == 10


async def test_a_new_article_does_not_wait_until_the_windows_are_filled(stored: GraphOnRedis) -> None:
    await a_newsroom(stored, 30)
    neighbours = await stored.neighbours(size=20)
    with patch.multiple(linker, _PLACED_AT_ONCE=30, _FILLED_AT_ONCE=4):
        await neighbours.turn()
        await stored.apply([an_article("new", date=NOON + timedelta(days=1))])
        await stored.keep([a_vector("new", 1, 100)])
        assert await neighbours.turn()
        lists = await lists_in(stored)
        assert len(lists) == 4 + 1 + 4
        assert {key for key, _ in lists[id_of("new")]} == lists.keys() - {id_of("new")}
        await link_all(neighbours)
    assert len(await lists_in(stored)) == 20


async def as_of(stored: GraphOnRedis) -> int | None:
    found = await stored.redis.hget(PREFIX + "as-of", PREFIX + "state:neighbours:0")
    return None if found is None else int(found)


async def test_nothing_is_linked_before_all_that_feeds_it_is_live_and_then_queries_are_let_in(
    stored: GraphOnRedis,
) -> None:
    await a_newsroom(stored, 30)
    neighbours = await stored.neighbours(size=20, others=2)  # one of them is there from the beginning
    with patch.multiple(linker, _FILLED_AT_ONCE=4):
        assert not await neighbours.turn()
        assert await stored.redis.zcard(PREFIX + "unlinked") == 30
        assert await as_of(stored) is None
        await stored.redis.hset(PREFIX + "as-of", "other", "0")
        assert await neighbours.turn()
        assert await as_of(stored) == 0, "queries are answered, with what there is, and are told that it is not all"
        restarted = await stored.neighbours(size=20, others=2)
        assert await restarted.turn()
        assert not restarted.is_live
        assert await as_of(stored) == 0
        await link_all(restarted)
        assert restarted.is_live
        complete = await as_of(stored)
        assert complete
        await stored.keep([a_vector(f"g{n}", 1, 1) for n in range(20, 30)])
        assert await (await stored.neighbours(size=20, others=2)).turn() is False
        assert (await as_of(stored) or 0) >= complete, "it does not become that of nothing again"


async def test_while_all_is_linked_anew_lists_are_answered_from_the_newest_on(
    stored: GraphOnRedis, backend: Backend
) -> None:
    await a_newsroom(stored, 30)
    fed = {"test": epoch_ms(NOON)} | {f"other {n}": epoch_ms(NOON) for n in range(1, 3 * PARTITIONS)}
    await stored.redis.hset(PREFIX + "as-of", mapping=fed)
    neighbours = await stored.neighbours(others=len(fed))
    async with running_app(create_api(settings_for(backend))) as api:

        async def similar_to(guid: str) -> tuple[str, int]:
            answer = await api.get(f"/v1/articles/{id_of(guid)}/related", params={"kind": "similar", "raw": 1})
            assert answer.status_code == 200, answer.text
            return answer.json()["as_of"], len(answer.json()["items"])

        assert (await api.get(f"/v1/articles/{id_of('g29')}/related")).status_code == 503
        with patch.multiple(linker, _FILLED_AT_ONCE=4):
            await neighbours.turn()
            assert await similar_to("g29") == ("1970-01-01T00:00:00Z", 3)
            assert await similar_to("g0") == ("1970-01-01T00:00:00Z", 0)
            await link_all(neighbours)
        assert await similar_to("g29") == await similar_to("g0") == ("2026-01-15T12:00:00Z", 10)


async def test_after_a_restart_no_list_is_searched_anew_for_articles_that_leave_a_full_window(
    stored: GraphOnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, more = 2 * (similarity.SHOWN_NEIGHBOURS + similarity.SPARE), 12
    events = [an_article(f"g{n}", date=NOON + timedelta(minutes=n)) for n in range(size + more)]
    chance = random.Random(4)
    vectors = [a_vector(f"g{n}", *(chance.randrange(-99, 100) for _ in range(8))) for n in range(size + more)]
    await stored.apply(events, at_once=50)
    await stored.keep(vectors[:size])
    await link_all(await stored.neighbours(size=size))
    restarted = await stored.neighbours(size=size)
    searched = searches_of(monkeypatch)
    for vector in vectors[size:]:
        await stored.keep([vector])
        await link_all(restarted)
    newest = Oracle.of(events[more:])
    assert newest.spares_go_on(lists := await stored.neighbour_lists(), vectors)
    assert min(map(len, lists.values())) >= similarity.SHOWN_NEIGHBOURS
    assert sum(searched) == more, "nothing but the articles that came"
