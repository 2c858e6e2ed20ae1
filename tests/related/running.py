"""The service on the backend's servers, as tests work with it: the API in this process, the linker in its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from news_related.app import create_api
from news_related.settings import RelatedOwnSettings, RelatedSettings
from news_shared.articles import ArticleEvent
from news_shared.settings import ProcessSettings
from tests.related.publishing import publish
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.role import running_roles
from tests.testbed.waiting import until


@asynccontextmanager
async def running_app(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://related") as client:
            yield client


class Related:
    """The API over a linker in its own process, and the topic that it follows."""

    def __init__(self, backend: Backend, api: httpx.AsyncClient) -> None:
        self.backend = backend
        self.api = api

    async def publish(self, events: Sequence[ArticleEvent]) -> None:
        await publish(self.backend, events)

    async def get(self, path: str, **parameters: Any) -> Any:
        answer = await self.api.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def status(self, path: str) -> int:
        return (await self.api.get(path)).status_code

    async def eventually(self, path: str, status: int = 200) -> None:
        async def answers() -> bool:
            return await self.status(path) == status

        await until(answers, f"{status} at {path}")


def settings_for(backend: Backend, instance: str = "0") -> RelatedSettings:
    return RelatedSettings(
        ProcessSettings(env="embedded", partitions=PARTITIONS, instance=instance, admin_key=SecretStr("dev")),
        backend.kafka_settings,
        backend.redis_settings,
        RelatedOwnSettings(),
    )


@asynccontextmanager
async def running_service(backend: Backend, place: Path) -> AsyncIterator[Related]:
    """A linker that is ready, and the API over it."""
    with running_roles(backend, place, warm=True) as roles:
        linker = await roles.start("related-linker")
        async with running_app(create_api(settings_for(backend))) as api:
            await linker.ready()
            yield Related(backend, api)
