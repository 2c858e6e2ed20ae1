"""The feeds of a site: those that its page names, else those at the usual places, each tried."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from lxml import etree
from lxml.html import HTMLParser, document_fromstring

from news_ingest.fetching.errors import FetchError
from news_ingest.fetching.fetcher import Fetched, Fetcher, checked_url
from news_ingest.polling.feed_head import head_of, linked
from news_ingest.polling.feed_reading import read_feed_document
from news_ingest.text import one_line
from news_shared.errors import PoisonError

_TYPES = {
    "application/rss+xml",
    "application/atom+xml",
    "application/rdf+xml",
    "application/feed+json",
    "application/json",
    "application/xml",
    "text/xml",
}
_USUAL = ("/feed", "/rss.xml", "/atom.xml", "/feed.xml", "/feed.json", "/index.xml", "/rss")
_MAX_TRIED = 10
_AT_ONCE = 2  # they are mostly of one host


@dataclass(frozen=True)
class FoundFeed:
    """A feed that answers and can be read."""

    url: str
    title: str
    items: int
    rejected: int


async def discover(fetcher: Fetcher, url: str, readers: Executor, now: datetime) -> list[FoundFeed]:
    """Look for feeds.

    Args:
        fetcher: keeps to its limits.
        url: of a page, or of a feed itself.
        readers: where documents are read.
        now: for items without a date.

    Raises:
        FetchError: the page cannot be had.
    """
    page = await fetcher.get(url)
    itself = await _read(page, "", readers, now)
    if itself is not None:
        return [itself]
    if page.status != 200:
        raise FetchError("bad-answer", f"{page.url} answered {page.status}")
    loop = asyncio.get_running_loop()
    named = await loop.run_in_executor(readers, named_feeds, page.body, page.url)
    found = await _tried(fetcher, named, readers, now)
    if not found:
        usual = [(urljoin(page.url, path), "") for path in _USUAL]
        found = await _tried(fetcher, usual, readers, now)
    return found


def named_feeds(page: bytes, url: str) -> list[tuple[str, str]]:
    """Addresses and titles of the feeds that a page names in its ``<link rel="alternate">``, in its order."""
    try:
        document = document_fromstring(page, parser=HTMLParser(recover=True, no_network=True, huge_tree=False))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return []
    base = linked(url, next((b.get("href") for b in document.iter("base") if b.get("href")), url)) or url
    found: dict[str, str] = {}
    for link in document.iter("link"):
        kind = (link.get("type") or "").partition(";")[0].strip().lower()
        relations = (link.get("rel") or "").lower().split()
        if "alternate" not in relations or kind not in _TYPES or not link.get("href"):
            continue
        try:
            found.setdefault(str(checked_url(urljoin(base, link.get("href")))), one_line(link.get("title") or "")[:300])
        except (FetchError, ValueError):
            continue
    return list(found.items())


async def _tried(
    fetcher: Fetcher, candidates: Sequence[tuple[str, str]], readers: Executor, now: datetime
) -> list[FoundFeed]:
    limit = asyncio.Semaphore(_AT_ONCE)

    async def tried(url: str, title: str) -> FoundFeed | None:
        async with limit:
            try:
                return await _read(await fetcher.get(url), title, readers, now)
            except FetchError:
                return None

    results = await asyncio.gather(*(tried(url, title) for url, title in candidates[:_MAX_TRIED]))
    return list({feed.url: feed for feed in results if feed is not None}.values())


async def _read(fetched: Fetched, title: str, readers: Executor, now: datetime) -> FoundFeed | None:
    """The feed in an answer; None when there is none."""
    if fetched.status != 200:
        return None

    def read() -> FoundFeed | None:
        content_type = fetched.headers.get("content-type", "")
        try:
            reading = read_feed_document(fetched.body, content_type, "discovery", now, None)
        except PoisonError:
            return None
        if not reading.items and not reading.rejected and "html" in content_type:
            return None
        head = head_of(fetched.body, fetched.url)
        return FoundFeed(
            fetched.moved_to or fetched.url, title or one_line(head.title), len(reading.items), len(reading.rejected)
        )

    return await asyncio.get_running_loop().run_in_executor(readers, read)
