"""Which service answers which public path: the one table, and the only place where it is said."""

from enum import StrEnum
from typing import Final


class Service(StrEnum):
    """The services behind this origin."""

    FEED = "feed"
    INGEST = "ingest"
    RELATED = "related"
    VIEWS = "views"


_READING = frozenset({"GET", "HEAD"})

OF_AN_ARTICLE: Final = {
    "views": Service.VIEWS,
    "views.svg": Service.VIEWS,
    "series": Service.VIEWS,  # …/views/series
    "related": Service.RELATED,
    "related.html": Service.RELATED,
    "links": Service.RELATED,
    "duplicates": Service.RELATED,
    "story": Service.RELATED,
    "curation": Service.RELATED,
    "outcome": Service.INGEST,
    "restore": Service.INGEST,
}
"""Last part of ``/v1/articles/{id}/…``. Slashes of a guid are to be sent as %2F; unescaped ones mostly work too."""

COLLECTIONS: Final = {
    "views": Service.VIEWS,
    "pixel.gif": Service.VIEWS,
    "trending": Service.VIEWS,
    "most-read": Service.VIEWS,
    "read.js": Service.VIEWS,
    "components.js": Service.VIEWS,
    "related.js": Service.RELATED,
    "related": Service.RELATED,  # these four by ?url=
    "links": Service.RELATED,
    "duplicates": Service.RELATED,
    "story": Service.RELATED,
    "themes": Service.RELATED,
    "stories": Service.RELATED,
    "graph": Service.RELATED,
    "sources": Service.INGEST,
    "sources.opml": Service.INGEST,
    "stream": Service.FEED,
}
"""First part after ``/v1/``."""

FEEDS: Final = ("/feed.json", "/feed.atom", "/feed.rss", "/sitemap-news.xml")
"""What the feed service has for the world, under the same paths here."""


def service_for(method: str, path: str) -> Service | None:
    """The service that answers a request; None when the path is not public.

    ``path`` is as it came over the wire, still percent-encoded.
    """
    if path in FEEDS:
        return Service.FEED if method in _READING else None
    root, _, rest = path.removeprefix("/").partition("/")
    if root != "v1":
        return None
    collection, _, item = rest.partition("/")
    if collection != "articles":
        return COLLECTIONS.get(collection)
    _, slash, last = item.rpartition("/")
    if slash and last in OF_AN_ARTICLE:
        return OF_AN_ARTICLE[last]
    if "/curation/" in item:
        return Service.RELATED
    return Service.FEED if method in _READING else Service.INGEST
