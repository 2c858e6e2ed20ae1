"""Valid events of articles; a test changes only what it is about."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from news_related.vectors import Vector
from news_shared.article_ids import ArticleId, article_id
from news_shared.articles import Article, ArticleEvent, EventType, Link, Withdrawal
from newsfeed.newsroom import newsroom

SOURCE = "herald"
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
LEAD = "Firemen fought the blaze in the harbour until the morning, and the mayor came to see what was left of it. " * 4
"""With it an article says enough to be told as the same story as another."""


def id_of(guid: str, source: str = SOURCE) -> ArticleId:
    return article_id(source, guid)


def url_of(guid: str) -> str:
    return f"https://herald.example/{guid}"


def an_article(guid: str, *, revision: int = 1, links: tuple[str, ...] = (), **fields: Any) -> ArticleEvent:
    """An article at its own URL; ``links`` are guids or URLs, one a paragraph."""
    source = fields.pop("source", SOURCE)
    article = Article(
        id=id_of(guid, source),
        revision=revision,
        source=source,
        guid=guid,
        url=fields.pop("url", url_of(guid)),
        language=fields.pop("language", "en"),
        title=fields.pop("title", f"Title of {guid}"),
        date_published=fields.pop("date", NOON),
        first_published_at=fields.pop("first_published_at", NOON + timedelta(days=3650)),
        tags=tuple(fields.pop("themes", ())),
        links=tuple(
            Link(url=to if "://" in to else url_of(to), text=f"see {to}", paragraph=n) for n, to in enumerate(links)
        ),
        **fields,
    )
    kind = EventType.PUBLISHED if revision == 1 else EventType.UPDATED
    return ArticleEvent(type=kind, article=article, submission=(0, revision))


def a_withdrawal(guid: str, *, revision: int, source: str = SOURCE, reason: str | None = None) -> ArticleEvent:
    gone = Withdrawal(id=id_of(guid, source), revision=revision, source=source, guid=guid, time=NOON, reason=reason)
    return ArticleEvent(type=EventType.WITHDRAWN, article=gone, submission=(0, revision))


def a_vector(guid: str, *components: int, model: str = "m1", scale: float = 0.0078, source: str = SOURCE) -> Vector:
    return Vector(
        article=id_of(guid, source),
        model=model,
        text_sha256="0" * 64,
        dimensions=len(components),
        scale=scale,
        int8=base64.b64encode(bytes(c & 0xFF for c in components)).decode(),
    )


_TAG = re.compile(r"<(/?)(p|h2|h3|ul|ol|blockquote|a)\b([^>]*)>")
_HREF = re.compile(r'href="([^"]+)"')


def sample_newsroom() -> list[ArticleEvent]:
    """The sample newsroom as it would come out of ingest: all articles, nothing withdrawn."""
    events = []
    for item in newsroom(NOON).articles:
        event = an_article(
            str(item["id"]),
            source="newsroom",
            url=item["url"],
            language=item["language"],
            title=item["title"],
            date=datetime.fromisoformat(str(item["date_published"])),
            themes=item["tags"],
            translation_of=item.get("translation_of"),
        )
        article = event.article.model_copy(update={"links": tuple(_links(str(item["content_html"])))})
        events.append(event.model_copy(update={"article": article}))
    return events


def _links(html: str) -> Iterator[Link]:
    paragraph, depth = -1, 0
    for match in _TAG.finditer(html):
        closing, name, attributes = match.groups()
        if name == "a":
            if href := _HREF.search(attributes):
                yield Link(url=href[1], text="", paragraph=max(paragraph, 0))
        elif closing:
            depth -= 1
        else:
            paragraph += depth == 0
            depth += 1
