"""The poller as a process, asked through the API of sources."""

from tests.ingest.feed_server import Answer, Asked, rss
from tests.ingest.polled import SLOW, newsroom
from tests.testbed.backends import Backend
from tests.testbed.role import Roles

HERE, THERE = "127.0.1.1", "127.0.1.2"


async def test_a_feed_is_polled_and_asked_again_with_its_validators(roles: Roles, fresh_backend: Backend) -> None:
    def behaviour(asked: Asked) -> Answer:
        if asked.headers.get("if-none-match") == '"2"':
            return Answer(304, {"ETag": '"2"'})
        tag = '"2"' if "if-none-match" in asked.headers else '"1"'
        titles = ["a", "b", "c"] if tag == '"2"' else ["a", "b"]
        return Answer(headers={"ETag": tag, "Content-Type": "application/rss+xml"}, body=rss(*titles))

    async with newsroom(roles, fresh_backend, **SLOW) as room:
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
