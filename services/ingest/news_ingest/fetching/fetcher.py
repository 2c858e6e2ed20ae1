"""One fetch: redirects followed by hand, every hop checked, everything bounded."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from news_ingest.fetching.addresses import networks
from news_ingest.fetching.content_coding import ACCEPT_ENCODING, LimitedBody
from news_ingest.fetching.errors import FetchError
from news_ingest.fetching.pinned_transport import CheckedBackend, PinnedTransport, Resolver, SystemResolver
from news_ingest.settings import HANGING_TIMES, FetchSettings

MAX_URL = 2000
_REDIRECTS = {301, 302, 303, 307, 308}
_PERMANENT = {301, 308}
_CONNECT = timedelta(seconds=10)


@dataclass(frozen=True)
class Fetched:
    """An answer that is no redirect."""

    url: str
    """Where it came from at last."""
    status: int
    headers: httpx.Headers
    body: bytes
    """Decoded; empty unless the status is 200."""
    moved_to: str | None
    """Where permanent redirects led from the first address on; None when it still is the right one."""
    http_version: str


class Fetcher:
    """Fetches with the limits of the settings. Make it with `open_fetcher`."""

    def __init__(self, client: httpx.AsyncClient, settings: FetchSettings) -> None:
        self._client = client
        self._settings = settings

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Fetched:
        """GET, following redirects.

        Args:
            url: absolute http or https address; a user name in it is not sent on.
            headers: beyond ours.

        Raises:
            FetchError: nothing could be had, and why.
        """
        try:
            async with asyncio.timeout(self._settings.fetch_timeout.total_seconds()):
                return await self._get(checked_url(url), dict(headers or {}))
        except TimeoutError as error:
            seconds = self._settings.fetch_timeout.total_seconds()
            raise FetchError("timeout", f"the whole fetch took longer than {seconds:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # it reads the target even of no redirect
            raise FetchError("bad-answer", str(error)) from error

    async def post_form(self, url: str, fields: Mapping[str, str]) -> int:
        """POST a form, as WebSub hubs want it; returns the status. Redirects are not followed. Errors as in `get`."""
        try:
            async with asyncio.timeout(self._settings.fetch_timeout.total_seconds()):
                async with self._client.stream("POST", checked_url(url), data=dict(fields)) as answer:
                    return answer.status_code
        except TimeoutError as error:
            raise FetchError("timeout", "the hub did not answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise FetchError("bad-answer", str(error)) from error

    async def _get(self, url: httpx.URL, headers: dict[str, str]) -> Fetched:
        moved_to, only_permanent = None, True
        for _ in range(self._settings.fetch_redirects + 1):
            async with self._client.stream("GET", url, headers=headers) as answer:
                target = answer.headers.get("location")
                if answer.status_code not in _REDIRECTS or not target:
                    body = await self._body(answer) if answer.status_code == httpx.codes.OK else b""
                    return Fetched(str(url), answer.status_code, answer.headers, body, moved_to, answer.http_version)
                only_permanent = only_permanent and answer.status_code in _PERMANENT
            url = _redirected(url, target)
            if only_permanent:
                moved_to = str(url)
        allowed = self._settings.fetch_redirects
        raise FetchError("too-many-redirects", f"more than {allowed} redirects, at last to {url}")

    async def _body(self, answer: httpx.Response) -> bytes:
        limit = self._settings.fetch_max_bytes
        declared = answer.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
            raise FetchError("too-large", f"the body has {int(declared[:20]):,} bytes; at most {limit:,} are read")
        body = LimitedBody(answer.headers.get("content-encoding", ""), limit)
        async for chunk in answer.aiter_raw():
            body.add(chunk)
        return body.finish()


def checked_url(url: str) -> httpx.URL:
    """A URL that may be asked for.

    Raises:
        FetchError: it is not absolute, not http or https, too long, or not a URL.
    """
    try:
        parsed = httpx.URL(url.strip())
        host = parsed.host
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise FetchError("refused-url", f"{url[:200]!r} is not a URL: {error}") from error
    if parsed.scheme not in {"http", "https"} or not host.strip("."):
        raise FetchError("refused-url", f"{url[:200]!r} is not an absolute http or https URL")
    if len(url) > MAX_URL:
        raise FetchError("refused-url", f"the URL has {len(url):,} characters; at most {MAX_URL:,} are taken")
    parsed = parsed.copy_with(fragment=None, username=None, password=None)
    return parsed.copy_with(path="/") if parsed.path == "/" else parsed  # one spelling of a site's root


def host_of(url: str) -> str:
    """The host that requests for a URL burden: name or address, lower case.

    Raises:
        FetchError: as in `checked_url`.
    """
    return checked_url(url).raw_host.decode("ascii").rstrip(".")


def _redirected(url: httpx.URL, target: str) -> httpx.URL:
    try:
        return checked_url(str(url.join(target)))
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError("refused-url", f"a redirect leads to {target[:200]!r}, which is no URL: {error}") from error


@asynccontextmanager
async def open_fetcher(
    settings: FetchSettings, *, resolver: Resolver | None = None, ssl_context: ssl.SSLContext | None = None
) -> AsyncIterator[Fetcher]:
    """A fetcher with connections of its own."""
    transport = PinnedTransport(
        CheckedBackend(resolver or SystemResolver(), networks(settings.fetch_allow)),
        connections=settings.poll_concurrency * HANGING_TIMES,
        ssl_context=ssl_context,
    )
    headers = {
        "User-Agent": settings.user_agent,
        "Accept-Encoding": ACCEPT_ENCODING,
        "Accept": "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, "
        "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, text/html;q=0.5, */*;q=0.1",
    }
    timeouts = httpx.Timeout(settings.fetch_timeout.total_seconds(), connect=_CONNECT.total_seconds())
    async with httpx.AsyncClient(
        transport=transport, headers=headers, timeout=timeouts, cookies=_no_cookies(), trust_env=False
    ) as client:
        yield Fetcher(client, settings)


def _no_cookies() -> CookieJar:
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))
