"""Valid article events; a test names only what it is about."""

from datetime import UTC, datetime
from typing import Any

from news_shared.article_ids import article_id
from news_shared.articles import Article, ArticleEvent, EventType, Withdrawal

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def an_article(guid: str, revision: int = 1, **fields: Any) -> Article:
    """An article of the source ``herald``."""
    source = fields.pop("source", "herald")
    valid: dict[str, Any] = {
        "language": "en",
        "title": f"Title of {guid}",
        "content_html": "<p>Body.</p>",
        "date_published": NOON,
        "first_published_at": max(NOON, fields.get("date_published", NOON)),
    }
    return Article(id=article_id(source, guid), revision=revision, source=source, guid=guid, **(valid | fields))


def published(guid: str, revision: int = 1, **fields: Any) -> ArticleEvent:
    """The event that brings an article."""
    kind = EventType.PUBLISHED if revision == 1 else EventType.UPDATED
    return ArticleEvent(type=kind, article=an_article(guid, revision, **fields), submission=(0, revision))


def withdrawn(
    guid: str, revision: int, reason: str | None = "an error of ours", source: str = "herald"
) -> ArticleEvent:
    """The event that takes an article away."""
    gone = Withdrawal(
        id=article_id(source, guid), revision=revision, source=source, guid=guid, time=NOON, reason=reason
    )
    return ArticleEvent(type=EventType.WITHDRAWN, article=gone, submission=(0, revision))
