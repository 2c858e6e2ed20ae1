"""Events into ``news.articles`` as the publisher writes them, and vectors into ``news.vectors``."""

from collections.abc import Sequence

from news_related.vectors import Vector
from news_shared.article_ids import partition_of
from news_shared.articles import ArticleEvent, encode_event
from news_shared.producer import Outgoing, open_producer
from news_shared.topics import ARTICLES, VECTORS
from tests.testbed.backends import PARTITIONS, Backend


async def publish(backend: Backend, events: Sequence[ArticleEvent]) -> None:
    records = []
    for event in events:
        key, value, headers = encode_event(event)
        records.append(Outgoing(ARTICLES, partition_of(key, PARTITIONS), key, value, headers))
    async with open_producer(backend.kafka_settings) as producer:
        await producer.send_many(records)


async def publish_vectors(backend: Backend, vectors: Sequence[Vector]) -> None:
    keys = [vector.article.encode() for vector in vectors]
    records = [
        Outgoing(VECTORS, partition_of(key, PARTITIONS), key, vector.encode())
        for key, vector in zip(keys, vectors, strict=True)
    ]
    async with open_producer(backend.kafka_settings) as producer:
        await producer.send_many(records)
