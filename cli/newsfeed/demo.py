"""Sends the sample newsroom to a running ingest API."""

import json
from datetime import datetime
from urllib.parse import quote

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from news_shared.article_ids import partition_of
from news_shared.errors import TransientError
from news_shared.kafka import connection, kafka_errors
from news_shared.producer import Outgoing, open_producer
from news_shared.settings import KafkaSettings
from news_shared.topics import ARTICLES, VECTORS
from newsfeed.newsroom import SOURCE, newsroom, vectors


class DemoError(Exception):
    """The newsroom could not be loaded; the message says what the ingest API answered."""


class _AwayError(DemoError):
    """It may work in a moment."""


def _attempts() -> AsyncRetrying:
    return AsyncRetrying(
        retry=retry_if_exception_type((_AwayError, TransientError)),
        wait=wait_fixed(0.5),
        stop=stop_after_delay(20),
        reraise=True,
    )


async def has_no_articles(kafka: KafkaSettings, partitions: int) -> bool:
    """Whether nothing is in the log of articles.

    Raises:
        TransientError: Kafka did not answer for a while.
    """
    async for attempt in _attempts():
        with attempt:
            return await _has_no_articles(kafka, partitions)
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _has_no_articles(kafka: KafkaSettings, partitions: int) -> bool:
    of_articles = [TopicPartition(ARTICLES, partition) for partition in range(partitions)]
    with kafka_errors("looking for articles"):
        consumer = AIOKafkaConsumer(**connection(kafka))
        try:
            await consumer.start()
            begin, end = await consumer.beginning_offsets(of_articles), await consumer.end_offsets(of_articles)
        finally:
            await consumer.stop()
    return bool(begin == end)


async def write_vectors(kafka: KafkaSettings, partitions: int) -> None:
    """Write the vectors of the newsroom, before an embedder looks for what it has no vector of.

    Raises:
        TransientError: Kafka did not answer for a while.
    """
    keys = [json.loads(value)["article"].encode() for value in vectors()]
    records = [
        Outgoing(VECTORS, partition_of(key, partitions), key, value, [("revision", b"1")])
        for key, value in zip(keys, vectors(), strict=True)
    ]
    async with open_producer(kafka) as producer:
        async for attempt in _attempts():
            with attempt:
                await producer.send_many(records)


async def load_newsroom(ingest: str, admin_key: str, now: datetime) -> int:
    """Post the articles of the newsroom as of ``now`` and take back those that it takes back; returns how many.

    Raises:
        DemoError: the ingest API refused something, or did not answer for a while.
    """
    news = newsroom(now)
    lines = b"".join(json.dumps(article, ensure_ascii=False).encode() + b"\n" for article in news.articles)
    headers = {"Authorization": f"Bearer {admin_key}"}
    async with httpx.AsyncClient(base_url=ingest, headers=headers, timeout=30, trust_env=False) as client:
        posting = client.build_request(
            "POST",
            "/v1/articles",
            params={"source": SOURCE},
            content=lines,
            headers={"Content-Type": "application/x-ndjson"},
        )
        answer = (await _send(client, posting)).json()
        if answer.get("rejected"):
            raise DemoError(f"The ingest API rejected articles of the sample newsroom: {answer['rejected'][:3]}")
        for withdrawal in news.withdrawals:
            path = f"/v1/articles/{quote(f'{SOURCE}:{withdrawal.id}', safe=':')}"
            await _send(client, client.build_request("DELETE", path, params={"reason": withdrawal.reason}))
    return len(news.articles)


async def _send(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    async for attempt in _attempts():
        with attempt:
            return await _send_once(client, request)
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _send_once(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    try:
        answer = await client.send(request)
    except httpx.TransportError as error:
        raise _AwayError(f"{request.url} does not answer: {error!r}") from error
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        raise _AwayError(f"{request.url} answered 503: {answer.text[:500]}")
    if answer.is_error:
        raise DemoError(f"{request.method} {request.url} answered {answer.status_code}: {answer.text[:500]}")
    return answer
