from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.chromium import chromium
from tests.browser.played_site import ARABIC, COPIES, GONE, OLDER, Site, listening
from tests.web.ferry_newsroom import CABLE, STORY, a_newsroom
from tests.web.newsroom import a_card


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    newsroom = a_newsroom()
    newsroom.articles += [ARABIC, OLDER, *COPIES]
    newsroom.duplicate_of = {one["id"]: OLDER["id"] for one in COPIES}
    newsroom.withdrawn[GONE] = {"reason": "a mistake", "time": "2026-01-15T14:00:00Z"}
    newsroom.ranking = [STORY["id"], CABLE["id"], OLDER["id"]]
    newsroom.stories = {one["id"]: [a_card(OLDER), a_card(STORY)] for one in (OLDER, STORY)}
    async with listening(newsroom) as opened:
        yield opened
