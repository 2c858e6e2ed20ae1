"""Linking by meaning on the backend's Redis: whatever comes in which order and whoever takes over, the same lists."""

import random
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from news_related.app import create_api
from news_related.neighbours import linker, similarity
from news_related.neighbours.pairs import Pairs
from news_related.neighbours.vector_projection import Arrival, decode_vector
from news_related.neighbours.window import Window
from news_related.vectors import Vector
from news_shared.article_ids import ArticleId
from news_shared.articles import ArticleEvent
from news_shared.clock import epoch_ms
from news_shared.errors import FencedError, PoisonError
from tests.related.builders import NOON, a_vector, a_withdrawal, an_article, id_of
from tests.related.graph_on_redis import PREFIX, GraphOnRedis, graph_on_redis, link_all
from tests.related.oracle import Neighbour, Oracle
from tests.related.running import running_app, settings_for
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.effort import often

_GUIDS = [f"g{n}" for n in range(7)]
Step = ArticleEvent | Vector | Arrival


@pytest_asyncio.fixture
async def stored(backend: Backend) -> AsyncIterator[GraphOnRedis]:
    async with graph_on_redis(backend) as graph:
        yield graph


def searches_of(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on, how many lists each search makes anew."""
    searched: list[int] = []
    search = Window._search

    def counted(window: Window, rows: NDArray[np.int64], least: NDArray[np.int32]) -> Pairs:
        searched.append(len(rows))
        return search(window, rows, least)

    monkeypatch.setattr(Window, "_search", counted)
    return searched


async def lists_in(stored: GraphOnRedis) -> dict[ArticleId, list[Neighbour]]:
    return {key: some[: similarity.SHOWN_NEIGHBOURS] for key, some in (await stored.neighbour_lists()).items()}


@st.composite
def an_event(draw: st.DrawFn, guid: str, revision: int) -> ArticleEvent:
    if draw(st.integers(0, 4)) == 0:
        return a_withdrawal(guid, revision=revision)
    hours, language = draw(st.sampled_from([0, 0, 1, 200])), draw(st.sampled_from(["en", "en-GB", "uk"]))
    return an_article(guid, revision=revision, date=NOON + timedelta(hours=hours), language=language)


@st.composite
def a_vector_of(draw: st.DrawFn, guid: str) -> Vector | Arrival:
    if draw(st.integers(0, 8)) == 0:
        return Arrival(id_of(guid), None)
    components = draw(st.lists(st.sampled_from([-128, 0, 60, 127]), min_size=2, max_size=2))
    return a_vector(guid, *components, *draw(st.sampled_from([(), (), (), (5,)])), model=draw(st.sampled_from("aab")))


@st.composite
def queues(draw: st.DrawFn) -> list[list[Step]]:
    """For each article its events in order, and apart from them its vectors in order."""
    found: list[list[Step]] = []
    for guid in draw(st.lists(st.sampled_from(_GUIDS), min_size=1, max_size=7, unique=True)):
        found.append([draw(an_event(guid, n + 1)) for n in range(draw(st.integers(0, 3)))])
        found.append(draw(st.lists(a_vector_of(guid), max_size=2)))
    return found


def interleaved(queues: list[list[Step]], chance: random.Random) -> list[Step]:
    waiting = [deque(queue) for queue in queues]
    steps = []
    while left := [queue for queue in waiting if queue]:
        steps.append(chance.choice(left).popleft())
    return steps


@settings(
    max_examples=often(60),
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    queues=queues(),
    chance=st.randoms(use_true_random=False),
    size=st.sampled_from([2, 4, 100]),
    at_once=st.sampled_from([(32, 1000, 256), (1, 2, 1), (2, 3, 2)]),
)
async def test_no_order_of_articles_and_vectors_and_no_take_over_changes_the_neighbours(
    backend: Backend, queues: list[list[Step]], chance: random.Random, size: int, at_once: tuple[int, int, int]
) -> None:
    steps = interleaved(queues, chance)
    oracle = Oracle.of(step for step in steps if isinstance(step, ArticleEvent))
    vectors: dict[ArticleId, Vector] = {}
    for step in steps:
        if isinstance(step, Vector):
            vectors[step.article] = step
        elif isinstance(step, Arrival):
            vectors.pop(step.article, None)
    marks, placed, filled = at_once
    async with graph_on_redis(backend) as stored:
        with patch.multiple(linker, _AT_ONCE=marks, _PLACED_AT_ONCE=placed, _FILLED_AT_ONCE=filled):
            neighbours = await stored.neighbours(size=size)
            for step in steps:
                await (stored.apply([step]) if isinstance(step, ArticleEvent) else stored.keep([step]))
                if (chosen := chance.random()) < 0.4:
                    await link_all(neighbours)
                elif chosen < 0.6:
                    await neighbours.turn()
                if chance.random() < 0.2:
                    neighbours = await stored.neighbours(size=size)
            await link_all(neighbours)
            expected = oracle.neighbours(vectors, window=size)
            assert await lists_in(stored) == {key: some for key, some in expected.items() if some}
            live = await stored.dump()
            assert "unlinked" not in live
            await stored.empty()
            for step in interleaved(queues, chance):
                await (stored.apply([step]) if isinstance(step, ArticleEvent) else stored.keep([step]))
            await link_all(await stored.neighbours(size=size))
            assert await stored.dump() == live


async def a_newsroom(stored: GraphOnRedis, size: int) -> None:
    """Articles a minute apart and their vectors, none of them linked."""
    await stored.apply([an_article(f"g{n}", date=NOON + timedelta(minutes=n)) for n in range(size)], at_once=50)
    await stored.keep([a_vector(f"g{n}", n % 100, 100) for n in range(size)])


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


async def crashes_while_linking(stored: GraphOnRedis) -> AsyncIterator[int]:
    """Link all, with one process after the other until none crashes; after each crash, how many there were."""
    crashes = 0
    while True:
        neighbours = await stored.neighbours()
        try:
            await link_all(neighbours)
        except Exception as error:  # noqa: BLE001
            crashes += 1
            await neighbours.crashed(error)
        else:
            return
        assert crashes <= 4
        yield crashes


async def test_an_article_at_which_linking_crashes_three_times_is_left_out(stored: GraphOnRedis) -> None:
    await stored.apply([an_article(guid) for guid in ("g1", "g2", "g3")])
    await stored.keep([a_vector(guid, 1, 2) for guid in ("g1", "g2", "g3")])
    await stored.redis.hset(PREFIX + "vectors", id_of("g2"), b"\xc1")  # no msgpack
    assert [crashes async for crashes in crashes_while_linking(stored)] == [1, 2, 3, 4]
    assert not await stored.redis.exists(PREFIX + "unlinked")
    assert set(await lists_in(stored)) == {id_of("g1"), id_of("g3")}


async def test_an_article_outside_the_windows_at_which_linking_crashes_is_left_out(stored: GraphOnRedis) -> None:
    await a_newsroom(stored, 12)
    came = []
    with patch.multiple(linker, _PLACED_AT_ONCE=12, _FILLED_AT_ONCE=4):
        assert await (await stored.neighbours()).turn()
        await stored.redis.hset(PREFIX + "vectors", id_of("g5"), b"\xc1")  # no msgpack
        async for crashes in crashes_while_linking(stored):
            came.append(f"new{crashes}")  # what comes meanwhile must not let it be forgotten
            await stored.apply([an_article(came[-1], date=NOON + timedelta(days=1))])
            await stored.keep([a_vector(came[-1], 1, 100)])
    assert len(came) == 4
    assert set(await lists_in(stored)) == {id_of(guid) for guid in (*(f"g{n}" for n in range(12) if n != 5), *came)}


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


async def test_a_call_that_did_not_reach_redis_leaves_a_memory_that_is_refused(stored: GraphOnRedis) -> None:
    await stored.apply([an_article(guid) for guid in _GUIDS])
    await stored.keep([a_vector(guid, n, 100) for n, guid in enumerate(_GUIDS[:4])])
    former, owner = await stored.neighbours(), await stored.neighbours()
    await link_all(owner)
    await stored.keep([a_vector("g5", 5, 100)])
    with pytest.raises(FencedError):
        await link_all(former)
    await link_all(owner)
    assert len(await lists_in(stored)) == 5


async def test_redis_that_went_back_is_noticed_by_a_call_without_effects(stored: GraphOnRedis) -> None:
    await stored.apply([an_article("g1"), an_article("g2")])
    neighbours = await stored.neighbours()
    await stored.keep([a_vector("g1", 1, 2), a_vector("g2", 1, 2)])
    before = await stored.redis.hgetall(PREFIX + "state:neighbours:0")
    await link_all(neighbours)
    await stored.redis.hset(PREFIX + "state:neighbours:0", mapping=before)
    neighbours.look_at_once()
    with pytest.raises(FencedError):
        await neighbours.turn()


async def test_a_mark_that_is_renewed_while_its_article_is_linked_stays(stored: GraphOnRedis) -> None:
    await stored.apply([an_article("g1"), an_article("g2")])
    await stored.keep([a_vector("g1", 1, 2), a_vector("g2", 1, 2)])
    neighbours = await stored.neighbours()
    marks = await stored.redis.zrange(PREFIX + "unlinked", 0, -1, withscores=True)
    await stored.keep([a_vector("g1", 100, 2)])
    renewed = await stored.redis.zrange(PREFIX + "unlinked", 0, -1, withscores=True)
    assert {key for key, _ in marks} == {key for key, _ in renewed}
    assert dict(marks)[id_of("g1").encode()] < dict(renewed)[id_of("g1").encode()]
    await link_all(neighbours)
    assert (await lists_in(stored))[id_of("g2")][0][1] == round((100 + 4) * 0.0078 * 0.0078 * 1_000_000)


async def test_articles_may_change_their_models_crosswise_in_one_call(stored: GraphOnRedis) -> None:
    guids = ["g1", "g2", "g3", "g4"]
    await stored.apply([an_article(guid) for guid in guids])
    neighbours = await stored.neighbours()
    for models in ("aabb", "bbaa", "abab", "baba"):
        await stored.keep([a_vector(guid, 1, 2, model=model) for guid, model in zip(guids, models, strict=True)])
        await link_all(neighbours)
        found = await lists_in(stored)
        assert {key: [other for other, _ in some] for key, some in found.items()} == {
            id_of(one): [id_of(other)]
            for one, its in zip(guids, models, strict=True)
            for other, model in zip(guids, models, strict=True)
            if its == model and one != other
        }
        assert len(await stored.redis.hkeys(PREFIX + "window")) == 4


async def test_an_article_that_is_withdrawn_while_it_is_linked_does_not_stay(
    stored: GraphOnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored.apply([an_article("g1"), an_article("g2")])
    await stored.keep([a_vector("g1", 1, 2), a_vector("g2", 1, 2)])
    neighbours = await stored.neighbours()
    read, withdrawals = neighbours._facts, [a_withdrawal("g1", revision=2)]

    async def withdrawn_after_reading(ids: Sequence[ArticleId]) -> Any:
        facts = await read(ids)
        if withdrawals:
            await stored.apply([withdrawals.pop()])
        return facts

    monkeypatch.setattr(neighbours, "_facts", withdrawn_after_reading)
    await link_all(neighbours)
    await link_all(neighbours)
    assert await lists_in(stored) == {}
    assert await stored.redis.hkeys(PREFIX + "places") == [id_of("g2").encode()]


async def test_without_vectors_no_article_waits_to_be_linked(stored: GraphOnRedis) -> None:
    await stored.apply([an_article("g1"), a_withdrawal("g1", revision=2)])
    assert not await stored.redis.exists(PREFIX + "unlinked")
    await stored.keep([a_vector("g9", 1)])
    assert not await stored.redis.exists(PREFIX + "unlinked"), "its article is not here"
    await stored.apply([an_article("g9")])
    assert await stored.redis.zcard(PREFIX + "unlinked") == 1


@pytest.mark.parametrize("wrong", [{"scale": 1.5}, {"article": id_of("g2")}, {"dimensions": 3}])
def test_what_is_no_vector_of_this_article_is_poison(wrong: dict[str, Any]) -> None:
    vector = a_vector("g1", 1, 2)
    assert decode_vector(vector.article.encode(), vector.encode()).vector is not None
    assert decode_vector(vector.article.encode(), None).vector is None
    with pytest.raises(PoisonError):
        decode_vector(vector.article.encode(), vector.model_copy(update=wrong).encode())
    with pytest.raises(PoisonError):
        decode_vector(b"\xff", vector.encode())
