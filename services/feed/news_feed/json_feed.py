"""JSON Feed 1.1: an item carries everything that our native format has, so that nothing is lost on the way."""

from typing import Any

import orjson

from news_feed.out_feed import OutFeed, Place, entry_id
from news_shared.articles import Article

MEDIA_TYPE = "application/feed+json"
_AS_THEY_ARE = (
    "title",
    "summary",
    "content_html",
    "content_text",
    "image",
    "date_published",
    "date_modified",
    "authors",
    "tags",
    "language",
    "version",
    "translation_of",
    "attributions",
    "corrections",
)


def json_feed(feed: OutFeed) -> bytes:
    """The document."""
    content = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.address,
        "language": feed.language,
        "items": [_item(article, feed.place) for article in feed.articles],
    }
    return orjson.dumps({name: value for name, value in content.items() if value is not None})


def _item(article: Article, place: Place) -> dict[str, Any]:
    said = article.model_dump(mode="json", exclude_none=True)
    item = {"id": entry_id(article.id), "url": place.link_of(article)}
    item |= {name: said[name] for name in _AS_THEY_ARE if said.get(name)}
    if article.language == "und":
        del item["language"]
    if not {"content_html", "content_text"} & set(item):
        item["content_text"] = ""  # one of the two must be there
    ours = {"article": article.id, "source": article.source, "guid": article.guid, "revision": article.revision}
    return {**item, "_newsfeed": ours}
