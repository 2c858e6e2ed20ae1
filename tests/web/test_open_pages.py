"""An open page no longer names what is withdrawn, where it does not show it: in reasons, addresses and headings."""

import pytest
from playwright.async_api import Page

from tests.browser.chromium import chromium, reading
from tests.browser.played_site import listening
from tests.testbed.waiting import until
from tests.web.ferry_newsroom import CABLE, SIMILAR, STORY, a_newsroom, path_of
from tests.web.newsroom import Newsroom, a_card, an_article

pytestmark = pytest.mark.browser

FIRST = an_article("first", title="The first report", tags=[])


def a_newsroom_that_names() -> Newsroom:
    newsroom = a_newsroom()
    via = {"via": FIRST["title"], "via_article": FIRST["id"]}
    reason = {"kind": "same_story", "text": f"both link to “{FIRST['title']}”", **via}
    newsroom.articles.append(FIRST)
    newsroom.related[STORY["id"]] = [{**a_card(SIMILAR), "reason": reason}]
    told = [a_card(FIRST), a_card(CABLE), a_card(STORY)]
    newsroom.stories = {article["id"]: told for article in (FIRST, STORY)}
    return newsroom


async def holds(page: Page, text: str) -> bool:
    """Whether a reader finds a text on the page, in its title, or an id behind a link."""
    return text in await page.title() + await page.locator("main").inner_html()


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("path", [path_of(STORY), f"/stories/{FIRST['id']}"])
async def test_what_is_withdrawn_is_named_no_more(path: str, is_told: bool) -> None:
    newsroom = a_newsroom_that_names()
    async with listening(newsroom) as site, chromium() as browser, reading(browser, site.url) as reader:
        if not is_told:  # it asks when its stream begins; related has not heard of it yet
            newsroom.withdrawn[FIRST["id"]] = {}
        await reader.open(path)
        if is_told:
            assert await holds(reader.page, FIRST["title"])
            await until(lambda: any(one.url.path == "/v1/stream" for one in newsroom.asked), "its stream")
            newsroom.events.append(("withdrawn", {"id": FIRST["id"]}))

        async def is_without() -> bool:
            return not await holds(reader.page, FIRST["title"])

        await until(is_without, "the headline to go")
        assert not await holds(reader.page, FIRST["id"])
        if path == path_of(STORY):
            address = await reader.page.locator(".onward").first.get_attribute("href")
            assert str(address).endswith(f"/stories/{STORY['id']}")
        else:
            assert await reader.heading() == CABLE["title"]
            assert CABLE["title"] in await reader.page.title()
