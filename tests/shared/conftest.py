"""A topic of words, and nothing tallied yet."""

from collections.abc import AsyncIterator

import pytest_asyncio

from news_shared.redis_client import open_redis
from tests.shared.tally import Tally
from tests.shared.words import Words
from tests.testbed.backends import Backend


@pytest_asyncio.fixture
async def words(fresh_backend: Backend) -> AsyncIterator[Words]:
    Tally.away, Tally.poison, Tally.works = 2, "poison", False
    async with open_redis(fresh_backend.redis_settings) as redis:
        yield Words(fresh_backend, redis)
