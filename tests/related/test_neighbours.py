"""Linking by meaning on the backend's Redis: whatever comes in which order and whoever takes over, the same lists."""

import random
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from news_related.neighbours import linker
from news_related.neighbours.vector_projection import Arrival
from news_related.vectors import Vector
from news_shared.article_ids import ArticleId
from news_shared.articles import ArticleEvent
from news_shared.errors import FencedError
from tests.related.builders import NOON, a_vector, a_withdrawal, an_article, id_of
from tests.related.graph_on_redis import PREFIX, GraphOnRedis, graph_on_redis, link_all
from tests.related.neighbour_lists import lists_in
from tests.related.oracle import Oracle
from tests.testbed.backends import Backend
from tests.testbed.effort import often

_GUIDS = [f"g{n}" for n in range(7)]
Step = ArticleEvent | Vector | Arrival


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
