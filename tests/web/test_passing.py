"""Requests that go on to the other services, and their answers."""

import json
from functools import partial

import httpx

from tests.web.conftest import Open
from tests.web.ferry_newsroom import STORY, a_newsroom, given


async def test_a_beacon_goes_on_with_the_readers_address_and_wishes(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom, peer="203.0.113.7")
    wishes = {"user-agent": "Mozilla/5.0", "sec-gpc": "1", "dnt": "1"}
    headers = {**wishes, "cookie": "a=b", "x-forwarded-for": "198.51.100.9"}
    response = await site.post("/v1/views", json={"article": STORY["id"]}, headers=headers)
    assert response.status_code == 202
    sent = newsroom.asked[-1]
    assert (sent.method, str(sent.url)) == ("POST", "http://views/v1/views")
    assert json.loads(sent.content) == {"article": STORY["id"]}
    assert sent.headers["x-forwarded-for"] == "203.0.113.7"
    assert wishes.items() <= dict(sent.headers).items()
    assert "cookie" not in sent.headers
    assert sent.headers["content-length"] == str(len(sent.content))


async def test_requests_go_on_byte_by_byte_and_answers_come_back_so(open_site: Open) -> None:
    newsroom = a_newsroom()
    special = {"etag": 'W/"x"', "content-type": "application/problem+json", "retry-after": "7"}
    refused = httpx.Response(412, headers=special, content=b"{}")
    newsroom.special[("ingest", "/v1/articles/herald:a/b")] = partial(given, refused)
    site = await open_site(newsroom)
    response = await site.delete("/v1/articles/herald:a%2Fb?reason=a+b&x=%C3%A9", headers={"authorization": "Bearer k"})
    assert newsroom.asked[-1].url.raw_path == b"/v1/articles/herald:a%2Fb?reason=a+b&x=%C3%A9"
    assert newsroom.asked[-1].headers["authorization"] == "Bearer k"
    assert (response.status_code, response.content) == (412, b"{}")
    assert special.items() <= dict(response.headers).items()


async def test_a_service_that_does_not_answer_is_503_and_an_unknown_call_404(open_site: Open) -> None:
    newsroom = a_newsroom()
    newsroom.down = {"ingest"}
    site = await open_site(newsroom)
    response = await site.post("/v1/articles", content=b"[]")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/unavailable")
    assert response.headers["retry-after"]
    unknown = await site.get("/v1/nothing")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
