"""What search engines are told of an article: a ``NewsArticle`` of schema.org."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from news_web.stories import Item, web_address


def news_article(article: Item, *, image: str | None, updated: datetime | None, publisher: str) -> Mapping[str, Any]:
    """The data block of an article's page; fields that nobody filled in are left out.

    Args:
        article: of the feed.
        image: where the page shows one.
        updated: when it was changed after it was published.
        publisher: name of the paper.
    """
    address = web_address(article.get("url"))
    said = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "identifier": article["id"],
        "headline": article["title"],
        "description": article.get("summary"),
        "inLanguage": article.get("language"),
        "datePublished": article["date_published"],
        "dateModified": updated.isoformat() if updated else None,
        "url": address[0] if address else None,
        "image": image,
        "keywords": list(article.get("tags") or ()),
        "author": [_person(author) for author in article.get("authors") or ()],
        "publisher": {"@type": "Organization", "name": publisher},
        "correction": [
            {"@type": "CorrectionComment", "datePublished": correction["at"], "text": correction["note"]}
            for correction in article.get("corrections") or ()
        ],
        "isAccessibleForFree": True,
    }
    return {name: value for name, value in said.items() if value not in (None, [])}


def _person(author: Item) -> Mapping[str, str]:
    address = web_address(author.get("url"))
    return {"@type": "Person", "name": str(author["name"])} | ({"url": address[0]} if address else {})
