"""How a process follows the log for the stream, while queries are behind in some partitions."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

from news_feed.article_store import ArticleStore
from news_feed.recent_events import RecentEvents
from news_feed.stream_log import StreamLog
from news_shared.articles import encode_event
from news_shared.process import running
from news_shared.producer import Outgoing, open_producer
from news_shared.topics import ARTICLES
from tests.feed.builders import published
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.waiting import until

STANDING_STILL, WELL = 0, 1
BUDGET = 3 * 10**6


class Store:
    """Says how far queries have come; a test moves it."""

    def __init__(self) -> None:
        self.reached_in: Counter[int] = Counter()

    async def reached(self, partition: int) -> int:
        return self.reached_in[partition]


async def write(backend: Backend, partition: int, number: int) -> None:
    key, value, headers = encode_event(published(f"in {partition}"))
    async with open_producer(backend.kafka_settings) as producer:
        await producer.send_many([Outgoing(ARTICLES, partition, key, value, headers)] * number)


@asynccontextmanager
async def following(backend: Backend, store: Store) -> AsyncIterator[StreamLog]:
    log = StreamLog(backend.kafka_settings, cast("ArticleStore", store), PARTITIONS, most_bytes=BUDGET)
    async with running(log.run(), stop=log.request_stop, name="stream", drain=timedelta(seconds=10)):
        yield log


def said_in(recent: RecentEvents | None) -> Counter[int]:
    """Events of each partition that the window has."""
    assert recent is not None
    return Counter(recent[number].partition for number in range(recent.first, recent.end))


async def test_a_partition_that_stands_still_keeps_no_other_from_being_told_and_is_told_in_the_end(
    fresh_backend: Backend,
) -> None:
    store, many = Store(), 2_500
    await write(fresh_backend, STANDING_STILL, many)
    async with following(fresh_backend, store) as log:
        await until(lambda: log.held >= 100, "events to be held back")
        await write(fresh_backend, WELL, 1)
        store.reached_in[WELL] = 1
        await until(lambda: log.recent is not None and said_in(log.recent) == {WELL: 1}, "the event of the other")
        assert log.held < many, "what is held back is bounded"
        store.reached_in[STANDING_STILL] = many
        await until(lambda: log.recent is not None and log.recent.head[STANDING_STILL] == many, "all the others")


async def test_what_queries_answered_with_at_the_start_is_old_news_and_the_rest_is_not(fresh_backend: Backend) -> None:
    store = Store()
    store.reached_in[WELL] = 30
    await write(fresh_backend, WELL, 40)
    async with following(fresh_backend, store) as log:
        await until(lambda: log.recent is not None, "the log to be reached")
        assert log.recent is not None
        assert log.recent.present[WELL] == 30
        store.reached_in[WELL] = 40
        await until(lambda: said_in(log.recent) == {WELL: 40}, "all of it")
        assert log.recent.present[WELL] == log.recent.head[WELL] == 40
