"""Readers on their way through the paper: in both languages, with and without script, on a phone and at a desk."""

import pytest
from playwright.async_api import Browser, ViewportSize

from tests.browser.chromium import DESKTOP, PHONE, Reader, reading
from tests.browser.played_site import OLDER, Site
from tests.testbed.waiting import until
from tests.web.test_web_service import CABLE, STORY, path_of

pytestmark = pytest.mark.browser

WORDS = {
    "uk-UA": ["Найчитаніше", "Уся історія: 2 повідомлення", "Не рахувати мої перегляди", "не рахуються", "English"],
    "en-GB": ["Most read", "The whole story: 2 reports", "Do not count my views", "are not counted", "українська"],
}


@pytest.mark.parametrize(
    ("locale", "script", "viewport"),
    [
        ("uk-UA", True, PHONE),
        ("uk-UA", False, DESKTOP),
        ("en-GB", True, DESKTOP),
        ("en-GB", False, PHONE),
    ],
    ids=["uk-script-phone", "uk-plain-desktop", "en-script-desktop", "en-plain-phone"],
)
async def test_a_reader_finds_the_way(
    site: Site, browser: Browser, locale: str, script: bool, viewport: ViewportSize
) -> None:
    most_read, whole_story, count_me_out, not_counted, other = WORDS[locale]
    async with reading(browser, site.url, locale=locale, java_script_enabled=script, viewport=viewport) as reader:
        await reader.open("/")
        await follow(reader, STORY["title"])
        await follow(reader, CABLE["title"], within=".card")
        await reader.page.go_back()
        await follow(reader, whole_story)
        assert await heading(reader) == OLDER["title"]
        await follow(reader, OLDER["title"], within=".timeline")
        await follow(reader, most_read, within=".sections")
        assert await heading(reader) == most_read
        await follow(reader, other, within=".interface")
        assert await heading(reader) != most_read
        assert "lang=" in reader.page.url
        await reader.page.go_back()
        await follow(reader, count_me_out, within=".colophon")
        await reader.page.get_by_role("button", name=count_me_out).click()
        await reader.page.get_by_text(not_counted).wait_for()
        assert reader.complaints == []
        assert reader.strangers == []
        assert bool(reader.beacons) is script


async def follow(reader: Reader, name: str, *, within: str = "main") -> None:
    """A click on the first link with this name, and the page behind it."""
    before = reader.page.url
    await reader.page.locator(within).get_by_role("link", name=name).first.click()
    await until(lambda: reader.page.url != before, f"the page behind {name!r}")
    await reader.page.wait_for_load_state("load")


async def heading(reader: Reader) -> str:
    return (await reader.page.get_by_role("heading", level=1).inner_text()).strip()


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
