"""Which articles a file means: ids and ``source:guid`` say it themselves, URLs and paths are looked up."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from news_shared.article_ids import ArticleId, article_id, parse_article_id
from newsfeed.api_client import ApiClient
from newsfeed.totals_files import is_address

_ASKED_AT_ONCE: Final = 100
_LOOKED_UP_TOGETHER: Final = 8


@dataclass(frozen=True)
class Site:
    """How the articles of another system are called here.

    Attributes:
        address: before a path to make it a URL: ``https://herald.example``.
        source: the source that published them; its guids may be paths.
    """

    address: str | None
    source: str | None


class ArticleFinder:
    """Looks articles up: by URL in the feed, by id where the counts know it."""

    def __init__(self, feed: ApiClient, views: ApiClient, site: Site) -> None:
        self._feed = feed
        self._views = views
        self._site = site

    def find(self, names: Sequence[str], done: Callable[[], object]) -> dict[str, ArticleId | None]:
        """The article of each name; None for a URL or a path that belongs to none here.

        Args:
            done: called for each name.

        Raises:
            ApiError: a service does not answer.
        """
        with ThreadPoolExecutor(_LOOKED_UP_TOGETHER) as pool:
            found = {}
            for name, article in zip(names, pool.map(self._one, names), strict=True):
                found[name] = article
                done()
        return found | self._found_by_guid([name for name, article in found.items() if article is None])

    def _one(self, name: str) -> ArticleId | None:
        if is_address(name):
            return self._by_address(name)
        if name.startswith("/"):
            return self._by_address(self._site.address + name) if self._site.address is not None else None
        return parse_article_id(name)

    def _by_address(self, address: str) -> ArticleId | None:
        """GoatCounter leaves the slash at the end away, others write it."""
        bare = address.rstrip("/")
        for one in dict.fromkeys((address, bare, f"{bare}/")):
            items: list[dict[str, Any]] = self._feed.get("/v1/articles", {"url": one})["items"]
            items.sort(key=lambda item: item["source"] != self._site.source)
            if items:
                return ArticleId(items[0]["id"])
        return None

    def _found_by_guid(self, names: Sequence[str]) -> dict[str, ArticleId]:
        found: dict[str, ArticleId] = {}
        if self._site.source is None:
            return found
        for start in range(0, len(names), _ASKED_AT_ONCE):
            some = names[start : start + _ASKED_AT_ONCE]
            ids = [article_id(self._site.source, name) for name in some]
            counts = self._views.get("/v1/views", {"article": [*ids]})["items"]
            known = zip(some, ids, counts, strict=True)
            found |= {name: article for name, article, count in known if count.get("status") != 404}
        return found
