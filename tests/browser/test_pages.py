"""The pages in a browser, in front of services played from a list: what readers see, and when a view is one."""

import asyncio
import json

import httpx
import pytest
from playwright.async_api import Browser, Route

from tests.browser.chromium import PHONE, reading
from tests.browser.played_site import KINDS, Site
from tests.testbed.waiting import until
from tests.web.ferry_newsroom import CABLE, STORY, path_of

pytestmark = pytest.mark.browser

LONG = "Незвичайнодовгийзаголовокбезжодногопробілу" * 4


async def test_a_view_is_sent_once_and_the_count_follows(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open(path_of(STORY))
        await reader.page.get_by_text("21\u00a0479 переглядів").wait_for(timeout=5000)
        assert [json.loads(beacon) for beacon in reader.beacons] == [{"article": STORY["id"]}]
        await reader.page.wait_for_load_state("networkidle")
        assert len(reader.beacons) == 1
        assert reader.complaints == []
        assert reader.strangers == []


async def test_a_page_in_a_tab_behind_is_not_yet_a_view(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.page.add_init_script(
            """
            let seen = false;
            Object.defineProperty(document, "hidden", { get: () => !seen });
            Object.defineProperty(document, "visibilityState", { get: () => (seen ? "visible" : "hidden") });
            globalThis.comeToFront = () => { seen = true; document.dispatchEvent(new Event("visibilitychange")); };
            """
        )
        await reader.open(path_of(STORY))
        await reader.page.wait_for_load_state("networkidle")
        assert reader.beacons == []
        async with reader.page.expect_request("**/v1/views"):
            await reader.page.evaluate("comeToFront()")
        assert len(reader.beacons) == 1


async def test_a_prerendered_page_is_a_view_when_it_is_shown(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.page.add_init_script(
            """
            let prerendering = true;
            Object.defineProperty(document, "prerendering", { get: () => prerendering });
            globalThis.activate = () => {
              prerendering = false;
              document.dispatchEvent(new Event("prerenderingchange"));
            };
            """
        )
        await reader.open(path_of(STORY))
        await reader.page.wait_for_load_state("networkidle")
        assert reader.beacons == []
        async with reader.page.expect_request("**/v1/views"):
            await reader.page.evaluate("activate()")


async def test_coming_back_through_the_cache_is_a_view_of_its_own(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open(path_of(STORY))
        await reader.page.get_by_text("21\u00a0479").wait_for()
        async with reader.page.expect_request("**/v1/views"):
            await reader.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        await reader.page.get_by_text("21\u00a0480").wait_for()


async def test_a_refused_view_is_tried_once_more(site: Site, browser: Browser) -> None:
    site.newsroom.special[("views", "/v1/views")] = lambda request: httpx.Response(503, json={})
    async with reading(browser, site.url) as reader:
        async with reader.page.expect_response(lambda r: r.url.endswith("/v1/views") and r.status >= 500):
            await reader.open(path_of(STORY))
        site.newsroom.special.clear()
        await reader.page.get_by_text("21\u00a0479 переглядів").wait_for(timeout=8000)
        assert len(reader.beacons) == 2


async def test_nothing_moves_when_the_number_comes(site: Site, browser: Browser) -> None:
    away = ("views", f"/v1/articles/{STORY['id']}/views")  # so that the page is without a number at first
    site.newsroom.special[away] = lambda request: httpx.Response(503, json={})
    async with reading(browser, site.url, viewport=PHONE) as reader:
        await reader.page.add_init_script(
            """
            globalThis.shifts = 0;
            new PerformanceObserver((list) => { for (const entry of list.getEntries()) shifts += entry.value; })
              .observe({ type: "layout-shift", buffered: true });
            """
        )
        await reader.open(path_of(STORY))
        await reader.page.get_by_text("21\u00a0479 переглядів").wait_for(timeout=8000)
        assert await reader.page.evaluate("shifts") == 0


@pytest.mark.parametrize(
    ("sizes", "ratio"),
    [("", 3 / 2), ('width="240"', 3 / 2), ('height="700"', 3 / 2), ('width="240" height="720"', 1 / 3)],
)
async def test_nothing_moves_when_a_picture_of_the_body_comes(
    site: Site, browser: Browser, sizes: str, ratio: float
) -> None:
    picture = f'<p><img src="https://img.example/tall.svg" alt="A crane" {sizes}></p>'
    site.newsroom.articles[0]["content_html"] = f"<p>Before.</p>{picture}<p>After it.</p>"
    async with reading(browser, site.url, viewport=PHONE) as reader:
        held = asyncio.Event()

        async def late(route: Route) -> None:
            await held.wait()
            tall = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="900"/>'
            await route.fulfill(body=tall, content_type="image/svg+xml")

        await reader.page.route("https://img.example/**", late)
        await reader.page.goto(site.url + path_of(STORY), wait_until="commit")
        after = reader.page.get_by_text("After it.")
        await reader.page.locator("news-views[views]").wait_for()
        before = await after.bounding_box()
        held.set()
        image = reader.page.get_by_role("img", name="A crane")
        await image.scroll_into_view_if_needed()
        await image.evaluate("image => image.decode()")
        await reader.page.evaluate("scrollTo(0, 0)")
        assert await after.bounding_box() == before
        box = await image.bounding_box()
        assert box is not None
        assert box["width"] / box["height"] == pytest.approx(ratio, rel=0.01)
        fit = await image.evaluate("image => getComputedStyle(image).objectFit")
        assert fit == "scale-down" or ratio != 3 / 2  # whole, and no side of it longer than it is


async def test_a_headline_of_2000_characters_leaves_the_page_to_be_read(site: Site, browser: Browser) -> None:
    title = "The cranes go back to work on Monday, nobody knows who pays. " * 33
    site.newsroom.articles[0]["title"] = title.strip()
    async with reading(browser, site.url, viewport=PHONE) as reader:
        await reader.open(path_of(STORY))
        heading = reader.page.locator("h1")
        assert await heading.inner_text() == title.strip()
        assert await heading.evaluate("(h) => h.scrollHeight <= h.clientHeight + 1")
        box = await heading.bounding_box()
        assert box is not None
        assert box["height"] < 2 * PHONE["height"]
        await reader.open("/")
        of_it = reader.page.locator(f'[data-article="{STORY["id"]}"] .headline').first
        box = await of_it.bounding_box()
        assert box is not None
        assert box["height"] < PHONE["height"] / 4
        assert await of_it.text_content() == title.strip()


@pytest.mark.parametrize("kind", ["home", "article", "article in Ukrainian", "most read", "themes", "story"])
async def test_no_page_is_wider_than_its_window(site: Site, browser: Browser, kind: str) -> None:
    for article in site.newsroom.articles[1:3]:
        article["title"] = LONG
        article["content_html"] = f"<p>{LONG}</p><pre>{LONG}</pre><table><tr><td>{LONG}</td></tr></table>"
    site.newsroom.articles[0]["tags"].append(LONG)
    async with reading(browser, site.url) as reader:
        await reader.open(KINDS[kind])
        for width in (320, 390, 768, 1280):
            await reader.page.set_viewport_size({"width": width, "height": 800})
            wide = await reader.page.evaluate(
                "[...document.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)"
                ".map((e) => `${e.tagName} ${e.className}`)"
            )
            assert await reader.overflow() <= 0, (width, wide)


async def test_the_pages_work_without_script(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url, java_script_enabled=False) as reader:
        await reader.open("/")
        await reader.page.get_by_role("link", name=STORY["title"]).first.click()
        assert await reader.page.get_by_role("heading", level=1).inner_text() == STORY["title"]
        assert await reader.page.get_by_text("21\u00a0478 переглядів").is_visible()
        await reader.page.get_by_role("link", name=CABLE["title"]).first.click()
        assert await reader.page.get_by_role("heading", level=1).inner_text() == CABLE["title"]


@pytest.mark.parametrize("script", [True, False])
async def test_a_reader_is_counted_once_with_script_and_without(site: Site, browser: Browser, script: bool) -> None:
    async with reading(browser, site.url, java_script_enabled=script) as reader:
        await reader.open(path_of(STORY))
        await until(lambda: site.newsroom.views[STORY["id"]] == 21479, "the view")
        site.newsroom.articles[0] |= {"revision": 2, "title": "Corrected"}
        site.newsroom.events.append(("updated", site.newsroom.articles[0]))
        if script:
            await reader.page.get_by_role("heading", name="Corrected").wait_for()
        await reader.page.wait_for_load_state("networkidle")
        assert (site.newsroom.views[STORY["id"]], len(reader.beacons)) == (21479, int(script))
        assert reader.complaints == []


async def test_a_reader_without_script_may_stay_uncounted(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url, java_script_enabled=False) as reader:
        await reader.open("/counting")
        await reader.page.get_by_role("button").click()
        await reader.open(path_of(STORY))
        await reader.page.wait_for_load_state("networkidle")
        assert site.newsroom.views[STORY["id"]] == 21478


async def test_the_keyboard_reaches_the_content_first(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open(path_of(STORY))
        await reader.page.keyboard.press("Tab")
        skip = reader.page.get_by_role("link", name="Перейти до змісту")
        assert await skip.is_visible()
        await reader.page.keyboard.press("Enter")
        assert await reader.page.evaluate("document.activeElement.id") == "content"
