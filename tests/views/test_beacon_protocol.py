"""Beacons on connections as they come: kept, pipelined, in pieces, cut off; the short way answers as the long one."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from news_shared.article_ids import article_id
from news_shared.errors import OverloadError, TransientError
from news_shared.problems import TOO_MANY, ProblemError
from tests.testbed.waiting import until
from tests.views.beacon_server import SECONDS, Answer, Service, serving

FERRY = article_id("herald", "ferry")
BODY = b'{"article": "herald:ferry"}'
CLOSE = b"Connection: close\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)


@pytest_asyncio.fixture(scope="module")
async def service() -> AsyncIterator[Service]:
    """Settles each beacon at once."""
    async with serving() as service:
        service.intake.holds = False
        yield service


def beacon(*lines: bytes, body: bytes = BODY, target: bytes = b"/v1/views", length: bytes = b"") -> bytes:
    length = length or b"Content-Length: %d\r\n" % len(body)
    return b"".join([b"POST %s HTTP/1.1\r\nHost: views\r\n" % target, length, *lines, b"\r\n", body])


def accepted(answer: Answer) -> None:
    assert (answer.status, json.loads(answer.body)) == (202, {"article": FERRY})
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_kept_connection_answers_each_beacon_when_kafka_has_it_and_not_before() -> None:
    async with serving() as service:
        talk = await service.call()
        for _ in range(3):
            talk.say(beacon())
            await service.intake.waiting(1)
            answer = asyncio.create_task(talk.hear())
            await asyncio.sleep(0)
            assert not answer.done()
            service.intake.settle()
            accepted(await answer)
        assert service.intake.long_ways == 0
        assert service.counted("accepted") == 3
        talk.say(b"GET /elsewhere HTTP/1.1\r\nHost: views\r\n\r\n")
        assert (await talk.hear()).body == b"the rest: elsewhere"
        talk.say(beacon())
        await service.intake.waiting(1)
        service.intake.settle()
        accepted(await talk.hear())


async def test_pipelined_requests_are_answered_one_after_the_other_in_their_order() -> None:
    async with serving() as service:
        talk = await service.call()
        wrong = beacon(body=b"{}")
        talk.say(beacon(), b"GET /first HTTP/1.1\r\nHost: views\r\n\r\n", wrong, beacon())
        await service.intake.waiting(1)
        service.intake.settle()
        accepted(await talk.hear())
        assert (await talk.hear()).body == b"the rest: first"
        assert (await talk.hear()).status == 422
        await service.intake.waiting(1)
        service.intake.settle()
        accepted(await talk.hear())
        assert service.intake.taken == 2


async def test_a_refused_beacon_is_answered_before_the_one_that_came_with_it() -> None:
    async with serving() as service:
        service.intake.holds = False
        talk = await service.call()
        talk.say(beacon(body=b"{}"), beacon(), beacon(body=b"["))
        assert [(await talk.hear()).status for _ in range(3)] == [422, 202, 400]


async def test_what_follows_a_request_that_ends_the_connection_is_not_taken() -> None:
    async with serving() as service:
        service.intake.holds = False
        for last, status in (
            (beacon(CLOSE), 202),
            (beacon(CLOSE, body=b"{}"), 422),
            (beacon(b"Connection: keep-alive\r\n", body=b"{}").replace(b"HTTP/1.1", b"HTTP/1.0"), 422),
        ):
            talk = await service.call()
            talk.say(last, beacon())
            assert (await talk.hear()).status == status
            assert await talk.is_closed()
        assert service.intake.taken == 1


async def test_a_request_may_come_in_any_pieces() -> None:
    async with serving() as service:
        service.intake.holds = False
        talk = await service.call()
        for byte in beacon(b"Content-Type: text/plain\r\n"):
            talk.say(bytes([byte]))
            await talk.writer.drain()
            await asyncio.sleep(0)
        accepted(await talk.hear())
        assert service.intake.long_ways == 0


LONG = b'{"article": "' + b"x" * 5000 + b'"}'
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BOTH_WAYS: list[tuple[str, bytes, int]] = [
    ("an upper-case header", beacon(b"X-PURPOSE: preview\r\n"), 202),
    ("no length", beacon(length=b"X: y\r\n", body=b""), 400),
    ("chunked", beacon(length=CHUNKED, body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)), 202),
    ("chunked, too long", beacon(length=CHUNKED, body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(LONG), LONG)), 413),
    ("too long", beacon(body=LONG), 413),
    ("empty", beacon(body=b""), 400),
    ("not JSON", beacon(body=b"\xff"), 400),
    ("no article", beacon(body=b"{}"), 422),
    ("a picture", beacon(b"Content-Type: image/png\r\n"), 415),
    ("closing", beacon(CLOSE), 202),
    ("closing, wrong", beacon(CLOSE, body=b"{"), 400),
    ("an upgrade that is none", beacon(b"Connection: upgrade\r\n"), 202),
    ("an upgrade, whose body is not read", beacon(b"Connection: upgrade\r\nUpgrade: h2c\r\n"), 400),
    ("HTTP/1.0", beacon(b"Connection: keep-alive\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"), 202),
    ("a length with a sign", beacon(length=b"Content-Length: +27\r\n"), 400),
    ("two lengths", beacon(LENGTH), 400),
    ("length and chunks", beacon(CHUNKED), 400),
    ("a header that is none", beacon(b"nonsense\r\n"), 400),
    ("another method", beacon().replace(b"POST", b"PUT", 1), 405),
    ("a question", b"GET /v1/views HTTP/1.1\r\nHost: views\r\n\r\n", 200),
    ("asked whether it may", b"OPTIONS /v1/views HTTP/1.1\r\nHost: views\r\n\r\n", 200),
]


@pytest.mark.parametrize(("said", "status"), [case[1:] for case in BOTH_WAYS], ids=[case[0] for case in BOTH_WAYS])
async def test_both_ways_give_the_same_answer(service: Service, said: bytes, status: int) -> None:
    answers = []
    for target in (b" /v1/views ", b" /v1/views?long ", b" /v1/%76iews "):
        talk = await service.call()
        talk.say(said.replace(b" /v1/views ", target, 1))
        answer = await talk.hear()
        answer.headers.pop("date", None)
        closes = "close" in answer.headers.get("connection", "")
        if closes:
            assert await talk.is_closed()
        answers.append((answer, closes))
    assert answers[0][0].status == status
    assert answers[1:] == answers[:1] * 2


async def test_the_head_of_an_accepted_beacon_is_the_same_both_ways() -> None:
    async with serving() as service:
        service.intake.holds = False
        talk = await service.call()
        talk.say(beacon())
        short = await talk.hear()
        assert service.intake.long_ways == 0
        talk.say(beacon(target=b"http://views/v1/views"))
        long = await talk.hear()
        assert service.intake.long_ways == 1
        assert list(short.headers) == list(long.headers)
        assert "date" in short.headers


async def test_who_expects_to_be_told_to_go_on_is_told() -> None:
    async with serving() as service:
        service.intake.holds = False
        talk = await service.call()
        talk.say(beacon(b"Expect: 100-continue\r\n", length=LENGTH, body=b""))
        assert (await talk.hear()).status == 100
        talk.say(BODY)
        accepted(await talk.hear())


REFUSALS: list[tuple[Exception, int, str | None, str]] = [
    (ProblemError(TOO_MANY, "Too many.", {"Retry-After": "60"}), 429, "60", "refused"),
    (OverloadError("9 beacons wait for Kafka"), 503, "1", "overload"),
    (TransientError("no salt"), 503, "2", "unavailable"),
    (RuntimeError("a bug"), 500, None, "accepted"),
]


@pytest.mark.parametrize(("error", "status", "retry_after", "outcome"), REFUSALS)
@pytest.mark.parametrize("target", [b"/v1/views", b"/v1/views?long"])
async def test_what_is_refused_says_why_and_when_to_come_again(
    target: bytes, error: Exception, status: int, retry_after: str | None, outcome: str
) -> None:
    async with serving() as service:
        service.intake.refusing = error
        talk = await service.call()
        for _ in range(2):  # the connection is kept
            talk.say(beacon(target=target))
            answer = await talk.hear()
            assert (answer.status, answer.headers.get("retry-after")) == (status, retry_after)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["access-control-allow-origin"] == "*"
        assert service.counted(outcome) == (0 if status == 500 else 2)


async def test_a_beacon_that_kafka_did_not_acknowledge_may_be_repeated_on_the_same_connection() -> None:
    async with serving() as service:
        talk = await service.call()
        talk.say(beacon())
        await service.intake.waiting(1)
        service.intake.settle(TransientError("no answer"))
        answer = await talk.hear()
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        talk.say(beacon())
        await service.intake.waiting(1)
        service.intake.settle()
        accepted(await talk.hear())


async def test_who_hangs_up_before_the_answer_or_in_the_body_harms_nobody() -> None:
    async with serving() as service:
        gone, stays, half = [await service.call() for _ in range(3)]
        gone.say(beacon())
        stays.say(beacon())
        half.say(beacon()[:-5])
        await service.intake.waiting(2)
        gone.writer.transport.abort()
        half.writer.transport.abort()
        await until(lambda: len(service.connections) == 1, "both to be gone", seconds=SECONDS)
        service.intake.settle()
        service.intake.settle()
        accepted(await stays.hear())


async def test_a_peer_that_reads_no_answers_is_not_read_from_for_ever() -> None:
    async with serving() as service, asyncio.timeout(SECONDS):
        intake = service.intake
        intake.holds = False
        talk = await service.call(receive_buffer=4096)
        await until(lambda: len(service.connections) == 1, "the connection")
        [connection] = service.connections
        connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        sent = 0
        while not connection.flow.write_paused:
            talk.say(beacon())
            sent += 1
            while service.counted("accepted") != sent:
                await asyncio.sleep(0)
        assert intake.long_ways == 0
        for _ in range(3):
            talk.say(beacon())
        await until(lambda: connection.flow.read_paused, "the server to stop reading")
        assert intake.long_ways == 1, "the next one waits for its turn to write"
        for _ in range(sent + 3):
            accepted(await talk.hear())


async def test_at_the_stop_beacons_in_flight_are_answered_and_their_connections_closed() -> None:
    async with serving() as service:
        idle, whole, half = [await service.call() for _ in range(3)]
        service.intake.holds = False
        idle.say(beacon())
        accepted(await idle.hear())
        service.intake.holds = True
        whole.say(beacon())
        half.say(beacon()[:-5])
        await service.intake.waiting(1)
        await until(lambda: len(service.connections) == 3, "all to be heard", seconds=SECONDS)
        service.server.should_exit = True
        assert await idle.is_closed()
        half.say(beacon()[-5:])
        await service.intake.waiting(2)
        service.intake.settle()
        service.intake.settle()
        for talk in (whole, half):
            answer = await talk.hear()
            accepted(answer)
            assert answer.headers["connection"] == "close"
            assert await talk.is_closed()
