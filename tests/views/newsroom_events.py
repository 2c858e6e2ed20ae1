"""Article events for the views service, written as the publisher would."""

from collections.abc import Iterable
from datetime import UTC, datetime

from news_shared.article_ids import ArticleId, article_id, partition_of
from news_shared.articles import Article, ArticleEvent, EventType, Withdrawal, encode_event
from news_shared.producer import Outgoing, open_producer
from news_shared.topics import ARTICLES
from tests.testbed.backends import PARTITIONS, Backend

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def published(guid: str, revision: int = 1) -> ArticleEvent:
    article = Article(
        id=article_id("herald", guid),
        revision=revision,
        source="herald",
        guid=guid,
        language="en",
        title=f"Title of {guid}",
        tags=("Port Morrow",),
        date_published=NOON,
        first_published_at=NOON,
    )
    return ArticleEvent(type=EventType.PUBLISHED, article=article, submission=(0, revision))


def withdrawn(guid: str, revision: int) -> ArticleEvent:
    gone = Withdrawal(id=article_id("herald", guid), revision=revision, source="herald", guid=guid, time=NOON)
    return ArticleEvent(type=EventType.WITHDRAWN, article=gone, submission=(0, revision))


async def announce(backend: Backend, events: Iterable[ArticleEvent]) -> list[ArticleId]:
    records, articles = [], []
    for event in events:
        key, value, headers = encode_event(event)
        records.append(Outgoing(ARTICLES, partition_of(key, PARTITIONS), key, value, headers))
        articles.append(event.id)
    async with open_producer(backend.kafka_settings) as producer:
        await producer.send_many(records)
    return articles
