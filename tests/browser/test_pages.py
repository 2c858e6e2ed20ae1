"""The pages in a browser, in front of services played from a list: what readers see, and when a view is one."""

import json

import httpx
import pytest
from playwright.async_api import Browser

from tests.browser.chromium import DESKTOP, PHONE, reading
from tests.browser.played_site import Site
from tests.web.test_web_service import CABLE, STORY, path_of

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


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("address", ["/", path_of(STORY), path_of(CABLE), "/themes", "/themes/port-morrow", "/nowhere"])
async def test_no_page_is_wider_than_its_window(site: Site, browser: Browser, address: str, width: int) -> None:
    site.newsroom.articles[1]["title"] = LONG
    site.newsroom.articles[1]["content_html"] = f"<p>{LONG}</p><pre>{LONG}</pre><table><tr><td>{LONG}</td></tr></table>"
    site.newsroom.articles[0]["tags"].append(LONG)
    async with reading(browser, site.url, viewport={"width": width, "height": 800}) as reader:
        await reader.open(address)
        wide = await reader.page.evaluate(
            "[...document.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)"
            ".map((e) => `${e.tagName} ${e.className}`)"
        )
        assert await reader.overflow() <= 0, wide


async def test_the_pages_work_without_script(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url, java_script_enabled=False) as reader:
        await reader.open("/")
        await reader.page.get_by_role("link", name=STORY["title"]).first.click()
        assert await reader.page.get_by_role("heading", level=1).inner_text() == STORY["title"]
        assert await reader.page.get_by_text("21\u00a0478 переглядів").is_visible()
        await reader.page.get_by_role("link", name=CABLE["title"]).first.click()
        assert await reader.page.get_by_role("heading", level=1).inner_text() == CABLE["title"]


async def test_the_keyboard_reaches_the_content_first(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open(path_of(STORY))
        await reader.page.keyboard.press("Tab")
        skip = reader.page.get_by_role("link", name="Перейти до змісту")
        assert await skip.is_visible()
        await reader.page.keyboard.press("Enter")
        assert await reader.page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["/", path_of(STORY), "/themes/port-morrow", "/nowhere"])
async def test_text_stands_out_from_its_ground(site: Site, browser: Browser, address: str, scheme: str) -> None:
    async with reading(browser, site.url, color_scheme=scheme, viewport=DESKTOP) as reader:
        await reader.open(address)
        assert await reader.page.evaluate(CONTRAST) == []


CONTRAST = """
() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const rgb = (color) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = color;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgb(getComputedStyle(e).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility() || element.closest("script")) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(`${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  return weak;
}
"""
"""Texts whose contrast is below 4.5 (WCAG 2.2, 1.4.3)."""
