"""The page as JSON: a status for each part, by id, guid or URL."""

from functools import partial

import httpx
import pytest

from tests.web.conftest import Open
from tests.web.ferry_newsroom import CABLE, STORY, WITHDRAWN, a_newsroom, given


async def test_the_page_as_json_has_a_status_for_each_part(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom)
    answer = (await site.get("/v1/pages/herald:ferry")).json()
    assert answer["id"] == answer["article"]["id"] == STORY["id"]
    assert {
        name: answer[name]["status"] for name in ("article", "views", "links", "story", "related", "themes")
    } == dict.fromkeys(("article", "views", "links", "story", "related", "themes"), "ok")
    assert answer["views"]["views"] == 21478
    assert answer["links"]["links"][0]["card"]["title"] == CABLE["title"]
    assert [theme["slug"] for theme in answer["themes"]["items"]] == ["port-morrow", "transport-trade"]
    another = await open_site(newsroom)  # which has no copies yet
    newsroom.down = {"views", "feed"}
    answer = (await another.get(f"/v1/pages/{STORY['id']}")).json()
    assert answer["article"] == answer["views"] == {"status": "unavailable"}
    assert answer["related"]["status"] == "ok"
    newsroom.down = {"views", "feed", "related"}
    another = await open_site(newsroom)
    assert (await another.get(f"/v1/pages/{STORY['id']}")).status_code == 503
    newsroom.down = set()
    assert (await site.get("/v1/pages/herald:none")).status_code == 404
    gone = await site.get(f"/v1/pages/{WITHDRAWN}")
    assert (gone.status_code, gone.json()["reason"]) == (410, "an error of ours")
    assert (await site.get("/v1/pages/nonsense")).status_code == 400


async def test_the_page_as_json_is_found_by_url(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom)
    for address in (
        "/v1/pages?url=https://herald.example/ferry",
        "/v1/pages?url=HTTPS://herald.example/ferry",
        "/v1/pages/Https://herald.example/ferry",
        "/v1/pages/https://herald.example/ferry",
        "/v1/pages/https%3A%2F%2Fherald.example%2Fferry",
        "/v1/pages?article=herald:ferry",
    ):
        assert (await site.get(address)).json()["article"]["id"] == STORY["id"]
    assert (await site.get("/v1/pages?url=https://herald.example/none")).status_code == 404
    assert (await site.get("/v1/pages")).status_code == 422
    assert (await site.get("/v1/pages?url=https://herald.example/ferry&article=herald:ferry")).status_code == 422
    newsroom.down = {"feed"}
    away = await (await open_site(newsroom)).get("/v1/pages?url=https://herald.example/ferry")
    assert (away.status_code, away.json()["type"]) == (503, "/problems/unavailable")


@pytest.mark.parametrize("address", ["/v1/pages/{}", "/v1/pages?article={}"])
async def test_a_url_that_the_feed_refuses_is_not_to_be_tried_again(open_site: Open, address: str) -> None:
    newsroom = a_newsroom()
    too_long = httpx.Response(422, json={"status": 422, "detail": "url: must have at most 4096 characters"})
    newsroom.special[("feed", "/v1/articles")] = partial(given, too_long)
    site = await open_site(newsroom)
    refused = await site.get(address.format(f"https://herald.example/{'a' * 4150}"))
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid")
    assert "retry-after" not in refused.headers


async def test_the_reference_shows_what_a_page_answers(open_site: Open) -> None:
    site = await open_site(a_newsroom())
    described = (await site.get("/openapi.json")).json()["paths"]
    for path in ("/v1/pages", "/v1/pages/{article}"):
        example = described[path]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        answer = (await site.get("/v1/pages/herald:ferry")).json()
        assert list(example) == list(answer)
        assert all("status" in part for name, part in example.items() if name != "id")
