"""The poller as a process, asked through the API of sources."""

import asyncio
import json
from time import monotonic

import httpx

from news_ingest.polling.opml import read_opml
from news_shared.redis_client import open_redis
from tests.ingest.feed_server import Answer, Asked, feed_server, rss
from tests.ingest.polled import SETTINGS, SLOW, newsroom
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles
from tests.testbed.waiting import until

HERE, THERE = "127.0.1.1", "127.0.1.2"


async def test_a_feed_is_polled_and_asked_again_with_its_validators(roles: Roles, fresh_backend: Backend) -> None:
    def behaviour(asked: Asked) -> Answer:
        if asked.headers.get("if-none-match") == '"2"':
            return Answer(304, {"ETag": '"2"'})
        tag = '"2"' if "if-none-match" in asked.headers else '"1"'
        titles = ["a", "b", "c"] if tag == '"2"' else ["a", "b"]
        return Answer(headers={"ETag": tag, "Content-Type": "application/rss+xml"}, body=rss(*titles))

    async with newsroom(roles, fresh_backend, SLOW) as room:
        room.feeds.behaviours[HERE] = behaviour
        await room.add("herald", HERE)
        await room.published("herald", "a", "b")
        first = await room.polled("herald")
        assert (first["health"], first["outcome"], first["status"]) == ("ok", "new-items", 200)
        assert first["items"] == {"seen": 2, "new": 2, "changed": 0, "rejected": 0}
        assert first["why"] == "first poll"
        second = await room.poll_now("herald")
        await room.published("herald", "a", "b", "c")
        assert (second["items"]["seen"], second["items"]["new"]) == (5, 3)
        third = await room.poll_now("herald")
        assert (third["outcome"], third["status"], third["items"]["seen"]) == ("not-modified", 304, 5)
        asked = room.feeds.asked[HERE]
        assert [a.headers.get("if-none-match") for a in asked] == [None, '"1"', '"2"']
        assert {"gzip", "br", "zstd"} <= set(asked[0].headers["accept-encoding"].replace(",", " ").split())


async def test_a_source_follows_its_feed_and_one_that_is_gone_waits_for_a_person(
    roles: Roles, fresh_backend: Backend
) -> None:
    async with newsroom(roles, fresh_backend, SLOW) as room:
        room.feeds.behaviours[HERE] = lambda _: Answer(301, {"Location": room.feeds.url(THERE)})
        room.feeds.behaviours[THERE] = lambda _: Answer(body=rss("a"))
        key = (await room.client.put("/v1/sources/herald", json={"title": "Herald"})) and (
            await room.client.post("/v1/sources/herald/keys")
        ).json()["token"]
        changed = await room.client.patch("/v1/sources/herald", json={"feed_url": room.feeds.url(HERE)})
        assert changed.status_code == 200

        async def has_moved() -> bool:
            return bool((await room.source("herald"))["feed_url"] == room.feeds.url(THERE))

        await until(has_moved, "the source to follow its feed")
        source = await room.source("herald")
        assert (source["title"], source["moved_from"], len(source["keys"])) == ("Herald", room.feeds.url(HERE), 1)
        await until(lambda: len(room.feeds.asked[THERE]) == 2, "a poll at the new place")
        assert len(room.feeds.asked[HERE]) == 1
        own = {"Authorization": f"Bearer {key}"}
        assert (await room.client.get("/v1/sources/herald", headers=own)).status_code == 200

        room.feeds.behaviours[THERE] = lambda _: Answer(410)
        await room.client.post("/v1/sources/herald/poll", headers=own)

        async def is_gone() -> bool:
            polling = await room.polling("herald")
            return (polling["health"], polling["outcome"]) == ("gone", "failed")  # what was found; its poll is over

        await until(is_gone, "the feed to be gone")
        polling = await room.polling("herald")
        assert "410" in polling["reason"]
        assert polling["next_poll"] is None
        room.feeds.behaviours[HERE] = lambda _: Answer(body=rss("a", "b"))
        assert (await room.poll_now("herald"))["health"] == "ok"
        await room.published("herald", "a", "b")

        await room.client.patch("/v1/sources/herald", json={"poll": False})
        assert (await room.polling("herald"))["health"] == "paused"
        refused = await room.client.post("/v1/sources/herald/poll")
        assert (refused.status_code, "paused" in refused.json()["detail"]) == (422, True)
        assert (await room.client.delete("/v1/sources/herald")).status_code == 204
        await room.add("herald", HERE)
        assert (await room.polled("herald"))["polls"] == 1, "what was known of the former one is forgotten"
        await room.published("herald", "a", "b")


async def test_an_emptied_redis_makes_feeds_be_polled_again_and_nothing_be_published_twice(
    roles: Roles, fresh_backend: Backend
) -> None:
    async with newsroom(roles, fresh_backend, SLOW) as room:
        for number in range(1, 6):
            room.feeds.behaviours[f"127.0.1.{number}"] = lambda asked: Answer(
                headers={"ETag": '"1"'}, body=rss(asked.host)
            )
            await room.add(f"s{number}", f"127.0.1.{number}")
        for number in range(1, 6):
            await room.published(f"s{number}", f"127.0.1.{number}")
        async with open_redis(fresh_backend.redis_settings) as redis:
            await redis.flushall()
        for number in range(1, 6):
            await until(lambda host=f"127.0.1.{number}": len(room.feeds.asked[host]) == 2, "a second poll")
            assert "if-none-match" not in room.feeds.asked[f"127.0.1.{number}"][1].headers
        await room.poll_now("s1")
        for number in range(1, 6):
            await room.published(f"s{number}", f"127.0.1.{number}")


async def test_a_host_that_is_asked_while_redis_is_emptied_is_not_asked_by_a_second_request(
    roles: Roles, fresh_backend: Backend
) -> None:
    slow, *others = [f"127.0.1.{number}" for number in range(1, 7)]
    go_on = asyncio.Event()

    async def waits(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        writer.write(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n")

    async with newsroom(roles, fresh_backend, SLOW | {"NEWS_INGEST_POLL_LEASE": "PT6S"}, publisher=False) as room:
        asked = room.feeds.asked
        room.feeds.behaviours = {slow: waits, **dict.fromkeys(others, lambda _: Answer(body=rss("a")))}
        for number, host in enumerate((slow, *others)):
            await room.add(f"s{number}", host)
        await until(lambda: all(len(asked[host]) == 1 for host in (slow, *others)), "everybody to be asked")
        async with open_redis(fresh_backend.redis_settings) as redis:
            await redis.flushall()
        await until(lambda: all(len(asked[host]) == 2 for host in others), "the others to be asked once more")
        assert len(asked[slow]) == 1
        go_on.set()
        await until(lambda: len(asked[slow]) == 2, "the slow one to be asked once more")
        assert room.feeds.open_most[slow] == 1


async def test_hosts_that_hang_delay_nobody_else(roles: Roles, fresh_backend: Backend) -> None:
    async def hangs(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    few = {"NEWS_INGEST_POLL_CONCURRENCY": "8", "NEWS_INGEST_FETCH_TIMEOUT": "PT60S"}
    async with newsroom(roles, fresh_backend, SLOW | few, publisher=False) as room:
        for number in range(1, 21):
            room.feeds.behaviours[f"127.0.1.{number}"] = hangs
            await room.add(f"dead{number}", f"127.0.1.{number}")
        await until(lambda: len(room.feeds.asked) == 20, "the dead to be asked")
        for number in range(21, 51):
            room.feeds.behaviours[f"127.0.1.{number}"] = lambda _: Answer(body=rss("a"))
            await room.add(f"live{number}", f"127.0.1.{number}")
        begun = monotonic()
        for number in range(21, 51):
            await room.polled(f"live{number}")
        assert monotonic() - begun < 30, "they waited for the dead"
        assert (await room.polling("dead1")).get("polls", 0) == 0


async def test_what_cannot_be_polled_is_refused_at_the_door(roles: Roles) -> None:
    api = await roles.start("ingest-api", **SETTINGS)
    headers = {"Authorization": "Bearer dev"}
    async with plain_client(base_url=api.url, headers=headers, timeout=30) as client:
        json_type = {"Content-Type": "application/json"}
        for wrong, field in (
            ({"feed_url": "file:///etc/passwd"}, "feed_url"),
            ({"feed_url": "http://[::1"}, "feed_url"),
            ({"encoding": "klingon"}, "encoding"),
            ({"encoding": "base64"}, "encoding"),
            ({"language": "Ukrainian!"}, "language"),
            ({"themes": [""]}, "themes.0"),
            ({"poll": "maybe"}, "poll"),
        ):
            answer = await client.put("/v1/sources/x", json=wrong)
            assert answer.status_code == 422, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["errors"][0]["field"] == field
        for hostile in (
            "\0",
            "\\ud800",
            "x" * 100_000,
            "http://\\u2028/",
            "http://[::ffff:1.2.3.4%25eth0]/",
            "%00",
            "\\u202e",
        ):
            for name in ("title", "url", "feed_url", "language", "encoding", "themes"):
                value = f'["{hostile}"]' if name == "themes" else f'"{hostile}"'
                answer = await client.put("/v1/sources/y", content=f'{{"{name}": {value}}}', headers=json_type)
                assert answer.status_code < 500, (name, hostile, answer.text)
            text = json.loads(f'"{hostile}"', strict=False).encode("utf-8", "replace").decode()
            for path, query in (("discover", {"url": text[:3000]}), ("y/poll", {}), ("none/poll", {})):
                answer = await client.post(f"/v1/sources/{path}", params=query)
                assert answer.status_code < 503, (path, hostile, answer.text)
            answer = await client.get("/v1/websub/y/token", params={"hub.mode": text[:9], "hub.topic": text[:2000]})
            assert answer.status_code in {404, 422}
        assert (await client.post("/v1/sources", json={"title": "No name"})).status_code == 422
        assert (await client.put("/v1/sources/No%20Name", json={})).status_code == 422
        assert (await client.get("/v1/sources/x")).status_code == 404
        assert (await client.post("/v1/sources/x/poll")).status_code == 404
        made = await client.post("/v1/sources", json={"feed_url": "http://user:secret@www.Herald.example/rss#top"})
        assert (made.status_code, made.headers["Location"]) == (201, "/v1/sources/herald-example")
        assert made.json()["feed_url"] == "http://www.herald.example/rss"
        assert made.json()["polling"]["health"] == "waiting"
        replaced = await client.put(made.headers["Location"], json={"title": "H"}, headers={"If-Match": '"other"'})
        assert replaced.status_code == 412
        replaced = await client.put(
            made.headers["Location"], json={"title": "H"}, headers={"If-Match": made.headers["ETag"]}
        )
        assert (replaced.status_code, replaced.json()["feed_url"]) == (200, None)
        assert (await client.post("/v1/sources/herald-example/poll")).status_code == 422


async def test_lists_of_feeds_go_in_and_out(roles: Roles) -> None:
    api = await roles.start("ingest-api", **SETTINGS)
    headers = {"Authorization": "Bearer dev"}
    async with plain_client(base_url=api.url, headers=headers, timeout=30) as client:
        listed = """<opml version="2.0"><head/><body><outline text="Sport">
            <outline text="Herald" xmlUrl="http://herald.example/rss" htmlUrl="http://herald.example/" language="uk"/>
            <outline text="Herald" xmlUrl="http://other.example/rss" category="/World,/Kyiv"/></outline>
            <outline text="Old" xmlUrl="gopher://old.example/"/><outline text="Empty folder"/></body></opml>"""
        answer = await client.post("/v1/sources.opml", content=listed, headers={"Content-Type": "text/x-opml"})
        assert answer.status_code == 200, answer.text
        assert [s["id"] for s in answer.json()["created"]] == ["herald", "herald-2"]
        assert [r["title"] for r in answer.json()["rejected"]] == ["Old"]
        other = (await client.get("/v1/sources/herald-2")).json()
        assert (other["themes"], other["title"]) == (["World", "Kyiv", "Sport"], "Herald")
        again = (await client.post("/v1/sources.opml", content=listed)).json()
        assert (again["created"], [s["id"] for s in again["existing"]]) == ([], ["herald", "herald-2"])
        first = (await client.get("/v1/sources", params={"limit": 1})).json()
        assert ([s["id"] for s in first["items"]], first["next"]) == (["herald"], "herald")
        second = (await client.get("/v1/sources", params={"limit": 1, "after": first["next"]})).json()
        assert ([s["id"] for s in second["items"]], "next" in second) == (["herald-2"], False)
        out = await client.get("/v1/sources.opml")
        assert out.headers["content-type"].startswith("text/x-opml")
        outlines, refused = read_opml(out.content)
        assert [(o.title, o.feed_url, o.language, o.themes) for o in outlines] == [
            ("Herald", "http://herald.example/rss", "uk", ("Sport",)),
            ("Herald", "http://other.example/rss", None, ("World", "Kyiv", "Sport")),
        ]
        assert refused == []
        for wrong in (b"", b"{}", b"<html/>", b"<!DOCTYPE o [<!ENTITY a 'b'>]><opml/>", b"\xff\xfe<opml"):
            assert (await client.post("/v1/sources.opml", content=wrong)).status_code == 400
        for path in ("/v1/sources.opml", "/v1/sources"):
            assert (await client.get(path, headers={"Authorization": ""})).status_code == 401


async def test_the_feeds_of_a_site_are_found_and_tried(roles: Roles) -> None:
    api = await roles.start("ingest-api", **SETTINGS)
    headers = {"Authorization": "Bearer dev"}
    page = b"""<html><head><base href="/sub/"><link rel="alternate" type="application/rss+xml" title="News" href="feed">
        <link rel="alternate" type="application/atom+xml" href="/broken">
        <link rel="alternate" type="application/rss+xml" href="http://127.0.0.1/private"></head></html>"""

    def site(asked: Asked) -> Answer:
        found = {"/": page, "/sub/feed": rss("a", "b"), "/bare": b"<html>", "/rss.xml": rss("c")}
        return Answer(body=found[asked.path]) if asked.path in found else Answer(404)

    async with (
        feed_server() as feeds,
        plain_client(base_url=api.url, headers=headers, timeout=30) as client,
    ):
        feeds.behaviours[HERE] = site

        async def found(url: str) -> httpx.Response:
            return await client.post("/v1/sources/discover", params={"url": url})

        feed = {"url": feeds.url(HERE, "/sub/feed"), "title": "News", "items": 2, "rejected": 0}
        assert (await found(feeds.url(HERE, "/"))).json()["feeds"] == [feed]
        assert (await found(feeds.url(HERE, "/sub/feed"))).json()["feeds"] == [feed | {"title": "Feed"}]
        assert [f["url"] for f in (await found(feeds.url(HERE, "/bare"))).json()["feeds"]] == [
            feeds.url(HERE, "/rss.xml")
        ]
        assert (await found(feeds.url(HERE, "/none"))).status_code == 502
        for private in (
            f"http://127.0.0.1:{feeds.port}/",
            "http://[::1]/",
            "http://169.254.169.254/",
            "file:///x",
            "x",
        ):
            refused = await found(private)
            assert (refused.status_code, bool(refused.json()["detail"])) == (422, True), refused.text
        assert set(feeds.asked) == {HERE}
