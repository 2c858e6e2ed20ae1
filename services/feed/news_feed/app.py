"""Builds the feed's two roles: everything concrete is made here, in start order, and goes in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from news_feed import feed_routes, routes, stream_routes
from news_feed.article_store import ArticleStore
from news_feed.article_stream import ArticleStream
from news_feed.head_requests import HeadAnswers
from news_feed.last_changes import LastChanges
from news_feed.metrics import watch_streams
from news_feed.out_feed import Place
from news_feed.projection import FEED_PROJECTION, SERVICE
from news_feed.settings import FeedSettings
from news_feed.shared_work import SharedWork
from news_feed.stream_log import StreamLog
from news_shared.clock import Clock, system_clock
from news_shared.event_streams import Patience
from news_shared.http import create_service
from news_shared.process import BackgroundWork, at_stop, running, wait_for_topics
from news_shared.projection.projector import Projector
from news_shared.projection.slots import Slots
from news_shared.redis_client import open_redis


class FeedApiState(routes.FeedState, stream_routes.StreamState, feed_routes.FeedsState):
    """What the lifespan of the API opens."""


def create_api(settings: FeedSettings, *, clock: Clock = system_clock) -> FastAPI:
    """The query API."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[FeedApiState]:
        partitions, own = settings.process.partitions, settings.feed
        async with AsyncExitStack() as stack:
            redis = await stack.enter_async_context(open_redis(settings.redis))
            store = ArticleStore(Slots(redis, SERVICE), partitions)
            stream_log = StreamLog(settings.kafka, store, partitions, most_bytes=own.stream_bytes)
            stream = ArticleStream(stream_log, store, most=own.streams)
            watch_streams(lambda: stream.readers, lambda: stream_log.held)
            await stack.enter_async_context(
                running(
                    stream_log.run(),
                    stop=stream_log.request_stop,
                    name="article stream",
                    drain=settings.process.drain_timeout,
                )
            )
            stack.enter_context(at_stop(stream_log.request_stop))
            yield {
                "store": store,
                "stream": stream,
                "patience": Patience(own.stream_life, own.stream_heartbeat),
                "partitions": partitions,
                "press": feed_routes.Press(
                    Place(own.origin.rstrip("/"), own.title), clock, LastChanges(), SharedWork()
                ),
            }

    app = create_service("newsfeed: articles", lifespan, unready=list)
    app.include_router(routes.router)
    app.include_router(stream_routes.router)
    app.include_router(feed_routes.router)
    app.add_middleware(HeadAnswers)
    return app


def create_projector(settings: FeedSettings) -> FastAPI:
    """The projector of ``news.articles``, with its health behind HTTP."""
    work = BackgroundWork(settings.process.drain_timeout)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await wait_for_topics(settings.kafka, settings.process.partitions)
            redis = await stack.enter_async_context(open_redis(settings.redis))
            projector = Projector(
                FEED_PROJECTION,
                kafka=settings.kafka,
                redis=redis,
                partitions=settings.process.partitions,
                instance=settings.process.instance,
            )
            await stack.enter_async_context(work.doing(projector, FEED_PROJECTION.group))
            yield

    return create_service("newsfeed: feed projector", lifespan, unready=work.unready)
