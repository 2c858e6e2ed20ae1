"""Event streams that many pages ask for in one moment."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from news_web.copies import copies_of
from news_web.getting import get_through
from news_web.peers import Peers
from news_web.public_paths import Service


class SlowDoor(httpx.AsyncBaseTransport):
    """Answers when it is told to, and knows how many wait at it; shared by all streams' transports."""

    def __init__(self) -> None:
        self.waiting = 0
        self.most_waiting = 0
        self.closed = 0
        self.is_broken = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        await asyncio.sleep(0)
        self.waiting -= 1
        if self.is_broken:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=b"data: 1\n\n")

    async def aclose(self) -> None:
        self.closed += 1


def peers_at(door: SlowDoor, client: httpx.AsyncClient) -> Peers:
    return Peers(
        client,
        {Service.VIEWS: "http://views"},
        get=get_through(client),
        connect=lambda: door,
        copies=copies_of(1_000_000),
        stale=timedelta(minutes=1),
    )


async def test_a_thousand_streams_at_once_are_all_opened_but_never_all_at_the_same_time() -> None:
    door = SlowDoor()
    async with httpx.AsyncClient(transport=door) as client:
        peers = peers_at(door, client)
        asked = [peers.open_events(httpx.Request("GET", "http://views/v1/views/live")) for _ in range(1000)]
        opened = await asyncio.gather(*asked)
        assert [response.status_code for response, _ in opened] == [200] * 1000
        assert 1 < door.most_waiting <= 50
        assert door.closed == 0
        for _, close in opened:
            await close()
        assert door.closed == 1000


async def test_a_stream_that_cannot_be_opened_leaves_its_turn_to_others() -> None:
    door = SlowDoor()
    async with httpx.AsyncClient(transport=door) as client:
        peers = peers_at(door, client)
        door.is_broken = True
        for _ in range(60):  # more than there are turns
            with pytest.raises(httpx.ConnectError):
                await peers.open_events(httpx.Request("GET", "http://views/v1/views/live"))
        assert door.closed == 60
        door.is_broken = False
        response, close = await peers.open_events(httpx.Request("GET", "http://views/v1/views/live"))
        assert response.status_code == 200
        await close()
