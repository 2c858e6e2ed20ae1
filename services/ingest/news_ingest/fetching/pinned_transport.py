"""An httpx transport that connects to exactly the address that was checked."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import httpcore
import httpx

from news_ingest.fetching.addresses import Address, Network, address_of, is_allowed
from news_ingest.fetching.errors import FetchError

_MAX_ADDRESSES = 3  # of a host that are tried


class Resolver(Protocol):
    """Looks names up."""

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """The addresses of a host, the preferred first; any spelling of an address counts as a name.

        Raises:
            FetchError: it has none.
        """


class SystemResolver:
    """The machine's own resolver, a thread for each question: a dead name server keeps nobody else waiting.

    The threads are daemons, because a question cannot be taken back, and the process must not wait for it at its end.
    """

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """See `Resolver`."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Any]] = loop.create_future()

        def settle(found: list[Any] | Exception) -> None:
            if answer.done():
                return  # nobody waits any more
            if isinstance(found, Exception):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def ask() -> None:
            found: list[Any] | Exception
            try:
                found = _look_up(host, port)
            except (OSError, UnicodeError) as error:
                found = error
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, found)

        threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
        try:
            found = await answer
        except (OSError, UnicodeError) as error:
            raise FetchError("unresolved", f"the host {host} has no address: {error}") from error
        return list(dict.fromkeys(address_of(str(entry[4][0])) for entry in found))


def _look_up(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a host once, and connects to an address of that answer which may be fetched from.

    TLS and the Host header keep the name: they are told apart from where the connection goes.
    """

    def __init__(self, resolver: Resolver, allowed: Sequence[Network]) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._resolver = resolver
        self._allowed = allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host.

        Raises:
            FetchError: all of its addresses are forbidden, or it has none.
        """
        async with asyncio.timeout(timeout):
            found = await self._resolver.addresses(host, port)
            usable = [address for address in found if is_allowed(address, self._allowed)]
            if not usable:
                said = "" if host == str(found[0]) else f" ({', '.join(map(str, found[:_MAX_ADDRESSES]))})"
                raise FetchError(
                    "refused-address",
                    f"{host}{said} is not a public address; NEWS_INGEST_FETCH_ALLOW names networks that may be "
                    "fetched from all the same",
                )
            *first, last = usable[:_MAX_ADDRESSES]
            for address in first:
                with suppress(httpcore.ConnectError):
                    return await self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)
            return await self._inner.connect_tcp(str(last), port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's interface
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise FetchError("refused-address", "sockets of this machine are not fetched from")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)


class PinnedTransport(httpx.AsyncBaseTransport):
    """httpx over a `CheckedBackend`; HTTP/2 where the server speaks it."""

    def __init__(self, backend: CheckedBackend, *, connections: int, ssl_context: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or ssl.create_default_context(),
            max_connections=connections,
            max_keepalive_connections=0,  # the next request to a host is minutes away
            http2=True,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _translated():
            answer = await self._pool.handle_async_request(outgoing)
        assert not isinstance(answer.stream, bytes)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer.stream), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            async for part in self._inner:
                yield part

    async def aclose(self) -> None:
        await self._inner.aclose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise FetchError("timeout", f"the server did not answer in time ({type(error).__name__})") from error
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise FetchError("bad-answer", f"the server does not speak HTTP: {error}") from error
    except (httpcore.NetworkError, ssl.SSLError, OSError) as error:
        raise FetchError("unreachable", f"the connection failed: {error or type(error).__name__}") from error
