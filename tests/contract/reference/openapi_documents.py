"""The OpenAPI documents of the services, as they serve them at ``/openapi.json``; nothing needs to run for it."""

import asyncio
from functools import cache
from typing import Any

import httpx
from starlette.types import ASGIApp

from news_feed.app import create_api as create_feed
from news_feed.settings import FeedSettings
from news_ingest.app import create_api as create_ingest
from news_ingest.settings import FetchSettings, IngestSettings
from news_related.app import create_api as create_related
from news_related.settings import RelatedSettings
from news_shared.settings import KafkaSettings, ProcessSettings, RedisSettings
from news_views.app import create_api as create_views
from news_views.settings import AllSettings
from news_web.app import create_app as create_web
from news_web.settings import WebSettings


@cache  # of metrics there can be one set a process
def openapi_documents() -> dict[str, dict[str, Any]]:
    """By service, in the order of a reader's interest."""
    ingest = (ProcessSettings(), KafkaSettings(), RedisSettings(), IngestSettings(), FetchSettings())
    services: dict[str, ASGIApp] = {
        "ingest": create_ingest(*ingest),
        "views": create_views(AllSettings.read()),
        "related": create_related(RelatedSettings.read()),
        "feed": create_feed(FeedSettings.read()),
        "web": create_web(WebSettings.read()),
    }
    return {name: asyncio.run(_served(service)) for name, service in services.items()}


async def _served(service: ASGIApp) -> dict[str, Any]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service), base_url="http://service") as client:
        document: dict[str, Any] = (await client.get("/openapi.json")).raise_for_status().json()
    return document
