"""The service on the backend's servers: events in through Kafka, cards out over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from xml.etree import ElementTree

import pytest
import pytest_asyncio

from news_shared.article_ids import article_id, parse_article_id, partition_of
from news_shared.redis_client import open_redis
from newsfeed.newsroom import expected_edges
from tests.related.builders import NOON, a_withdrawal, an_article, id_of, sample_newsroom, url_of
from tests.related.publishing import publish
from tests.related.running import Related, running_service
from tests.related.wire_texts import a_wire_text, edited
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.waiting import until

HOUR = timedelta(hours=1)
_EDITOR = {"Authorization": "Bearer dev"}


@pytest_asyncio.fixture(scope="module")
async def service(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Related]:
    async with running_service(backend, tmp_path_factory.mktemp("related")) as related:
        await publish(backend, sample_newsroom())
        last_of_partition = {partition_of(event.id, PARTITIONS): event.id for event in sample_newsroom()}
        for last in last_of_partition.values():
            await related.eventually(f"/v1/articles/{last}/links")
        yield related


def newsroom_id(guid: str) -> str:
    return article_id("newsroom", guid)


async def test_links_have_cards_with_their_paragraph_and_backlinks_come_newest_first(service: Related) -> None:
    cites = expected_edges()["cites"]
    found = await service.get("/v1/articles/newsroom:airline-6-uk/links")
    linked = {link["card"]["article"]: link for link in found["links"] if link["card"]}
    assert set(linked) == {newsroom_id(to) for one, to in cites if one == "airline-6-uk"}
    one = next(iter(linked.values()))
    assert one["reason"] == {"kind": "cites", "text": one["reason"]["text"], "paragraph": one["paragraph"]}
    assert one["reason"]["text"].startswith("linked from the ")
    back = (await service.get("/v1/articles/newsroom:harbour-fire-1-uk/links"))["backlinks"]
    assert {card["article"] for card in back} == {newsroom_id(one) for one, to in cites if to == "harbour-fire-1-uk"}
    assert [card["date"] for card in back] == sorted((card["date"] for card in back), reverse=True)


async def test_every_article_has_related_ones_that_it_does_not_link(service: Related) -> None:
    declared = expected_edges()
    for guid in {one for pair in declared["cites"] for one in pair}:
        items = (await service.get(f"/v1/articles/newsroom:{guid}/related", limit=10))["items"]
        shown = [item["article"] for item in items]
        assert len(shown) >= 3
        assert len(set(shown)) == len(shown)
        assert newsroom_id(guid) not in shown
        assert not set(shown) & {newsroom_id(to) for one, to in declared["cites"] if one == guid}
        scores = [item["score"] for item in items]
        assert scores == sorted(scores, reverse=True)
        assert all(item["reason"]["text"] for item in items)
    translations = await service.get("/v1/articles/newsroom:vote-1-uk/related", kind="translation")
    assert [(i["article"], i["reason"]["text"]) for i in translations["items"]] == [
        (newsroom_id("vote-1-en"), "translation of this article")
    ]


async def test_cards_may_be_asked_in_one_language_with_reasons_in_it(service: Related) -> None:
    items = (await service.get("/v1/articles/newsroom:vote-4-en/related", language="uk"))["items"]
    assert items
    assert {item["language"] for item in items} == {"uk"}
    assert "переклад" in " ".join(item["reason"]["text"] for item in items) or "оригінал" in str(items)
    answer = await service.api.get(
        "/v1/articles/newsroom:vote-4-en/related", headers={"Accept-Language": "pl, uk;q=0.8, en;q=0.5"}
    )
    assert "Accept-Language" in answer.headers["vary"]
    assert "спільн" in answer.text or "посилається" in answer.text
    since = items[0]["date"]
    newer = await service.get("/v1/articles/newsroom:vote-4-en/related", published_after=since)
    assert all(item["date"] > since for item in newer["items"])


async def test_themes_are_counted_by_language_and_paged(service: Related) -> None:
    declared = expected_edges()["theme"]
    listed: dict[str, int] = {}
    cursor: dict[str, str] = {}
    while True:
        page = await service.get("/v1/themes", limit=5, **cursor)
        listed.update({theme["name"]: theme["articles"] for theme in page["items"] if theme["name"] in declared})
        if "next" not in page:
            break
        cursor = {"cursor": page["next"]}
    assert listed == {name: len(members) for name, members in declared.items()}
    seen: list[str] = []
    cursor = {}
    while True:
        page = await service.get("/v1/themes/islands", limit=4, **cursor)
        seen += [card["article"] for card in page["items"]]
        if "next" not in page:
            break
        cursor = {"cursor": page["next"]}
    assert sorted(seen) == sorted(map(newsroom_id, declared["Islands"]))
    assert sum(page["theme"]["languages"].values()) == len(seen)
    in_ukrainian = await service.get("/v1/themes/Islands", language="uk", limit=100)
    assert len(in_ukrainian["items"]) == page["theme"]["languages"]["uk"]
    assert await service.status("/v1/themes/nobody-knows-it") == 404


async def test_stories_are_threads_in_order_of_time(service: Related) -> None:
    declared = expected_edges()["stories"]
    right = 0
    for members in declared:
        thread = await service.get(f"/v1/articles/newsroom:{members[-1]}/story")
        dates = [card["date"] for card in thread["items"]]
        assert dates == sorted(dates)
        assert thread["id"] == thread["items"][0]["article"]
        assert (await service.get(f"/v1/stories/{thread['id']}"))["id"] == thread["id"]
        right += {card["article"] for card in thread["items"]} == set(map(newsroom_id, members))
    assert right >= len(declared) - 1, "themes and links alone find all but one of the newsroom's stories"


async def test_a_wire_text_is_shown_once_and_its_copies_are_named(service: Related) -> None:
    wire, other = a_wire_text(1), a_wire_text(2)
    themes = ("Duplicated wires",)
    events = [
        an_article("first", content_text=wire, date=NOON, themes=themes),
        an_article("second", source="other", content_text=edited(wire, keeps=0.9), date=NOON + HOUR, themes=themes),
        an_article("third", source="third", content_text=wire, date=NOON + 2 * HOUR, language="uk", themes=themes),
        an_article("reader", content_text=other, date=NOON, themes=themes),
    ]
    ids = [event.id for event in events]
    await service.publish(events)
    await service.eventually(f"/v1/articles/{ids[-1]}/duplicates")

    async def all_are_there() -> bool:
        return len((await service.get("/v1/themes/duplicated-wires"))["items"]) == 4

    await until(all_are_there, "all four articles")
    found = await service.get(f"/v1/articles/{ids[2]}/duplicates")
    assert [item["article"] for item in found["items"]] == ids[:2]
    assert found["items"][0]["reason"] == {"kind": "duplicate", "text": "the same text", "shared": 1.0}
    assert found["items"][1]["reason"]["text"] == "almost the same text"
    assert 0.7 < found["items"][1]["reason"]["shared"] < 0.99
    by_url = await service.get("/v1/duplicates", url=url_of("first"))
    assert [item["article"] for item in by_url["items"]] == ids[1:3]
    answer = await service.api.get("/v1/duplicates", params={"article": ids[0]}, headers={"Accept-Language": "uk"})
    assert [item["reason"]["text"] for item in answer.json()["items"]] == ["майже той самий текст", "той самий текст"]

    [card] = (await service.get(f"/v1/articles/{ids[3]}/related"))["items"]
    assert (card["article"], [copy["article"] for copy in card["duplicates"]]) == (ids[0], ids[1:3])
    [card] = (await service.get(f"/v1/articles/{ids[3]}/related", language="uk"))["items"]
    assert (card["article"], card["duplicates"]) == (ids[2], [])
    items = (await service.get(f"/v1/articles/{ids[0]}/related"))["items"]
    assert [item["article"] for item in items] == [ids[3]]

    around = await service.get("/v1/graph", article=ids[2], depth=1)
    assert {(edge["from"], edge["to"]) for edge in around["edges"] if edge["kind"] == "duplicate"} == {
        (ids[2], ids[0]),
        (ids[2], ids[1]),
    }
    for form, sign in (("svg", "same text"), ("graphml", "almost the same text"), ("dot", "almost the same text")):
        drawn = await service.api.get("/v1/graph", params={"article": ids[2], "format": form})
        assert sign in drawn.text

    await service.publish([a_withdrawal("first", revision=2)])
    await service.eventually(f"/v1/articles/{ids[0]}/duplicates", 410)
    found = await service.get(f"/v1/articles/{ids[2]}/duplicates")
    assert [item["article"] for item in found["items"]] == ids[1:2]
    [card] = (await service.get(f"/v1/articles/{ids[3]}/related"))["items"]
    assert (card["article"], [copy["article"] for copy in card["duplicates"]]) == (ids[1], ids[2:3])


async def test_a_list_is_told_which_of_its_articles_are_copies_of_each_other(service: Related) -> None:
    wire, other = a_wire_text(11), a_wire_text(12)
    events = [
        an_article("agency", content_text=wire, date=NOON),
        an_article("morning", source="other", content_text=edited(wire, keeps=0.9), date=NOON + HOUR),
        an_article("evening", source="third", content_text=wire, date=NOON + 2 * HOUR),
        an_article("its own", content_text=other, date=NOON),
    ]
    agency, morning, evening, own = (event.id for event in events)
    unheard = id_of("unheard of")
    asked = [evening, own, unheard, "herald:agency", morning]

    async def among(names: list[str]) -> dict[str, tuple[str | None, list[str], int | None]]:
        items = (await service.get("/v1/duplicates/among", article=names))["items"]
        return {item["article"]: (item["duplicate_of"], item["duplicates"], item.get("status")) for item in items}

    await service.publish(events)

    async def all_are_there() -> bool:
        return [status for _, _, status in (await among([event.id for event in events])).values()] == [None] * 4

    await until(all_are_there, "all four articles")
    told = await among(asked)
    assert list(told) == [evening, own, unheard, agency, morning]
    assert told == {
        agency: (None, [morning, evening], None),
        morning: (agency, [], None),
        evening: (agency, [], None),
        own: (None, [], None),
        unheard: (None, [], 404),
    }
    assert await among([evening, morning]) == {evening: (morning, [], None), morning: (None, [evening], None)}
    assert await service.status("/v1/duplicates/among") == 422
    assert (await service.api.get("/v1/duplicates/among", params={"article": [own] * 101})).status_code == 422
    assert (await service.api.get("/v1/duplicates/among", params={"article": "neither"})).status_code == 400

    await service.publish([a_withdrawal("agency", revision=2)])
    await service.eventually(f"/v1/articles/{agency}/duplicates", 410)
    told = await among(asked)
    assert (told[agency], told[morning]) == ((None, [], 410), (None, [evening], None))


async def test_the_graph_comes_as_data_and_as_a_picture(service: Related) -> None:
    found = await service.get("/v1/graph", article="newsroom:cable-fault-3-en", depth=2)
    nodes = {node["id"] for node in found["nodes"]}
    assert {newsroom_id("cable-fault-1-en"), newsroom_id("harbour-fire-3-uk"), newsroom_id("wreck-1-en")} <= nodes
    assert all({edge["from"], edge["to"]} <= nodes for edge in found["edges"])
    for form in ("svg", "graphml"):
        answer = await service.api.get(
            "/v1/graph", params={"article": "newsroom:cable-fault-3-en", "format": form, "kind": ["cites", "theme"]}
        )
        ElementTree.fromstring(answer.content)
    dot = await service.api.get("/v1/graph", params={"article": "newsroom:cable-fault-3-en", "format": "dot"})
    assert dot.text.startswith("digraph")


async def test_a_withdrawn_article_is_gone_from_every_list_and_back_when_restored(service: Related) -> None:
    await service.publish(
        [an_article("one", links=("two",)), an_article("two", themes=("Rare",), translation_of="one")]
    )
    await service.eventually("/v1/articles/herald:two/links")
    await until(lambda: _shows(service, "one", "two"), "the link's card")
    await service.publish([a_withdrawal("two", revision=2, reason="libel")])
    took = await until(lambda: _is_gone(service, "two"), "the withdrawal")
    assert took < 2
    gone = await service.api.get("/v1/articles/herald:two/related")
    assert gone.json()["reason"] == "libel"
    assert not await _shows(service, "one", "two")
    assert await service.status("/v1/themes/rare") == 404
    await service.publish([an_article("two", revision=3, themes=("Rare",))])
    await until(lambda: _shows(service, "one", "two"), "the restored article's card")


async def _shows(service: Related, one: str, other: str) -> bool:
    links = (await service.get(f"/v1/articles/herald:{one}/links"))["links"]
    return any(link["card"] and link["card"]["article"] == id_of(other) for link in links)


async def _is_gone(service: Related, guid: str) -> bool:
    return await service.status(f"/v1/articles/herald:{guid}/links") == 410


async def test_editors_pin_and_block_with_a_key_and_it_says_who_and_when(service: Related) -> None:
    page = "/v1/articles/newsroom:vote-3-uk"
    before = await service.get(f"{page}/related", limit=100)
    shown_before = [item["article"] for item in before["items"]]
    assert before["blocked"] == []
    pinned, blocked = newsroom_id("wreck-6-en"), shown_before[0]
    assert pinned not in shown_before
    assert (await service.api.put(f"{page}/curation/{pinned}", json={"kind": "pin"})).status_code == 401
    assert (await service.api.put(f"{page}/curation/{pinned}", json={"kind": "x"}, headers=_EDITOR)).status_code == 422
    itself = await service.api.put(f"{page}/curation/newsroom:vote-3-uk", json={"kind": "pin"}, headers=_EDITOR)
    assert itself.status_code == 422
    for other, kind, note in ((pinned, "pin", " \n\x01"), (blocked, "block", "not\x01 ours\n")):
        asked = {"kind": kind, "note": note}
        answer = await service.api.put(f"{page}/curation/{other}", json=asked, headers=_EDITOR)
        assert answer.status_code == 202
        assert (answer.json()["by"], answer.json()["kind"]) == ("admin", kind)

    async def applied() -> bool:
        found = await service.get(f"{page}/related", limit=100)
        items, shown = found["items"], [item["article"] for item in found["items"]]
        is_pinned = shown[:1] == [pinned] and items[0]["reason"] == {"kind": "pinned", "text": "chosen by the editors"}
        return is_pinned and found["blocked"] == [blocked] and blocked not in shown

    await until(applied, "the pin and the block")
    chosen = (await service.api.get(f"{page}/curation", headers=_EDITOR)).json()["items"]
    told = {one["other"]: (one["kind"], one["note"]) for one in chosen}
    assert told == {pinned: ("pin", None), blocked: ("block", "not ours")}
    assert all(one["at"] and one["by"] == "admin" for one in chosen)
    assert (await service.api.delete(f"{page}/curation/{pinned}", headers=_EDITOR)).status_code == 202

    async def taken_back() -> bool:
        items = (await service.get(f"{page}/related", limit=100))["items"]
        return bool(items) and bool(items[0]["reason"]["kind"] != "pinned")

    await until(taken_back, "the pin to go")


@pytest.mark.parametrize(
    ("article", "other"),
    [("herald:a", "herald:b/curation/c"), ("herald:a/curation/b", "herald:c"), ("herald:a/curation/", id_of("c"))],
)
async def test_of_a_pair_either_guid_may_look_like_the_address(service: Related, article: str, other: str) -> None:
    address = f"/v1/articles/{article}/curation/{other}"
    answer = await service.api.put(address, json={"kind": "pin"}, headers=_EDITOR)
    assert answer.status_code == 202, answer.text
    pair = (answer.json()["article"], answer.json()["other"])
    assert pair == (parse_article_id(article), parse_article_id(other))
    assert (await service.api.delete(address, headers=_EDITOR)).json() == {"article": pair[0], "other": pair[1]}


async def test_bad_questions_are_refused_with_a_reason(service: Related) -> None:
    for path, status in (
        ("/v1/articles/newsroom:nobody/related", 404),
        ("/v1/articles/nonsense/links", 400),
        ("/v1/articles/newsroom:vote-1-uk/related?limit=0", 422),
        ("/v1/articles/newsroom:vote-1-uk/related?kind=magic", 422),
        ("/v1/articles/newsroom:vote-1-uk/related?raw=1", 422),
        ("/v1/articles/newsroom:vote-1-uk/related?raw=1&kind=similar&kind=theme", 422),
        ("/v1/articles/newsroom:vote-1-uk/related?raw=1&kind=similar&limit=51", 422),
        ("/v1/articles/newsroom:vote-1-uk/related?raw=1&kind=similar&limit=50", 200),
        ("/v1/articles/newsroom:vote-1-uk/related?published_after=yesterday", 422),
        ("/v1/articles/newsroom:vote-1-uk/related?published_after=2026-01-01T00:00:00", 422),
        ("/v1/articles/newsroom:vote-1-uk/related?published_after=9999-12-31T23:59:59Z", 200),
        ("/v1/articles/newsroom:vote-1-uk/related?published_after=0001-01-01T00:00:00%2B23:59", 200),
        ("/v1/articles/newsroom:vote-1-uk/related?language=%00", 422),
        ("/v1/themes?cursor=***", 400),
        ("/v1/themes?cursor=AAAA&language=uk", 400),
        ("/v1/themes/islands?cursor=AAAA", 400),
        ("/v1/themes/%F0%9F%98%80", 404),
        ("/v1/graph", 422),
        ("/v1/graph?article=newsroom:vote-1-uk&depth=4", 422),
        ("/v1/related?url=https://nobody.example/", 404),
        ("/v1/related?url=https://newsroom.example/uk/stolytsia-obyraie-mera", 200),
        ("/v1/related", 422),
    ):
        answer = await service.api.get(path)
        assert answer.status_code == status, (path, answer.text)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/articles/newsroom:vote-1-uk/related?language=",
        "/v1/articles/newsroom:vote-1-uk/related?language=uk&language=",
        "/v1/related?article=newsroom:vote-1-uk&language=",
        "/v1/articles/newsroom:vote-1-uk/related.html?language=",
        "/v1/articles/newsroom:vote-1-uk/story?language=",
        "/v1/stories/newsroom:vote-1-uk?language=",
        "/v1/story?article=newsroom:vote-1-uk&language=",
        "/v1/themes?language=",
        "/v1/themes/elections?language=",
    ],
)
async def test_an_empty_language_is_refused_since_nothing_is_in_it(service: Related, path: str) -> None:
    answer = await service.api.get(path)
    assert answer.status_code == 422
    assert "language" in answer.json()["detail"]


async def test_an_answer_that_did_not_change_is_not_sent_again(service: Related) -> None:
    first = await service.api.get("/v1/articles/newsroom:vote-1-uk/related")
    assert first.headers["cache-control"] == "no-cache"
    again = await service.api.get(
        "/v1/articles/newsroom:vote-1-uk/related", headers={"If-None-Match": first.headers["etag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize("form", ["json", "dot", "graphml", "svg"])
async def test_a_graph_that_did_not_change_is_not_sent_again_in_any_form(service: Related, form: str) -> None:
    asked = {"article": "newsroom:vote-1-uk", "format": form}
    first = await service.api.get("/v1/graph", params=asked)
    again = await service.api.get("/v1/graph", params=asked, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for answer in (first, again):
        assert answer.headers["as-of"].startswith("20")
        assert answer.headers["cache-control"] == "no-cache"
        assert "Accept-Language" in answer.headers["vary"]


async def test_the_script_has_the_name_of_its_subject_and_the_common_one(service: Related) -> None:
    own, common = [await service.api.get(f"/v1/{name}.js") for name in ("related", "components")]
    assert own.content == common.content
    assert b"news-related" in own.content


async def test_an_emptied_redis_is_filled_again_and_says_so_meanwhile(service: Related) -> None:
    page = "/v1/articles/newsroom:vote-3-uk/related"
    before = (await service.get(page))["items"]
    async with open_redis(service.backend.redis_settings) as redis:
        await redis.flushall()
    assert await service.status(page) in {503, 200}

    async def same() -> bool:
        answer = await service.api.get(page)
        assert answer.status_code in {200, 503}, answer.text
        return answer.status_code == 200 and answer.json()["items"] == before

    await until(same, "the same list as before")
