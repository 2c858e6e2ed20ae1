"""Builds the feed's two roles: everything concrete is made here, in start order, and goes in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from news_feed import routes
from news_feed.article_store import ArticleStore
from news_feed.projection import FEED_PROJECTION, SERVICE
from news_feed.settings import FeedSettings
from news_shared.http import create_service
from news_shared.process import running, wait_for_topics
from news_shared.projection.projector import Projector
from news_shared.projection.slots import Slots
from news_shared.redis_client import open_redis


def create_api(settings: FeedSettings) -> FastAPI:
    """The query API."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[routes.FeedState]:
        async with open_redis(settings.redis) as redis:
            slots = Slots(redis, SERVICE)
            yield {"store": ArticleStore(slots, settings.process.partitions)}

    app = create_service("newsfeed: articles", lifespan, unready=list)
    app.include_router(routes.router)
    return app


def create_projector(settings: FeedSettings) -> FastAPI:
    """The projector of ``news.articles``, with its health behind HTTP."""
    working: list[Projector[object]] = []

    def unready() -> list[str]:
        return working[0].unready() if working else ["starting"]

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
            await stack.enter_async_context(
                running(
                    projector.run(),
                    stop=projector.request_stop,
                    name=FEED_PROJECTION.group,
                    drain=settings.process.drain_timeout,
                )
            )
            working.append(projector)  # type: ignore[arg-type]  # only its health is asked for
            yield
            working.clear()

    return create_service("newsfeed: feed projector", lifespan, unready=unready)
