"""What is to be polled: a source's feed with the settings that bear on its reading."""

import hashlib
import json
from dataclasses import dataclass

from news_ingest.fetching.errors import FetchError
from news_ingest.fetching.fetcher import host_of
from news_ingest.items import Item
from news_ingest.sources import FeedFinding, Source


@dataclass(frozen=True)
class Feed:
    """A feed as it is polled now."""

    source: str
    configured_url: str
    url: str
    host: str
    language: str | None
    themes: tuple[str, ...]
    encoding: str | None

    @property
    def fingerprint(self) -> str:
        """Changes with whatever makes the same document read differently; validators belong to one."""
        said = json.dumps([self.url, self.language, self.themes, self.encoding], ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def applied(self, item: Item) -> Item:
        """The item with the source's overrides."""
        tags = tuple(dict.fromkeys((*item.tags, *self.themes)))
        return item.model_copy(update={"language": self.language or item.language, "tags": tags})


def feed_of(source: Source | None, finding: FeedFinding | None) -> Feed | None:
    """The feed to poll; None when there is none, or it is to be left alone."""
    if source is None or source.feed_url is None or not source.poll or (finding and finding.gone):
        return None
    url = (finding.moved_to if finding else None) or source.feed_url
    try:
        host = host_of(url)
    except FetchError:
        return None  # refused at the door; an older version may have let it in
    return Feed(source.id, source.feed_url, url, host, source.language, source.themes, source.encoding)
