"""Composition roots of ingest's three roles."""

import random
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Any

import structlog
from fastapi import FastAPI
from prometheus_client import REGISTRY
from starlette.types import ASGIApp

from news_ingest import feed_routes, key_routes, routes, source_routes, websub_routes
from news_ingest.article_door import ArticleDoor
from news_ingest.fetching.fetcher import open_fetcher
from news_ingest.intake import Intake
from news_ingest.key_limits import KeyLimits
from news_ingest.outcomes import Outcomes
from news_ingest.polling.intervals import Bounds
from news_ingest.polling.poll import PollTools
from news_ingest.polling.poll_metrics import PollMetrics
from news_ingest.polling.poller import Poller
from news_ingest.polling.schedule import Schedule
from news_ingest.polling.subscriptions import Subscriptions
from news_ingest.polling.websub import Subscriber
from news_ingest.publisher import PublisherTools, publisher_spec
from news_ingest.requests import Parts
from news_ingest.settings import FetchSettings, IngestSettings, PollerSettings
from news_ingest.source_keys import SourceKeys
from news_ingest.sources import Sources
from news_shared.api_keys import ApiKeys
from news_shared.clock import system_clock
from news_shared.http import create_service
from news_shared.process import BackgroundWork, wait_for_topics
from news_shared.producer import open_producer
from news_shared.projection.projector import Projector
from news_shared.redis_client import open_redis
from news_shared.settings import DEVELOPMENT_KEY, KafkaSettings, ProcessSettings, RedisSettings
from news_shared.topic_table import TopicTable
from news_shared.topics import SOURCES

log = structlog.get_logger()

_READERS = 4  # threads, so that a huge feed holds up no small one, while memory stays bounded


def create_api(
    process: ProcessSettings,
    kafka: KafkaSettings,
    redis: RedisSettings,
    ingest: IngestSettings,
    fetching: FetchSettings,
) -> ASGIApp:
    """The HTTP intake."""
    table = TopicTable(kafka, SOURCES, process.partitions)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        admin_key = process.admin_key.get_secret_value()
        if admin_key == DEVELOPMENT_KEY:
            log.warning("the admin key is 'dev': everybody who reaches this port may publish")
        await wait_for_topics(kafka, process.partitions)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(open_redis(redis))
            producer = await stack.enter_async_context(open_producer(kafka))
            await stack.enter_async_context(table.following())
            outcomes = Outcomes(client, partitions=process.partitions)
            intake = Intake(
                producer,
                outcomes,
                partitions=process.partitions,
                clock=system_clock,
                answer_within=kafka.delivery_timeout,
            )
            sources = Sources(table, producer, partitions=process.partitions, clock=system_clock)
            limits = KeyLimits(
                requests=ingest.requests_per_minute, articles=ingest.articles_per_minute, monotonic=monotonic
            )
            yield {
                "parts": Parts(
                    intake=intake,
                    outcomes=outcomes,
                    sources=sources,
                    source_keys=SourceKeys(sources, table.items, clock=system_clock),
                    keys=ApiKeys(table, admin_key),
                    limits=limits,
                    table=table,
                    settings=ingest,
                    schedule=Schedule(client, clock=system_clock),
                    subscriptions=Subscriptions(client),
                    fetcher=await stack.enter_async_context(open_fetcher(fetching)),
                    readers=stack.enter_context(ThreadPoolExecutor(_READERS, thread_name_prefix="reader")),
                )
            }

    app = create_service(
        "newsfeed ingest", lifespan, unready=lambda: [] if table.caught_up else ["the sources are not read yet"]
    )
    app.include_router(routes.router)
    app.include_router(source_routes.router)
    app.include_router(key_routes.router)
    app.include_router(feed_routes.router)
    app.include_router(feed_routes.lists)
    app.include_router(websub_routes.router)
    return ArticleDoor(app)


def create_poller(
    process: ProcessSettings, kafka: KafkaSettings, redis: RedisSettings, settings: PollerSettings
) -> FastAPI:
    """The poller, with its health on HTTP."""
    table = TopicTable(kafka, SOURCES, process.partitions)
    work = BackgroundWork(process.drain_timeout)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await wait_for_topics(kafka, process.partitions)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(open_redis(redis))
            producer = await stack.enter_async_context(open_producer(kafka))
            fetcher = await stack.enter_async_context(open_fetcher(settings))
            readers = stack.enter_context(ThreadPoolExecutor(_READERS, thread_name_prefix="reader"))
            intake = Intake(
                producer,
                Outcomes(client, partitions=process.partitions),
                partitions=process.partitions,
                clock=system_clock,
                answer_within=kafka.delivery_timeout,
            )
            tools = PollTools(
                fetcher=fetcher,
                intake=intake,
                sources=Sources(table, producer, partitions=process.partitions, clock=system_clock),
                readers=readers,
                bounds=Bounds(settings.poll_shortest, settings.poll_longest, settings.poll_hints),
                clock=system_clock,
                chance=random.random,
            )
            schedule = Schedule(client, clock=system_clock)
            subscriber = Subscriber(
                Subscriptions(client),
                fetcher,
                public_url=settings.public_url,
                longest=settings.poll_longest,
                clock=system_clock,
            )
            poller = Poller(schedule, tools, table, settings, PollMetrics(REGISTRY), subscriber)
            await stack.enter_async_context(table.following())
            await stack.enter_async_context(work.doing(poller, "poller"))
            yield

    return create_service("newsfeed poller", lifespan, unready=work.unready)


def create_publisher(process: ProcessSettings, kafka: KafkaSettings, redis: RedisSettings) -> FastAPI:
    """The publisher, with its health on HTTP."""
    work = BackgroundWork(process.drain_timeout)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await wait_for_topics(kafka, process.partitions)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(open_redis(redis))
            producer = await stack.enter_async_context(open_producer(kafka))
            tools = PublisherTools(kafka, producer, process.partitions, system_clock)
            projector = Projector(
                publisher_spec(tools),
                kafka=kafka,
                redis=client,
                partitions=process.partitions,
                instance=process.instance,
            )
            await stack.enter_async_context(work.doing(projector, "publisher"))
            yield

    return create_service("newsfeed publisher", lifespan, unready=work.unready)
