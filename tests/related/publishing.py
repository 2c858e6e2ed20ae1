"""Events into ``news.articles``, as the publisher writes them."""

from collections.abc import Sequence

from news_shared.article_ids import partition_of
from news_shared.articles import ArticleEvent, encode_event
from news_shared.producer import Outgoing, open_producer
from news_shared.topics import ARTICLES
from tests.testbed.backends import PARTITIONS, Backend


async def publish(backend: Backend, events: Sequence[ArticleEvent]) -> None:
    records = []
    for event in events:
        key, value, headers = encode_event(event)
        records.append(Outgoing(ARTICLES, partition_of(key, PARTITIONS), key, value, headers))
    async with open_producer(backend.kafka_settings) as producer:
        await producer.send_many(records)
