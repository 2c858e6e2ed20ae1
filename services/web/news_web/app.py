"""Builds the web service: everything concrete is made here, in start order, and goes in reverse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from news_shared.clock import Clock, system_clock
from news_shared.http import create_service
from news_shared.process import at_stop
from news_web import article_routes, counting_routes, list_routes, routes
from news_web.assets import load_assets
from news_web.copies import copies_of
from news_web.desk import Desk, Limits, WebState
from news_web.forwarding import trusted_networks
from news_web.getting import IDLE_SECONDS, connections, get_through, get_with
from news_web.peers import Peers
from news_web.public_paths import Service
from news_web.rendering import Pen
from news_web.settings import WebSettings


def create_app(
    settings: WebSettings, *, transport: httpx.AsyncBaseTransport | None = None, clock: Clock = system_clock
) -> FastAPI:
    """The pages and the one origin.

    Args:
        settings: of this process.
        transport: instead of the network, for tests.
        clock: tells the date in the masthead.
    """
    own = settings.web
    addresses = {
        Service.FEED: own.feed_url,
        Service.VIEWS: own.views_url,
        Service.RELATED: own.related_url,
        Service.INGEST: own.ingest_url,
    }

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[WebState]:
        silence = own.silence.total_seconds()
        timeout = httpx.Timeout(silence, connect=own.connect_timeout.total_seconds())
        tls = httpx.create_ssl_context(trust_env=False)  # once: reading the authorities takes a while
        client = httpx.AsyncClient(
            transport=transport,
            timeout=timeout,
            verify=tls,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=IDLE_SECONDS),
            trust_env=False,  # the services are near; a proxy of the environment is not for them
        )

        def connect() -> httpx.AsyncBaseTransport:
            return transport or httpx.AsyncHTTPTransport(verify=tls, trust_env=False)

        stopping = asyncio.Event()
        async with client, AsyncExitStack() as stack:
            stack.enter_context(at_stop(stopping.set))
            get = get_through(client) if transport else get_with(await stack.enter_async_context(connections()))
            copies = copies_of(own.copies_bytes)
            peers = Peers(
                client,
                addresses,
                get=get,
                connect=connect,
                opened_within=own.stream_deadline,
                copies=copies,
                stale=own.stale,
            )
            stack.push_async_callback(peers.close)
            assets = load_assets()
            yield {
                "desk": Desk(
                    peers=peers,
                    limits=Limits(part=own.part_deadline, page=own.page_deadline, fresh=own.fresh, cards=own.cards),
                    pen=Pen(title=own.title, assets=assets, clock=clock, public_url=own.public_url),
                    assets=assets,
                    trusted=trusted_networks(settings.process.trusted_proxies),
                    zone=ZoneInfo(own.time_zone),
                    stopping=stopping,
                )
            }

    app = create_service("newsfeed", lifespan, unready=list)
    for router in (list_routes.router, article_routes.router, counting_routes.router):
        app.include_router(router)
    app.include_router(routes.router)  # last: it takes every path
    return app
