"""A hub that tells of changes: asked, confirmed, believed when it signs, and not otherwise."""

import asyncio
import hashlib
import hmac
from datetime import timedelta
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_ingest.polling.subscriptions import asked, confirmed, is_signed, must_ask
from tests.ingest.builders import NOON
from tests.ingest.feed_server import Answer, Asked, rss
from tests.ingest.polled import SETTINGS, Newsroom, newsroom
from tests.testbed.backends import Backend
from tests.testbed.role import Roles
from tests.testbed.waiting import until

FEED, HUB = "127.0.1.1", "127.0.1.2"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def signed(secret: str, body: bytes, method: str = "sha256") -> str:
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


def test_a_hub_is_asked_once_and_again_when_a_quarter_of_the_lease_is_left() -> None:
    assert must_ask(None, "h", "t", NOON)
    known = asked(None, "h", "t", NOON)
    assert not must_ask(known, "h", "t", NOON + HOUR / 2)
    assert must_ask(known, "h", "t", NOON + HOUR), "it has not asked back: once more"
    assert must_ask(known, "other", "t", NOON)
    active = confirmed(known, str(round(4 * DAY.total_seconds())), NOON)
    assert active.is_active(NOON + 3.9 * DAY)
    assert not active.is_active(NOON + 4 * DAY)
    assert not must_ask(active, "h", "t", NOON + 2.9 * DAY)
    assert must_ask(active, "h", "t", NOON + 3 * DAY)
    renewed = asked(active, "h", "t", NOON + 3 * DAY)
    assert (renewed.token, renewed.secret, renewed.until) == (active.token, active.secret, active.until)
    assert asked(active, "h", "other", NOON).token != active.token


@given(st.none() | st.text(max_size=30))
def test_whatever_lease_a_hub_grants_is_bounded(lease: str | None) -> None:
    until = confirmed(asked(None, "h", "t", NOON), lease, NOON).until
    assert until is not None
    assert HOUR / 6 <= until - NOON <= 30 * DAY


@given(st.binary(max_size=100), st.none() | st.text(max_size=80))
def test_only_a_right_signature_is_one(body: bytes, other: str | None) -> None:
    known = asked(None, "h", "t", NOON)
    for method in ("sha1", "sha256", "sha384", "sha512"):
        assert is_signed(known, signed(known.secret, body, method), body)
        assert not is_signed(known, signed(known.secret, body + b"x", method), body)
        assert not is_signed(known, signed("other", body, method), body)
    assert not is_signed(known, other, body)
    assert not is_signed(known, f"sha256={other}", body)
    assert not is_signed(known, "sha256=\xe9", body)
    assert not is_signed(known, signed(known.secret, body, "md5"), body)


class Hub:
    """Asks back as the specification wants, and distributes."""

    def __init__(self, room: Newsroom) -> None:
        self.room = room
        self.form: dict[str, str] = {}
        self.asking: set[asyncio.Task[httpx.Response]] = set()
        room.feeds.behaviours[HUB] = self._asked

    def _asked(self, asked: Asked) -> Answer:
        self.form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        self.asking.add(asyncio.create_task(self.verify()))
        return Answer(202)

    async def verify(self, **changed: str) -> httpx.Response:
        fields = {
            "hub.mode": "subscribe",
            "hub.topic": self.form["hub.topic"],
            "hub.challenge": "challenge!",
            "hub.lease_seconds": "864000",
        } | {f"hub.{name}": value for name, value in changed.items()}
        return await self.room.client.get(self.form["hub.callback"], params=fields)

    async def sends(self, body: bytes, signature: str | None) -> httpx.Response:
        headers = {"Content-Type": "application/rss+xml"} | ({"X-Hub-Signature": signature} if signature else {})
        return await self.room.client.post(self.form["hub.callback"], content=body, headers=headers)


async def test_a_hub_is_subscribed_to_and_what_it_sends_is_published(roles: Roles, fresh_backend: Backend) -> None:
    settings = SETTINGS | {"NEWS_INGEST_PUBLIC_URL": roles.places.url("ingest-api")}
    async with newsroom(roles, fresh_backend, settings) as room:
        hub = Hub(room)
        links = f"<link rel='hub' href='{room.feeds.url(HUB, '/')}'/><link rel='self' href='{room.feeds.url(FEED)}'/>"
        room.feeds.behaviours[FEED] = lambda _: Answer(body=rss("a", head=links))
        await room.add("herald", FEED)

        async def is_active() -> bool:
            return bool((await room.polling("herald")).get("websub", {}).get("state") == "active")

        await until(is_active, "the subscription")
        assert [(await task).text for task in hub.asking] == ["challenge!"]
        assert hub.form["hub.topic"] == room.feeds.url(FEED)
        said = await room.polling("herald")
        assert "secret" not in str(said["websub"])
        assert "token" not in str(said["websub"])
        again = await room.poll_now("herald")
        assert again["why"].startswith("its hub tells of changes")
        assert again["interval"].startswith(("P1D", "PT24H"))
        assert len(room.feeds.asked[HUB]) == 1, "a lease that runs is not asked for again"

        pushed = rss("b", "a", head=links)
        for wrong in (None, "sha256=00", signed("other", pushed)):
            assert (await hub.sends(pushed, wrong)).status_code == 202
        assert (await hub.sends(pushed, signed(hub.form["hub.secret"], pushed))).status_code == 202
        await room.published("herald", "a", "b")
        polls = (await room.polling("herald"))["polls"]
        thin = b"changed"
        assert (await hub.sends(thin, signed(hub.form["hub.secret"], thin))).status_code == 202
        await room.polled("herald", polls + 1)

        for changed in ({"topic": "http://other.example/"}, {"mode": "unsubscribe"}, {"challenge": ""}):
            assert (await hub.verify(**changed)).status_code == 404
        other = hub.form["hub.callback"] + "x"
        assert (await room.client.post(other, content=pushed)).status_code == 404
        await room.client.patch("/v1/sources/herald", json={"poll": False})
        assert (await hub.sends(pushed, signed(hub.form["hub.secret"], pushed))).status_code == 410
        await room.published("herald", "a", "b")


@pytest.mark.parametrize("status", [404, 500])
async def test_a_hub_that_refuses_changes_nothing(roles: Roles, fresh_backend: Backend, status: int) -> None:
    settings = SETTINGS | {"NEWS_INGEST_PUBLIC_URL": roles.places.url("ingest-api")}
    async with newsroom(roles, fresh_backend, settings, publisher=False) as room:
        room.feeds.behaviours[HUB] = lambda _: Answer(status)
        link = f'<{room.feeds.url(HUB, "/")}>; rel="hub"'
        room.feeds.behaviours[FEED] = lambda _: Answer(200, {"Link": link}, rss("a"))
        await room.add("herald", FEED)
        said = await room.polled("herald")
        assert (said["health"], said["why"]) == ("ok", "first poll")
        assert said["websub"]["state"] == "refused"
        assert str(status) in said["websub"]["refused"]
