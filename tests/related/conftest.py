"""The graph on the backend's Redis, for each test an empty one."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.related.graph_on_redis import GraphOnRedis, graph_on_redis
from tests.testbed.backends import Backend


@pytest_asyncio.fixture
async def stored(backend: Backend) -> AsyncIterator[GraphOnRedis]:
    async with graph_on_redis(backend) as graph:
        yield graph
