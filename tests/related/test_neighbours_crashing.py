"""Articles at which linking crashes: they are left out, and nothing else."""

from collections.abc import AsyncIterator
from datetime import timedelta
from unittest.mock import patch

from news_related.neighbours import linker
from tests.related.builders import NOON, a_vector, an_article, id_of
from tests.related.graph_on_redis import PREFIX, GraphOnRedis, link_all
from tests.related.neighbour_lists import a_newsroom, lists_in


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
