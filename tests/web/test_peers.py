"""Questions to services, and event streams that many pages ask for in one moment."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from news_web.copies import copies_of
from news_web.getting import Answer, connections, get_through, get_with
from news_web.passing import pass_on
from news_web.peers import Peers
from news_web.public_paths import Service
from tests.testbed.waiting import until


class SlowDoor(httpx.AsyncBaseTransport):
    """Answers when it is told to, and knows how many wait at it; shared by all streams' transports."""

    def __init__(self) -> None:
        self.waiting = 0
        self.most_waiting = 0
        self.closed = 0
        self.is_broken = False
        self.frozen: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            await (asyncio.Event().wait() if request.url.host in self.frozen else asyncio.sleep(0))
        finally:
            self.waiting -= 1
        if self.is_broken:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=b"data: 1\n\n")

    async def aclose(self) -> None:
        self.closed += 1


LIVE = httpx.Request("GET", "http://views/v1/views/live")
STREAM = httpx.Request("GET", "http://feed/v1/stream")


def peers_at(door: SlowDoor, client: httpx.AsyncClient, opened_within: timedelta = timedelta(seconds=5)) -> Peers:
    return Peers(
        client,
        {Service.VIEWS: "http://views", Service.FEED: "http://feed"},
        get=get_through(client),
        connect=lambda: door,
        opened_within=opened_within,
        copies=copies_of(1_000_000),
        stale=timedelta(minutes=1),
    )


async def test_a_thousand_streams_at_once_are_all_opened_but_never_all_at_the_same_time() -> None:
    door = SlowDoor()
    async with httpx.AsyncClient(transport=door) as client:
        peers = peers_at(door, client)
        asked = [peers.open_events(Service.VIEWS, LIVE) for _ in range(1000)]
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
                await peers.open_events(Service.VIEWS, LIVE)
        assert door.closed == 60
        door.is_broken = False
        response, close = await peers.open_events(Service.VIEWS, LIVE)
        assert response.status_code == 200
        await close()


async def test_a_service_that_is_frozen_holds_no_turn_of_another() -> None:
    door = SlowDoor()
    door.frozen = {"feed"}
    async with httpx.AsyncClient(transport=door) as client:
        peers = peers_at(door, client, opened_within=timedelta(minutes=1))
        waiting = [asyncio.create_task(peers.open_events(Service.FEED, STREAM)) for _ in range(60)]
        await until(lambda: door.waiting == 50, "all turns to be taken")
        response, close = await asyncio.wait_for(peers.open_events(Service.VIEWS, LIVE), 2)
        assert response.status_code == 200
        await close()
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_stream_that_is_not_open_in_time_gives_up_its_turn() -> None:
    door = SlowDoor()
    door.frozen = {"feed"}
    async with httpx.AsyncClient(transport=door) as client:
        peers = peers_at(door, client, opened_within=timedelta(milliseconds=50))
        asked = [peers.open_events(Service.FEED, STREAM) for _ in range(60)]  # some do not get a turn
        assert {type(one) for one in await asyncio.gather(*asked, return_exceptions=True)} == {httpx.ReadTimeout}
        assert (door.waiting, door.closed) == (0, 60)


async def test_a_reader_who_leaves_gives_up_his_turn() -> None:
    door = SlowDoor()
    door.frozen = {"feed"}
    left = asyncio.Event()
    said = iter([{"type": "http.request"}])

    async def receive() -> Message:
        if (message := next(said, None)) is not None:
            return message
        await left.wait()
        return {"type": "http.disconnect"}

    async with httpx.AsyncClient(transport=door) as client:
        peers = peers_at(door, client)
        headers = [(b"accept", b"text/event-stream")]
        scope = {"type": "http", "method": "GET", "path": "/v1/stream", "query_string": b"", "headers": headers}
        reading = asyncio.create_task(pass_on(Request(scope, receive), peers, (), asyncio.Event()))
        await until(lambda: door.waiting == 1, "the stream to be asked for")
        left.set()
        await asyncio.wait_for(reading, 2)
        assert (door.waiting, door.closed) == (0, 1)


async def test_an_answer_that_ages_is_asked_for_again_and_nobody_waits() -> None:
    asked, released = [], asyncio.Event()
    released.set()

    async def get(url: str, headers: Mapping[str, str]) -> Answer:
        asked.append(url)
        await released.wait()
        return Answer(200, None, b'{"n": %d}' % len(asked))

    async with httpx.AsyncClient() as client:
        peers = Peers(
            client,
            {Service.RELATED: "http://related/"},
            get=get,
            connect=httpx.AsyncHTTPTransport,
            opened_within=timedelta(seconds=5),
            copies=copies_of(1_000_000),
            stale=timedelta(minutes=1),
        )
        ask = partial(peers.ask, Service.RELATED, "/x", within=timedelta(seconds=5), fresh=timedelta(minutes=1))
        assert (await ask()).body == {"n": 1}
        released.clear()
        now = asyncio.get_running_loop().time()
        with pytest.MonkeyPatch.context() as patch:
            for later in (5.9, 6.1, 6.1):
                patch.setattr("news_web.peers._now", lambda later=later: now + later)
                assert (await ask()).body == {"n": 1}
            await until(lambda: len(asked) == 2, "the question to be asked again")
            released.set()

            async def is_new() -> bool:
                return (await ask()).body == {"n": 2}

            await until(is_new, "the new answer")
        assert asked == ["http://related/x"] * 2
        await peers.close()


async def test_the_connections_say_what_came_back_and_when_nothing_did() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        if "nothing" not in head:
            writer.write(b'HTTP/1.1 200 OK\r\nETag: W/"1"\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}')
            await writer.drain()
        writer.close()

    heads: list[str] = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, connections() as session:
        get = get_with(session)
        for _ in range(2):
            answer = await get(f"http://{host}:{port}/v1/articles/a:%2F?x=%20", {"if-none-match": 'W/"0"'})
            assert answer == Answer(200, 'W/"1"', b"{}")
        with pytest.raises(ConnectionError):
            await get(f"http://{host}:{port}/nothing", {})
    assert heads[0].startswith("GET /v1/articles/a:%2F?x=%20 HTTP/1.1")
    assert 'if-none-match: w/"0"' in heads[1].lower()
    assert "cookie" not in heads[1].lower()
