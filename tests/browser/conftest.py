from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.chromium import chromium
from tests.browser.played_site import Site, listening
from tests.web.test_web_service import a_newsroom


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with listening(a_newsroom()) as opened:
        yield opened
