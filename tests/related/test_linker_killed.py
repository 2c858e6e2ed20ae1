"""Linkers as processes: killed, frozen, replaced; the graph is that of an undisturbed run."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from news_related.app import graph_slots
from news_related.graph.curation import CHOICES, Choice, curation_key
from news_related.neighbours.meanings import decode_neighbours
from news_related.vectors import Vector
from news_shared.article_ids import partition_of
from news_shared.articles import ArticleEvent
from news_shared.errors import RebuildingError
from news_shared.producer import open_producer
from news_shared.redis_client import open_redis
from tests.related.builders import NOON, a_vector, a_withdrawal, an_article, id_of
from tests.related.graph_on_redis import GraphOnRedis, graph_of
from tests.related.oracle import Oracle
from tests.related.publishing import publish, publish_vectors
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.role import Roles
from tests.testbed.waiting import until

pytestmark = pytest.mark.fault

ARTICLES = 400


@pytest_asyncio.fixture
async def stored(fresh_backend: Backend) -> AsyncIterator[GraphOnRedis]:
    async with open_redis(fresh_backend.redis_settings) as redis:
        yield GraphOnRedis(redis)


def neighbours_in(dump: dict[str, object]) -> int:
    lists = dump["neighbours"]
    assert isinstance(lists, dict)
    return sum(len(decode_neighbours(packed)) for packed in lists.values())


def a_busy_day(seed: int) -> list[ArticleEvent]:
    """Articles that link to each other back and forth; some change, some are withdrawn, some come back."""
    chance = random.Random(seed)
    queues = []
    for n in range(ARTICLES):
        queue = []
        for revision in range(1, chance.choice([1, 1, 1, 2, 3]) + 1):
            if revision == 2 and chance.random() < 0.4:
                queue.append(a_withdrawal(f"g{n}", revision=2))
                continue
            links = tuple(f"g{chance.randrange(ARTICLES)}" for _ in range(chance.randrange(5)))
            queue.append(
                an_article(
                    f"g{n}",
                    revision=revision,
                    links=links,
                    themes=chance.sample(["Energy", "Sport", "Вибори"], 2),
                    language=chance.choice(["en", "uk"]),
                    date=NOON + timedelta(minutes=n),
                    translation_of=f"g{chance.randrange(ARTICLES)}" if chance.random() < 0.2 else None,
                )
            )
        queues.append(queue)
    events = []
    while queues := [queue for queue in queues if queue]:
        events.append(chance.choice(queues).pop(0))
    return events


def its_vectors(seed: int) -> list[Vector]:
    """Of most articles, some of them twice, in no order; by two models."""
    chance = random.Random(seed)
    guids = [f"g{n}" for n in range(ARTICLES) if n % 7] + [f"g{n}" for n in range(0, ARTICLES, 5) if n % 7]
    chance.shuffle(guids)
    centres = [[chance.randrange(-100, 100) for _ in range(8)] for _ in range(20)]
    return [
        a_vector(
            guid,
            *(part + chance.randrange(-27, 28) for part in chance.choice(centres)),
            model=chance.choice(["m1", "m1", "m2"]),
        )
        for guid in guids
    ]


async def test_a_linker_that_is_killed_again_and_again_leaves_the_graph_of_an_undisturbed_run(
    roles: Roles, fresh_backend: Backend, stored: GraphOnRedis
) -> None:
    events, vectors = a_busy_day(1), its_vectors(1)
    linkers = [await roles.start("related-linker", instance=name, NEWS_RELATED_LEASE="PT1S") for name in ("0", "1")]
    chance = random.Random(2)
    for start in range(0, max(len(events), len(vectors)), 150):
        await publish(fresh_backend, events[start : start + 150])
        await publish_vectors(fresh_backend, vectors[start : start + 150])
        victim = chance.choice(linkers)
        await asyncio.sleep(chance.random())  # the moment of death is what varies here, nothing waits for it
        victim.kill()
        victim.launch()
    expected = await graph_of(stored.redis, events, vectors)
    assert neighbours_in(expected) > 10_000

    async def equal() -> bool:
        return await stored.dump() == expected

    await until(equal, "the graph of an undisturbed run", seconds=60)
    assert Oracle.of(events).spares_go_on(await stored.neighbour_lists(), vectors)


@pytest.mark.parametrize("fault", ["frozen", "killed"])
async def test_one_that_stands_by_takes_over_within_ten_seconds_and_who_comes_back_writes_nothing(
    fault: str, roles: Roles, fresh_backend: Backend, stored: GraphOnRedis
) -> None:
    first = await roles.start("related-linker", instance="0")

    async def has(guid: str) -> bool:
        return bool(await stored.redis.hexists("{related}:1:cards", id_of(guid)))

    await publish(fresh_backend, [an_article("before"), an_article("beside")])
    vectors = [a_vector("before", 100, 1), a_vector("beside", 100, 2)]
    await publish_vectors(fresh_backend, vectors)
    await until(lambda: has("before"), "the first event")

    async def near(one: str, other: str) -> bool:
        packed = await stored.redis.hget("{related}:1:neighbours", id_of(one))
        return id_of(other) in dict(decode_neighbours(packed or b""))

    await until(lambda: near("beside", "before"), "the first edge by meaning")
    await roles.start("related-linker", instance="1")
    first.freeze() if fault == "frozen" else first.kill()
    await publish(fresh_backend, [an_article("before", revision=2, links=("while",)), an_article("while")])
    vectors.append(a_vector("while", 100, 3))
    await publish_vectors(fresh_backend, vectors[-1:])
    took = await until(lambda: has("while"), "the second linker to take over")
    took += await until(lambda: near("beside", "while"), "its edges by meaning")
    assert took < 10
    first.thaw() if fault == "frozen" else first.launch()
    await publish(fresh_backend, [a_withdrawal("before", revision=3), an_article("after")])
    await until(lambda: has("after"), "the event after the thaw")

    async def gone() -> bool:
        return not await has("before")

    await until(gone, "the withdrawal")
    await first.ready()
    last = [a_withdrawal("before", revision=3), an_article("beside"), an_article("while"), an_article("after")]
    expected = await graph_of(stored.redis, last, vectors)

    async def equal() -> bool:
        return await stored.dump() == expected

    await until(equal, "the withdrawn article to leave the neighbours of others")


async def test_a_rebuild_switches_to_an_equal_graph_and_keeps_the_editors_choices(
    roles: Roles, fresh_backend: Backend, stored: GraphOnRedis
) -> None:
    events, vectors = a_busy_day(3), its_vectors(3)
    linker = await roles.start("related-linker")
    choice = Choice(article=id_of("g1"), other=id_of("g2"), kind="pin", by="admin", at=NOON)
    key = curation_key(choice.article, choice.other)
    async with open_producer(fresh_backend.kafka_settings) as producer:
        await producer.send(CHOICES.topic, partition=partition_of(key, PARTITIONS), key=key, value=choice.encode())
    await publish(fresh_backend, events)
    await publish_vectors(fresh_backend, vectors)
    expected = await graph_of(stored.redis, events, vectors)

    async def equal(generation: int) -> bool:
        found = await stored.dump(generation)
        chosen = found.pop(f"curation:{choice.article}", None)
        return found == expected and chosen == {choice.other.encode(): choice.encode()}

    await until(lambda: equal(1), "the graph")
    command = [sys.executable, "-m", "news_related", "rebuild"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=linker.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    await until(lambda: equal(2), "the rebuilt graph")
    assert Oracle.of(events).spares_go_on(await stored.neighbour_lists(2), vectors)
    assert await stored.dump(1) == {}, "the former generation is deleted"
    slots = graph_slots(stored.redis, PARTITIONS)

    async def answers() -> bool:
        try:
            await slots.read(0, ("EXISTS", "cards"))
        except RebuildingError:
            return False
        return True

    await until(answers, "queries to be answered")
