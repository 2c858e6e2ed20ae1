"""Forty kinds of feed servers, as they are found in the wild and as an attacker would make them."""

import asyncio
import gzip
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import brotli

from news_ingest.fetching.content_coding import zstd
from tests.ingest.feed_server import Answer, Asked, Behaviour, FeedServer, head, rss

OF_EACH = 5
LIMIT = 300_000
TIMEOUT_SECONDS = 3
TITLES = ("one", "two", "three")
RSS = {"Content-Type": "application/rss+xml"}
MODIFIED = "Thu, 15 Jan 2026 12:00:00 GMT"


@dataclass(frozen=True)
class Kind:
    """A kind of server, and what a poller must make of it.

    It is polled three times as soon as its host may be asked, but not when it is gone.
    """

    says: str
    behaviour: Callable[[FeedServer], Behaviour]
    polls: int = 3
    outcome: str = "unchanged"
    """Of the last poll."""
    problem: str | None = None
    """The kind of its last error."""
    articles: int = 3
    minutes: int = 25
    """Until the next poll without what chance adds; 0: there is none."""
    health: str = "ok"
    url: Callable[[FeedServer], str] | None = None
    """Where the source's feed is afterwards, if not where it was."""


def _answer(body: bytes, answered: int = 200, **headers: str) -> Callable[[FeedServer], Behaviour]:
    named = RSS | {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: lambda _: Answer(answered, named, body)


def _to(status: int, target: Callable[[FeedServer, Asked], str]) -> Callable[[FeedServer], Behaviour]:
    def redirect(server: FeedServer) -> Behaviour:
        def behaviour(asked: Asked) -> Answer:
            if asked.path == "/feed.xml":
                return Answer(status, {"Location": target(server, asked)})
            return Answer(200, RSS, rss(*TITLES))

        return behaviour

    return redirect


def _writing(
    write: Callable[[asyncio.StreamWriter], "asyncio.Future[None] | object"],
) -> Callable[[FeedServer], Behaviour]:
    async def behaviour(asked: Asked, writer: asyncio.StreamWriter) -> None:
        result = write(writer)
        if asyncio.iscoroutine(result):
            await result
        await writer.drain()

    return lambda _: behaviour


def _with_etag(server: FeedServer) -> Behaviour:
    return lambda asked: (
        Answer(304)
        if asked.headers.get("if-none-match") == '"1"'
        else Answer(200, {**RSS, "ETag": '"1"'}, rss(*TITLES))
    )


def _with_date(server: FeedServer) -> Behaviour:
    return lambda asked: (
        Answer(304)
        if asked.headers.get("if-modified-since") == MODIFIED
        else Answer(200, {**RSS, "Last-Modified": MODIFIED}, rss(*TITLES))
    )


def _counting(body: Callable[[int], bytes]) -> Callable[[FeedServer], Behaviour]:
    def made(server: FeedServer) -> Behaviour:
        return lambda asked: Answer(200, RSS, body(len(server.asked[asked.host])))

    return made


def _busy_until(server: FeedServer) -> Behaviour:
    return lambda _: Answer(
        429, {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(minutes=40, seconds=5), usegmt=True)}
    )


def _coded(server: FeedServer) -> Behaviour:
    codings = itertools.cycle([("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstd.compress)])

    def behaviour(asked: Asked) -> Answer:
        name, compress = next(codings)
        return Answer(200, {**RSS, "Content-Encoding": name}, compress(rss(*TITLES)))

    return behaviour


async def _hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(600)


async def _slow(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(1)
    body = rss(*TITLES)
    writer.write(head(200, RSS, len(body)) + body)


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, RSS, None) + b"<rss>")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def _flood(writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, RSS, None))
    while True:
        writer.write(b" " * 50_000)
        await writer.drain()


def _atom() -> bytes:
    entries = "".join(
        f"<entry><title>{t}</title><id>urn:{t}</id><updated>2026-01-15T12:00:00Z</updated><summary>{t}.</summary></entry>"
        for t in TITLES
    )
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>Feed</title><id>urn:f</id>{entries}</feed>".encode()


def _json_feed() -> bytes:
    items = ",".join(f'{{"id":"{t}","title":"{t}","content_text":"About {t}."}}' for t in TITLES)
    return f'{{"version":"https://jsonfeed.org/version/1.1","title":"Feed","items":[{items}]}}'.encode()


_PLAIN = rss(*TITLES)
_BAD_DATES = _PLAIN.replace(b"Thu, 15 Jan 2026 12:00:00 GMT", b"the day before yesterday")
_BOMB = bytes(100_000_000)
_ENTITIES = _PLAIN.replace(
    b"<rss",
    b"<!DOCTYPE rss [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY x SYSTEM 'file:///etc/passwd'>]><rss",
    1,
).replace(b"About one.", b"&b;&b;&b; &x;")
_WEEK = "".join(f"<hour>{hour}</hour>" for hour in range(24))

KINDS = (
    Kind("RSS without validators", _answer(_PLAIN)),
    Kind("`ETag`, then 304", _with_etag, outcome="not-modified"),
    Kind("`Last-Modified`, then 304", _with_date, outcome="not-modified"),
    Kind("Atom", _answer(_atom(), Content_Type="application/atom+xml")),
    Kind("JSON Feed", _answer(_json_feed(), Content_Type="application/feed+json")),
    Kind("gzip, Brotli and Zstandard in turn", _coded),
    Kind(
        "a new item each time",
        _counting(lambda n: rss(*(f"item {k}" for k in range(n)))),
        outcome="new-items",
        minutes=5,
    ),
    Kind(
        "an item whose text changes each time",
        _counting(lambda n: rss("one").replace(b"About", f"Version {n} about".encode())),
        outcome="new-items",
        minutes=5,
    ),
    Kind("new guids each time, the same items", _counting(lambda n: rss(*TITLES, guid=f"{n}-"))),
    Kind("dates that are none", _answer(_BAD_DATES)),
    Kind("RSS as `text/html`", _answer(_PLAIN, Content_Type="text/html; charset=utf-8")),
    Kind("RSS as `image/png`", _answer(_PLAIN, Content_Type="image/png")),
    Kind("RSS as `application/json`", _answer(_PLAIN, Content_Type="application/json")),
    Kind("not well-formed: `&` and an open element", _answer(_PLAIN.replace(b"</channel>", b"<b>AT&T</channel>"))),
    Kind("entities, also of a local file", _answer(_ENTITIES)),
    Kind("one second until it answers", _writing(_slow)),
    Kind("`<ttl>45</ttl>`", _answer(rss(*TITLES, head="<ttl>45</ttl>")), minutes=45),
    Kind("`Cache-Control: max-age` of a year", _answer(_PLAIN, Cache_Control="max-age=31536000"), minutes=60),
    Kind("`skipHours` with every hour", _answer(rss(*TITLES, head=f"<skipHours>{_WEEK}</skipHours>"))),
    Kind("302 to another path", _to(302, lambda _, a: "/other")),
    Kind("307 to another path", _to(307, lambda _, a: "/other")),
    Kind("301 to another path", _to(301, lambda _, a: "/moved"), url=lambda s: "/moved", polls=4),
    Kind("308 to another path", _to(308, lambda _, a: "/moved"), url=lambda s: "/moved", polls=4),
    Kind(
        "a redirect to itself", _to(302, lambda s, a: "/feed.xml"),
        outcome="failed", problem="too-many-redirects", articles=0, minutes=20, health="failing",
    ),
    Kind(
        "302 to 127.0.0.1", _to(302, lambda s, a: f"http://127.0.0.1:{s.port}/"),
        outcome="failed", problem="refused-address", articles=0, minutes=20, health="failing",
    ),
    Kind(
        "301 to `http://0x7f.1/`", _to(301, lambda s, a: f"http://0x7f.1:{s.port}/"),
        outcome="failed", problem="refused-address", articles=0, minutes=20, health="failing",
    ),
    Kind(
        "302 to 169.254.169.254", _to(302, lambda s, a: "http://169.254.169.254/latest/meta-data"),
        outcome="failed", problem="refused-address", articles=0, minutes=20, health="failing",
    ),
    Kind(
        "429 with 1800 seconds", _answer(b"", 429, Retry_After="1800"),
        polls=1, outcome="failed", problem="http-status", articles=0, minutes=30, health="failing",
    ),
    Kind(
        "429 with a date in 40 minutes", _busy_until,
        polls=1, outcome="failed", problem="http-status", articles=0, minutes=40, health="failing",
    ),
    Kind(
        "503 with 10 days", _answer(b"", 503, Retry_After="864000"),
        polls=1, outcome="failed", problem="http-status", articles=0, minutes=1440, health="failing",
    ),
    Kind("500", _answer(b"", 500), outcome="failed", problem="http-status", articles=0, minutes=20, health="failing"),
    Kind("404", _answer(b"", 404), outcome="failed", problem="http-status", articles=0, minutes=20, health="failing"),
    Kind(
        "410", _answer(b"", 410),
        polls=1, outcome="failed", problem="http-status", articles=0, minutes=0, health="gone",
    ),
    Kind(
        "silence", _writing(_hang),
        outcome="failed", problem="timeout", articles=0, minutes=20, health="failing",
    ),
    Kind(
        "a byte every 0.1 s, for ever", _writing(_drip),
        outcome="failed", problem="timeout", articles=0, minutes=20, health="failing",
    ),
    Kind(
        "bytes without end", _writing(_flood),
        outcome="failed", problem="too-large", articles=0, minutes=20, health="failing",
    ),
    Kind(
        "a gzip bomb of 100 MB", _answer(gzip.compress(_BOMB), Content_Encoding="gzip"),
        outcome="failed", problem="too-large", articles=0, minutes=20, health="failing",
    ),
    Kind(
        "a Brotli bomb of 100 MB", _answer(brotli.compress(_BOMB, quality=5), Content_Encoding="br"),
        outcome="failed", problem="too-large", articles=0, minutes=20, health="failing",
    ),
    Kind(
        "a web page", _answer(b"<html><body><p>Sorry</p></body></html>", Content_Type="text/html"),
        outcome="failed", problem="not-a-feed", articles=0, minutes=20, health="failing",
    ),
    Kind(
        "another protocol", _writing(lambda w: w.write(b"220 ESMTP\r\n")),
        outcome="failed", problem="bad-answer", articles=0, minutes=20, health="failing",
    ),
)  # fmt: skip
