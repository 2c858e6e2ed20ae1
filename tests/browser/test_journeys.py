"""Readers on their way through the paper: in both languages, with and without script, on a phone and at a desk."""

import pytest
from playwright.async_api import Browser, ViewportSize

from tests.browser.chromium import each_kind_of_reader, reading
from tests.browser.played_site import OLDER, Site
from tests.web.ferry_newsroom import CABLE, STORY, path_of

pytestmark = pytest.mark.browser

WORDS = {
    "uk-UA": ["Найчитаніше", "Уся історія: 2 повідомлення", "Не рахувати мої перегляди", "не рахуються", "English"],
    "en-GB": ["Most read", "The whole story: 2 reports", "Do not count my views", "are not counted", "українська"],
}


@each_kind_of_reader
async def test_a_reader_finds_the_way(
    site: Site, browser: Browser, locale: str, script: bool, viewport: ViewportSize
) -> None:
    most_read, whole_story, count_me_out, not_counted, other = WORDS[locale]
    async with reading(browser, site.url, locale=locale, java_script_enabled=script, viewport=viewport) as reader:
        await reader.open("/")
        await reader.follow(STORY["title"])
        await reader.follow(CABLE["title"], within=".card")
        await reader.page.go_back()
        await reader.follow(whole_story)
        assert await reader.heading() == OLDER["title"]
        await reader.follow(OLDER["title"], within=".timeline")
        await reader.follow(most_read, within=".sections")
        assert await reader.heading() == most_read
        await reader.follow(other, within=".interface")
        assert await reader.heading() != most_read
        assert "lang=" in reader.page.url
        await reader.page.go_back()
        await reader.follow(count_me_out, within=".colophon")
        await reader.page.get_by_role("button", name=count_me_out).click()
        await reader.page.get_by_text(not_counted).wait_for()
        assert reader.complaints == []
        assert reader.strangers == []
        assert bool(reader.beacons) is script


async def test_who_is_not_counted_sends_nothing(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open("/counting")
        await reader.page.get_by_role("button").click()
        await reader.page.get_by_text("не рахуються").wait_for()
        await reader.open(path_of(STORY))
        await reader.page.locator("news-views[views]").wait_for()  # the number is there all the same
        await reader.page.get_by_text("21\u00a0478").wait_for()
        assert reader.beacons == []
        await reader.open("/counting")
        await reader.page.get_by_role("button").click()
        await reader.page.get_by_text("Ваші перегляди рахуються.").wait_for()
        async with reader.page.expect_request("**/v1/views"):
            await reader.open(path_of(STORY))
        assert all("cookie" not in request.headers for request in site.newsroom.asked)
