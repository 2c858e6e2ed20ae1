"""Edges from meaning, from the topics to the answers: vectors on a circle, so that the angle between two is known."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from math import cos, sin
from typing import Any

import pytest
import pytest_asyncio

from news_related.vectors import Vector
from news_shared.articles import ArticleEvent
from news_shared.redis_client import open_redis
from tests.related.builders import LEAD, NOON, a_vector, a_withdrawal, an_article, id_of
from tests.related.publishing import publish_vectors
from tests.related.running import Related, running_service
from tests.related.wire_texts import a_wire_text
from tests.testbed.backends import Backend
from tests.testbed.waiting import until

SAME, STORY, SIMILAR, FAR = 0.05, 0.9, 1.1, 1.3
"""Angles: cosines of 0.999, 0.62, 0.45 and 0.27."""


@pytest_asyncio.fixture(scope="module")
async def service(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Related]:
    async with running_service(backend, tmp_path_factory.mktemp("meaning")) as related:
        yield related


def at(guid: str, angle: float, *, centre: int = 0) -> Vector:
    """At an angle in the plane of a centre; planes are at right angles to each other."""
    components = [0] * 16
    components[2 * centre : 2 * centre + 2] = [round(127 * cos(angle)), round(127 * sin(angle))]
    return a_vector(guid, *components, scale=1 / 127)


def a_report(guid: str, **fields: Any) -> ArticleEvent:
    """An article that says enough to be told as the same story as another."""
    return an_article(guid, summary=LEAD, **fields)


async def tell(service: Related, events: list[ArticleEvent], vectors: list[Vector]) -> None:
    await service.publish(events)
    await publish_vectors(service.backend, vectors)


async def shown(service: Related, guid: str, **asked: Any) -> list[tuple[str, str]]:
    items = (await service.get(f"/v1/articles/herald:{guid}/related", **asked))["items"]
    return [(item["title"].removeprefix("Title of "), item["reason"]["kind"]) for item in items]


async def raw(service: Related, guid: str) -> list[tuple[str, float]]:
    answer = await service.get(f"/v1/articles/herald:{guid}/related", kind="similar", raw=1, limit=50)
    return [(item["title"].removeprefix("Title of "), item["reason"]["similarity"]) for item in answer["items"]]


async def until_near(service: Related, guid: str, *others: str) -> float:
    async def are_near() -> bool:
        if await service.status(f"/v1/articles/herald:{guid}/links") != 200:
            return False
        return set(others) <= {other for other, _ in await raw(service, guid)}

    return await until(are_near, f"{others} among the neighbours of {guid}")


async def test_each_kind_of_edge_has_its_reason_in_data_and_in_words_and_older_lists_gain_the_new_one(
    service: Related,
) -> None:
    earlier = NOON - timedelta(hours=2)
    await tell(
        service,
        [
            a_report("old", date=earlier),
            a_report("abroad", language="uk", date=earlier),
            a_report("like", date=earlier),
            a_report("far"),
        ],
        [at("old", STORY), at("abroad", SAME), at("like", -SIMILAR), at("far", -FAR - 0.3)],
    )
    await until_near(service, "old", "abroad", "like")
    await tell(service, [a_report("new")], [at("new", 0)])
    took = await until_near(service, "old", "new")
    assert took < 5
    assert await shown(service, "new") == [("abroad", "translation"), ("old", "same_story"), ("like", "similar")]
    assert ("new", "same_story") in await shown(service, "old")
    items = (await service.get("/v1/articles/herald:new/related"))["items"]
    assert [item["reason"]["text"] for item in items] == [
        "the same report in another language",
        "earlier report of the same story",
        "about something similar",
    ]
    assert items[1]["reason"]["similarity"] == pytest.approx(cos(STORY), abs=0.02)
    in_ukrainian = (await service.get("/v1/articles/herald:old/related", language="uk"))["items"]
    assert [item["reason"]["text"] for item in in_ukrainian] == ["те саме повідомлення іншою мовою"]
    neighbours = dict(await raw(service, "new"))
    assert list(neighbours) == ["abroad", "old", "like", "far"], "raw has no cut-off"
    assert sorted(neighbours.values(), reverse=True) == list(neighbours.values())
    assert neighbours["old"] == pytest.approx(cos(STORY) - 0.0015, abs=0.01)
    assert await shown(service, "new", kind="similar") == [("like", "similar")]


async def test_what_is_declared_linked_or_blocked_is_not_said_again_by_meaning(service: Related) -> None:
    await tell(
        service,
        [
            a_report("m", links=("m-linked",)),
            a_report("m-linked"),
            a_report("m-uk", language="uk", translation_of="m"),
            a_report("m-blocked"),
        ],
        [at(guid, 0.01 * n, centre=1) for n, guid in enumerate(("m", "m-linked", "m-uk", "m-blocked"))],
    )
    await until_near(service, "m", "m-linked", "m-uk", "m-blocked")
    path = f"/v1/articles/herald:m/curation/{id_of('m-blocked')}"
    await service.api.put(path, json={"kind": "block"}, headers={"Authorization": "Bearer dev"})

    async def only_the_translation() -> bool:
        return await shown(service, "m") == [("m-uk", "translation")]

    await until(only_the_translation, "the block")
    [item] = (await service.get("/v1/articles/herald:m/related"))["items"]
    assert item["reason"] == {"kind": "translation", "text": "translation of this article"}
    graph = await service.get("/v1/graph", article="herald:m", depth=1)
    pairs = [(edge["kind"], {edge["from"], edge["to"]}) for edge in graph["edges"]]
    assert ("translation", {id_of("m"), id_of("m-uk")}) in pairs
    assert sum(ends == {id_of("m"), id_of("m-uk")} for _, ends in pairs) == 1
    assert ("same_story", {id_of("m"), id_of("m-blocked")}) in pairs


async def test_a_withdrawal_leaves_no_list_short_and_an_update_links_anew(service: Related) -> None:
    events = [a_report(guid) for guid in ("u", "u1", "u2")]
    await tell(service, events, [at(guid, 0.01 * n, centre=2) for n, guid in enumerate(("u", "u1", "u2"))])
    await until_near(service, "u", "u1", "u2")
    await service.publish([a_withdrawal("u1", revision=2)])

    async def is_gone() -> bool:
        return "u1" not in dict(await raw(service, "u"))

    assert await until(is_gone, "the withdrawal") < 2
    await service.publish([a_report("u1", revision=3)])
    await until_near(service, "u", "u1")
    await publish_vectors(service.backend, [at("u2", FAR, centre=2)])

    async def has_moved() -> bool:
        return await shown(service, "u") == [("u1", "same_story")]

    await until(has_moved, "the new vector")
    await service.publish([a_report("u1", revision=4, date=NOON - timedelta(days=70))])

    async def is_old() -> bool:
        return dict(await raw(service, "u"))["u1"] < 0.8

    await until(is_old, "the new date")


async def test_those_of_one_story_stand_before_one_that_is_nearer_and_whose_nearest_are_far(service: Related) -> None:
    story, crowd = [f"t{n}" for n in range(6)], [f"d{n}" for n in range(6)]
    vectors = [
        at("of", 0, centre=7),
        at("chance", -0.55, centre=7),
        *(at(guid, 0.6 + 0.02 * n, centre=7) for n, guid in enumerate(story)),
        *(at(guid, -1.1 - 0.02 * n, centre=7) for n, guid in enumerate(crowd)),
    ]
    await tell(service, [a_report(guid) for guid in ("of", "chance", *story, *crowd)], vectors)
    for guid in ("of", "chance", *story):
        await until_near(service, guid, *({"of", "chance", *story, *crowd} - {guid}))
    by_score = dict(await raw(service, "of"))
    assert by_score["chance"] > max(by_score[guid] for guid in story)
    for found in ([guid for guid, _ in await shown(service, "of")], list(by_score)):
        assert (set(found[:6]), found[6]) == (set(story), "chance")


async def test_a_list_looks_further_when_its_nearest_are_copies_of_one_text(service: Related) -> None:
    wire, others = [f"w{n}" for n in range(22)], [f"o{n}" for n in range(12)]
    text = a_wire_text(1)
    events = [an_article("w", content_text=a_wire_text(2)), *(an_article(guid, content_text=text) for guid in wire)]
    near = [at(guid, 0.002 * n, centre=6) for n, guid in enumerate(["w", *wire, *others])]
    await tell(service, [*events, *(an_article(guid) for guid in others)], near)
    await until_near(service, "w", *wire, *others)
    found = [guid for guid, _ in await shown(service, "w")]
    assert (len(found), len(set(found) & set(wire)), len(set(found) & set(others))) == (10, 1, 9)


async def test_a_filter_looks_further_than_the_nearest(service: Related) -> None:
    crowd = [f"f{n}" for n in range(70)]
    quiet = ["f-uk-1", "f-uk-2"]
    events = [an_article(guid) for guid in ["f", *crowd]] + [an_article(guid, language="uk") for guid in quiet]
    vectors = [at("f", 0, centre=3), *(at(guid, 0.002 * n, centre=3) for n, guid in enumerate(crowd))]
    await tell(service, events, [*vectors, at(quiet[0], 0.45, centre=3), at(quiet[1], 0.46, centre=3)])
    await until_near(service, "f-uk-1", "f-uk-2", "f69")

    async def all_are_full() -> bool:
        return len(await raw(service, "f")) == 50 and len(await raw(service, "f-uk-2")) == 50

    await until(all_are_full, "full lists")
    assert {guid for guid, _ in await shown(service, "f", language="uk", limit=5)} <= set(quiet)
    since = "2026-01-15T11:00:00Z"
    assert len(await shown(service, "f", published_after=since, limit=70)) >= 60


async def test_a_story_gathers_its_reports_in_all_languages_and_no_chain(service: Related) -> None:
    days = {"s1": 0, "s2": 1, "s3": 2, "s3-uk": 2}
    events = [
        an_article(guid, date=NOON + timedelta(days=day), language="uk" if guid.endswith("uk") else "en")
        for guid, day in days.items()
    ]
    chain = [f"s-chain{n}" for n in range(5)]
    events += [an_article(guid, date=NOON + timedelta(days=2)) for guid in chain]
    vectors = [at(guid, 0.1 * n, centre=4) for n, guid in enumerate(days)]
    await tell(service, events, [*vectors, *(at(guid, 0.3 + 0.95 * (n + 1), centre=4) for n, guid in enumerate(chain))])
    await until_near(service, "s1", "s2", "s3", "s3-uk")
    for one, other in pairwise(["s3-uk", *chain]):
        await until_near(service, one, other)
    for guid in days:
        thread = await service.get(f"/v1/articles/herald:{guid}/story")
        told = [item["title"].removeprefix("Title of ") for item in thread["items"]]
        assert told[:4] == ["s1", "s2", *sorted(["s3", "s3-uk"], key=id_of)]
        assert len(told) <= 5
        assert thread["id"] == id_of("s1")


async def test_two_headlines_are_of_one_thread_and_told_as_one_story_once_both_say_more(service: Related) -> None:
    await tell(service, [an_article("h1"), an_article("h2")], [at("h1", 0, centre=5), at("h2", STORY, centre=5)])
    await until_near(service, "h1", "h2")
    thread = await service.get("/v1/articles/herald:h1/story")
    assert {item["article"] for item in thread["items"]} == {id_of("h1"), id_of("h2")}
    assert await shown(service, "h1") == [("h2", "similar")]
    assert await shown(service, "h2") == [("h1", "similar")]
    await service.publish([a_report("h1", revision=2)])
    assert await shown(service, "h2", kind="same_story") == []
    await service.publish([a_report("h2", revision=2)])

    async def both_say_so() -> bool:
        told = [await shown(service, "h1"), await shown(service, "h2")]
        return told == [[("h2", "same_story")], [("h1", "same_story")]]

    await until(both_say_so, "the longer texts")


async def test_an_emptied_redis_has_the_same_neighbours_again(service: Related) -> None:
    before = {guid: await raw(service, guid) for guid in ("new", "u", "f")}
    async with open_redis(service.backend.redis_settings) as redis:
        await redis.flushall()

    async def same() -> bool:
        answers = [await service.status(f"/v1/articles/herald:{guid}/links") for guid in before]
        assert set(answers) <= {200, 404, 503}
        return set(answers) == {200} and {guid: await raw(service, guid) for guid in before} == before

    await until(same, "the same neighbours")
