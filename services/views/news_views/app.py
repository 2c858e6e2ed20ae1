"""Builds the roles of the views service: everything concrete is made here, in start order, and goes in reverse."""

import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from time import monotonic

from fastapi import FastAPI
from starlette.types import ASGIApp

from news_shared.api_keys import ApiKeys
from news_shared.clock import epoch_ms, system_clock
from news_shared.errors import TransientError
from news_shared.event_streams import Patience
from news_shared.http import create_service
from news_shared.process import BackgroundWork, at_stop, running, wait_for_topics
from news_shared.producer import open_producer
from news_shared.projection.slots import Slots
from news_shared.redis_client import open_redis
from news_shared.topic_table import TopicTable
from news_shared.topics import SOURCES
from news_views.beacons import batch_routes
from news_views.beacons.batches import BeaconBatches
from news_views.beacons.bots import is_bot
from news_views.beacons.bursts import MinutePaces, Paces
from news_views.beacons.client_address import TrustedProxies
from news_views.beacons.door import BeaconDoor
from news_views.beacons.forgetting import Forgetting
from news_views.beacons.intake import BeaconIntake
from news_views.beacons.metrics import BeaconMetrics, watch_minute, watch_streams
from news_views.beacons.rules import BeaconRules
from news_views.beacons.salts import SaltRing, SharedSalts
from news_views.beacons.server_batches import ServerBatchIntake
from news_views.embeds import picture_routes, script_routes
from news_views.imports import routes as import_routes
from news_views.imports.intake import ImportIntake
from news_views.projection.names import SERVICE
from news_views.queries import live_routes, routes, series_routes, trending_routes
from news_views.queries.counts_query import CountsQuery
from news_views.queries.live import LiveCounts
from news_views.queries.series_query import SeriesQuery
from news_views.queries.trending_query import TrendingQuery
from news_views.settings import AllSettings

_ROUTES = (
    batch_routes,
    import_routes,
    routes,
    series_routes,
    trending_routes,
    live_routes,
    picture_routes,
    script_routes,
)
_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""The records of a fetch are thousands of objects without cycles; at Python's 700 a fifth of the time goes into
looking at them."""
_CHANGE_OF_SALTS = timedelta(minutes=1)
"""Clocks of several processes, and batches on their way, around a change."""


class ViewsApiState(routes.ViewsState, batch_routes.BatchState, import_routes.ImportState):
    """What the lifespan opens."""


def create_api(settings: AllSettings) -> ASGIApp:
    """Beacons in, counts out."""
    proxies = TrustedProxies(settings.process.trusted_proxies)
    ring = SaltRing(settings.views.session + _CHANGE_OF_SALTS)
    metrics = BeaconMetrics()

    def unready() -> list[str]:
        return [] if ring.current(system_clock()) else ["no salt yet: Redis does not answer"]

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[ViewsApiState]:
        partitions = settings.process.partitions
        async with AsyncExitStack() as stack:
            await wait_for_topics(settings.kafka, partitions)
            is_bot("Mozilla/5.0")  # compiles the patterns now, not in the first request
            redis = await stack.enter_async_context(open_redis(settings.redis))
            producer = await stack.enter_async_context(open_producer(settings.kafka))
            salts = SharedSalts(redis, ring, system_clock)
            with suppress(TransientError):  # beacons wait for a salt, nothing else does
                await salts.refresh()
            await stack.enter_async_context(
                running(salts.run(), stop=salts.request_stop, name="salts", drain=settings.process.drain_timeout)
            )
            batches = BeaconBatches(
                producer,
                metrics,
                linger=settings.views.linger,
                batch_beacons=settings.views.batch_beacons,
                queue_beacons=settings.views.queue_beacons,
            )
            stack.push_async_callback(batches.close)
            paces = Paces(burst=settings.views.burst_per_minute, limit=settings.views.limit_per_minute)
            watch_minute(lambda: paces.last_minute)
            late_paces = MinutePaces(burst=settings.views.burst_per_minute)
            forgetting = Forgetting(
                lambda: paces.forget(monotonic()), lambda: late_paces.forget(epoch_ms(system_clock()))
            )
            await stack.enter_async_context(
                running(
                    forgetting.run(),
                    stop=forgetting.request_stop,
                    name="forgetting addresses",
                    drain=settings.process.drain_timeout,
                )
            )
            rules, late_rules = BeaconRules(ring, system_clock), BeaconRules(ring, system_clock)
            sources = TopicTable(settings.kafka, SOURCES, partitions)
            await stack.enter_async_context(sources.following())
            slots = Slots(redis, SERVICE)
            counts = CountsQuery(slots, partitions, system_clock)
            live = LiveCounts(
                counts,
                partitions,
                live_routes.event,
                tick=settings.views.live_tick,
                most=settings.views.live_streams,
            )
            watch_streams(lambda: live.watchers, lambda: live.articles)
            await stack.enter_async_context(
                running(live.run(), stop=live.request_stop, name="live counts", drain=settings.process.drain_timeout)
            )
            stack.enter_context(at_stop(live.request_stop))
            yield {
                "intake": BeaconIntake(batches, rules, paces, proxies, system_clock, partitions),
                "server_batches": ServerBatchIntake(
                    producer, late_rules, late_paces, proxies, metrics, system_clock, partitions
                ),
                "batch_bytes": settings.views.batch_bytes,
                "imports": ImportIntake(producer, counts, system_clock, partitions),
                "keys": ApiKeys(sources, settings.process.admin_key.get_secret_value()),
                "counts": counts,
                "trending": TrendingQuery(slots, partitions, system_clock),
                "metrics": metrics,
                "series": SeriesQuery(slots, partitions),
                "clock": system_clock,
                "live": live,
                "patience": Patience(settings.views.live_life, settings.views.live_heartbeat),
            }

    app = create_service("newsfeed: views", lifespan, unready=unready)
    for module in _ROUTES:
        app.include_router(module.router)
    routes.describe_beacons(app.openapi())  # FastAPI keeps the document that it makes
    return BeaconDoor(app)


def create_projector(settings: AllSettings) -> FastAPI:
    """The projectors of ``news.articles`` (markers) and of ``news.views`` (counts), with their health behind HTTP."""
    # Imports of this role only: numpy would cost the other 25 MB.
    from news_shared.projection.projector import Projector
    from news_views.projection.markers import markers_projection
    from news_views.projection.views import views_projection

    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    work = BackgroundWork(settings.process.drain_timeout)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await wait_for_topics(settings.kafka, settings.process.partitions)
            redis = await stack.enter_async_context(open_redis(settings.redis))
            producer = await stack.enter_async_context(open_producer(settings.kafka))
            markers = Projector(
                markers_projection(producer),
                kafka=settings.kafka,
                redis=redis,
                partitions=settings.process.partitions,
                instance=settings.process.instance,
            )
            views = Projector(
                views_projection(settings.views, settings.kafka),
                kafka=settings.kafka,
                redis=redis,
                partitions=settings.process.partitions,
                instance=settings.process.instance,
            )
            await stack.enter_async_context(work.doing(views, "views projector"))
            await stack.enter_async_context(work.doing(markers, "views marker"))
            yield

    return create_service("newsfeed: views projector", lifespan, unready=work.unready)
