"""Fetching from servers of ill will and bad luck."""

import asyncio
import gzip
import ssl
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address

import brotli
import pytest
import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from hypothesis import given
from hypothesis import strategies as st

from news_ingest.fetching import pinned_transport
from news_ingest.fetching.addresses import Address, is_allowed, is_public, networks
from news_ingest.fetching.content_coding import LimitedBody, zstd
from news_ingest.fetching.errors import FetchError, FetchProblem
from news_ingest.fetching.fetcher import Fetcher, checked_url, host_of, open_fetcher
from news_ingest.settings import FetchSettings
from tests.ingest.feed_server import Answer, Asked, FeedServer, feed_server, head, rss
from tests.testbed.ports import reserved_port

LOOPBACK = "127.0.1.0/24"
HERE = "127.0.1.1"


def settings(*, allow: str = LOOPBACK, timeout: float = 10, **more: int) -> FetchSettings:
    return FetchSettings.model_validate({"fetch_allow": allow, "fetch_timeout": timedelta(seconds=timeout), **more})


@asynccontextmanager
async def fetching(**limits: object) -> AsyncIterator[tuple[FeedServer, Fetcher]]:
    async with feed_server() as server, open_fetcher(settings(**limits)) as fetcher:  # type: ignore[arg-type]
        yield server, fetcher


async def problem_of(fetcher: Fetcher, url: str) -> FetchProblem:
    with pytest.raises(FetchError) as caught:
        await fetcher.get(url)
    assert str(caught.value)
    return caught.value.problem


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "224.0.0.1"),
        *("255.255.255.255", "240.0.0.1", "192.88.99.1", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1"),
        *("::ffff:0:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
        *("2001::1", "2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1"),
    ],
)
def test_an_address_that_not_everybody_reaches_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_not(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_in_an_ipv6_address_is_as_public_as_itself(number: int) -> None:
    inner = IPv4Address(number)
    for outer in (
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address((0x64FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | (number << 80)),
    ):
        assert is_public(outer) == is_public(inner)
        assert is_allowed(outer, networks(f"{inner}/32"))


@pytest.mark.parametrize(
    "spelling",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0", "localhost", "LOCALHOST."),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]"),
        *("169.254.169.254", "user@127.0.0.1", "127。0。0。1"),
    ],
)
async def test_no_spelling_of_this_machine_is_fetched_from(spelling: str) -> None:
    async with fetching() as (server, fetcher):
        problem = await problem_of(fetcher, f"http://{spelling}:{server.port}/")
        assert problem in {"refused-address", "refused-url", "unresolved"}
        assert not server.asked


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.org/", "gopher://x/", "//example.org/", "http://", "", "x"],
)
def test_only_absolute_web_addresses_are_asked_for(url: str) -> None:
    with pytest.raises(FetchError, match="URL"):
        checked_url(url)


@given(st.text(max_size=40) | st.text("htp:/[]@%0.x\u3002\u0130 \t", max_size=30).map(lambda text: f"http://{text}"))
def test_whatever_is_no_url_is_refused_and_what_is_one_has_a_host(text: str) -> None:
    try:
        url = str(checked_url(text))
    except FetchError as error:
        assert error.problem == "refused-url"  # noqa: PT017  # some texts are
        return
    assert str(checked_url(url)) == url
    assert host_of(url)


def test_the_host_of_a_url_is_told_without_port_and_user() -> None:
    assert host_of("https://user:secret@Example.ORG.:8443/feed") == "example.org"
    assert host_of("http://приклад.укр/") == "xn--80aikifvh.xn--j1amh"


async def test_a_redirect_to_this_machine_is_not_followed() -> None:
    async with fetching() as (server, fetcher):
        for target in (f"http://127.0.0.1:{server.port}/", f"//[::1]:{server.port}/", "http://169.254.169.254/latest"):
            server.behaviours[HERE] = lambda _, target=target: Answer(302, {"Location": target})
            assert await problem_of(fetcher, server.url(HERE)) == "refused-address"
        server.behaviours[HERE] = lambda _: Answer(302, {"Location": "file:///etc/passwd"})
        assert await problem_of(fetcher, server.url(HERE)) == "refused-url"
        assert set(server.asked) == {HERE}


class Rebinding:
    """Answers with a good address first, and with this machine afterwards."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        self.asked += 1
        return [ip_address(self.answers.pop(0))]


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    async with feed_server() as server:
        server.behaviours["rebinding.example"] = lambda _: Answer(body=rss("one"))
        resolver = Rebinding(HERE, "127.0.0.1")
        async with open_fetcher(settings(), resolver=resolver) as fetcher:
            url = server.url("rebinding.example")
            assert (await fetcher.get(url)).body == rss("one")
            assert resolver.asked == 1
            assert server.asked["rebinding.example"][0].headers["host"] == f"rebinding.example:{server.port}"
            assert await problem_of(fetcher, url) == "refused-address"


async def test_a_dead_name_server_keeps_no_other_host_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = threading.Event()

    def look_up(host: str, port: int) -> list[object]:
        if host == "dead.example":
            dead.wait(60)
            raise OSError("no answer")
        return [(2, 1, 6, "", (HERE, port))]

    monkeypatch.setattr(pinned_transport, "_look_up", look_up)
    async with fetching(timeout=30) as (server, fetcher):
        server.behaviours["live.example"] = lambda _: Answer(body=b"here")
        waiting = [asyncio.create_task(fetcher.get(server.url("dead.example"))) for _ in range(100)]
        assert (await fetcher.get(server.url("live.example"))).body == b"here"
        assert not any(task.done() for task in waiting)
        dead.set()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert {getattr(outcome, "problem", None) for outcome in outcomes} == {"unresolved"}


async def test_over_tls_the_name_is_told_and_checked_though_the_address_is_connected_to() -> None:
    authority = trustme.CA()
    names: list[str | None] = []
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("pinned.example").configure_cert(serving)
    serving.sni_callback = lambda _socket, name, _context: names.append(name)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with feed_server(context=serving) as server:
        for host in ("pinned.example", "other.example"):
            server.behaviours[host] = lambda _: Answer(body=b"secret")
        resolver = Rebinding(HERE, HERE)
        async with open_fetcher(settings(), resolver=resolver, ssl_context=trusting) as fetcher:
            assert (await fetcher.get(server.url("pinned.example", scheme="https"))).body == b"secret"
            assert await problem_of(fetcher, server.url("other.example", scheme="https")) == "unreachable"
    assert names == ["pinned.example", "other.example"]
    assert set(server.asked) == {"pinned.example"}


async def http2_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every request of an HTTP/2 connection with its own path."""
    connection = H2Connection(H2Configuration(client_side=False))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while received := await reader.read(65_536):
        for event in connection.receive_data(received):
            if isinstance(event, RequestReceived):
                path = dict(event.headers)[b":path"]
                connection.send_headers(event.stream_id, [(":status", "200")])
                connection.send_data(event.stream_id, path, end_stream=True)
        writer.write(connection.data_to_send())
        await writer.drain()
    writer.close()


async def test_http2_is_spoken_where_the_server_speaks_it() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("two.example").configure_cert(serving)
    serving.set_alpn_protocols(["h2"])
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    port = reserved_port()
    listening = await asyncio.start_server(http2_answer, HERE, port, ssl=serving)
    try:
        async with open_fetcher(settings(), resolver=Rebinding(HERE), ssl_context=trusting) as fetcher:
            fetched = await fetcher.get(f"https://two.example:{port}/feed?a=b")
            assert (fetched.http_version, fetched.body) == ("HTTP/2", b"/feed?a=b")
    finally:
        listening.close()


async def test_permanent_redirects_move_the_address_up_to_the_first_temporary_one() -> None:
    hosts = [f"127.0.1.{number}" for number in range(1, 5)]
    async with fetching() as (server, fetcher):
        for here, there, status in zip(hosts, hosts[1:], (301, 308, 302), strict=False):
            server.behaviours[here] = lambda _, s=status, t=there: Answer(s, {"Location": server.url(t)})
        server.behaviours[hosts[3]] = lambda _: Answer(body=b"here")
        fetched = await fetcher.get(server.url(hosts[0]))
        assert (fetched.url, fetched.moved_to, fetched.body) == (server.url(hosts[3]), server.url(hosts[2]), b"here")
        assert (await fetcher.get(server.url(hosts[2]))).moved_to is None


async def test_redirects_are_followed_a_bounded_number_of_times() -> None:
    async with fetching(fetch_redirects=3) as (server, fetcher):
        server.behaviours[HERE] = lambda asked: Answer(302, {"Location": f"{asked.path}x"})
        assert await problem_of(fetcher, server.url(HERE)) == "too-many-redirects"
        assert len(server.asked[HERE]) == 4


async def test_neither_a_silent_nor_a_dripping_server_holds_us_for_longer_than_the_limit() -> None:
    async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def dripping(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, {}, None))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with fetching(timeout=0.5) as (server, fetcher):
        server.behaviours |= {HERE: silent, "127.0.1.2": dripping}
        for host in (HERE, "127.0.1.2"):
            assert await problem_of(fetcher, server.url(host)) == "timeout"


async def test_a_body_beyond_the_limit_is_refused_whether_it_is_announced_or_not() -> None:
    async with fetching(fetch_max_bytes=1000) as (server, fetcher):
        for size, announced, fits in (
            (1000, True, True),
            (1001, True, False),
            (1000, False, True),
            (1001, False, False),
        ):
            server.behaviours[HERE] = lambda _, s=size, a=announced: Answer(body=b"x" * s, announced=a)
            if fits:
                assert len((await fetcher.get(server.url(HERE))).body) == size
            else:
                assert await problem_of(fetcher, server.url(HERE)) == "too-large"


def packed(coding: str, data: bytes) -> bytes:
    if coding == "raw-deflate":
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return packer.compress(data) + packer.flush()
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": _brotli,
        "zstd": zstd.compress,
    }
    return bytes(packers[coding](data))


def _brotli(data: bytes) -> bytes:
    return bytes(brotli.compress(data, quality=3))  # the best takes half a minute for a bomb


CODINGS = ["gzip", "deflate", "raw-deflate", "br", "zstd"]


@pytest.mark.parametrize("coding", CODINGS)
async def test_every_coding_is_undone(coding: str) -> None:
    async with fetching() as (server, fetcher):
        body = rss(*(f"title {n}" for n in range(2000)))
        named = coding.removeprefix("raw-")
        server.behaviours[HERE] = lambda _: Answer(headers={"Content-Encoding": named}, body=packed(coding, body))
        assert (await fetcher.get(server.url(HERE))).body == body
        server.behaviours[HERE] = lambda _: Answer(headers={"Content-Encoding": named}, body=packed(coding, body)[:-9])
        assert await problem_of(fetcher, server.url(HERE)) == "bad-encoding"


@given(st.binary(max_size=5000), st.sampled_from(CODINGS), st.integers(1, 500))
def test_a_coding_is_undone_however_it_is_cut(data: bytes, coding: str, cut: int) -> None:
    body = LimitedBody(coding.removeprefix("raw-"), 10_000)
    coded = packed(coding, data)
    for start in range(0, len(coded), cut):
        body.add(coded[start : start + cut])
    assert body.finish() == data


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br"]))
def test_bytes_that_are_not_in_the_coding_are_refused_and_nothing_else_happens(data: bytes, coding: str) -> None:
    body = LimitedBody(coding, 10_000)
    try:
        body.add(data)
        body.finish()
    except FetchError as error:
        assert error.problem == "bad-encoding"  # noqa: PT017  # some bytes are


@pytest.mark.parametrize("coding", [*CODINGS, "twice gzip"])
def test_a_bomb_ends_at_the_limit_and_is_never_unpacked(coding: str) -> None:
    bomb = packed(coding.removeprefix("twice "), bytes(200_000_000))
    named = coding.removeprefix("raw-")
    if coding == "twice gzip":
        bomb, named = gzip.compress(bomb), "gzip, gzip"
    body = LimitedBody(named, 1_000_000)
    with pytest.raises(FetchError, match="unpacked") as caught:
        body.add(bomb)
    assert caught.value.problem == "too-large"
    assert body._size < 1_200_000


def test_a_coding_nobody_asked_for_and_a_chain_of_them_are_refused() -> None:
    for named in ("compress", "gzip, gzip, gzip", "exi"):
        with pytest.raises(FetchError):
            LimitedBody(named, 1000)
    assert LimitedBody("identity", 1000).finish() == b""


async def test_what_is_not_http_is_an_error_that_says_so() -> None:
    async def nonsense(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        await writer.drain()

    async with fetching() as (server, fetcher):
        server.behaviours[HERE] = nonsense
        assert await problem_of(fetcher, server.url(HERE)) == "bad-answer"
        assert await problem_of(fetcher, "http://127.0.1.2:1/") == "unreachable"
        assert await problem_of(fetcher, "http://no-such-host.invalid/") == "unresolved"


async def test_headers_that_are_nonsense_are_no_error_of_ours() -> None:
    async with fetching(fetch_max_bytes=1000) as (server, fetcher):

        async def nonsense(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 \xff\r\nX: \xb2\r\nContent-Type: \xff\r\nConnection: close\r\n\r\nbody")
            await writer.drain()

        server.behaviours[HERE] = nonsense
        assert (await fetcher.get(server.url(HERE))).body == b"body"
        for location in ("http://[", "http://\u00e9\u00e9..", "\x00", "//", "javascript:x", "?" * 3000):
            server.behaviours[HERE] = lambda _, to=location: Answer(302, {"Location": to})
            with pytest.raises(FetchError):
                await fetcher.get(server.url(HERE))


async def test_no_cookie_is_kept() -> None:
    async with fetching() as (server, fetcher):
        server.behaviours[HERE] = lambda _: Answer(headers={"Set-Cookie": "a=b; Path=/"})
        await fetcher.get(server.url(HERE))
        await fetcher.get(server.url(HERE))
        assert not any("cookie" in asked.headers for asked in server.asked[HERE])


def test_a_setting_that_is_no_network_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 network"):
        FetchSettings(fetch_allow="10.0.0.0/8, nonsense")
