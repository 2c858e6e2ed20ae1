"""What a person with a screen reader, a printer, another script or a strict browser gets of every kind of page."""

import json
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from tests.browser.chromium import DESKTOP, PHONE, reading
from tests.browser.played_site import ARABIC, KINDS, Site
from tests.web.ferry_newsroom import STORY, path_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
LISTEN = """
globalThis.violations = [];
globalThis.shifts = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(`${e.violatedDirective} ${e.blockedURI}`));
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) shifts.push(e.sources.map((s) => s.node?.className ?? s.node?.nodeName));
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.mark.parametrize("kind", KINDS)
async def test_every_page_follows_the_rules_of_wcag(site: Site, browser: Browser, kind: str) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open(KINDS[kind])
        await reader.page.evaluate(Axe().axe_script)
        for viewport in (PHONE, DESKTOP):
            await reader.page.set_viewport_size(viewport)
            for scheme in ("light", "dark"):
                await reader.page.emulate_media(color_scheme=scheme)
                assert await broken_rules(reader.page) == [], (viewport, scheme)


async def test_an_announcement_follows_them_too(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url, viewport=PHONE) as reader:
        async with reader.page.expect_response("**/v1/stream"):  # what was said before is not announced
            await reader.open("/")
        site.newsroom.events.append(("published", {**ARABIC, "id": "new", "date_published": "2999-01-01T00:00:00Z"}))
        await reader.page.locator(".toast").wait_for()
        await reader.page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finished))")
        await reader.page.evaluate(Axe().axe_script)
        assert await broken_rules(reader.page) == []
        await reader.page.evaluate("document.querySelector('.toast button').ariaLabel = ''")
        await reader.page.evaluate("document.querySelector('.toast button').textContent = ''")
        assert [rule for rule, _ in await broken_rules(reader.page)] == ["button-name"]


async def broken_rules(page: Page) -> list[tuple[str, list[Any]]]:
    """What axe, which has been put into the page, complains of, and where."""
    found = await page.evaluate("(rules) => axe.run(document, rules)", RULES)
    return [(rule["id"], [node["target"] for node in rule["nodes"]][:3]) for rule in found["violations"]]


async def test_no_page_moves_breaks_its_policy_or_asks_a_stranger(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url, viewport=PHONE) as reader:
        await reader.page.add_init_script(LISTEN)
        for kind, address in KINDS.items():
            await reader.open(address)
            if "article" in kind:
                await reader.page.locator("news-views[views]").wait_for()
            assert await reader.page.evaluate("violations") == [], kind
            assert await reader.page.evaluate("shifts") == [], kind
        # A browser notes in its console that a page was not there; that is what was asked for.
        assert [said for said in reader.complaints if "404" not in said and "410" not in said] == []
        assert reader.strangers == []


async def test_the_policy_would_be_heard_of(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.page.add_init_script(LISTEN)
        await reader.open("/")
        await reader.page.evaluate("document.body.setAttribute('onclick', 'alert(1)')")
        await reader.page.evaluate("document.body.style.cssText, document.body.setAttribute('style', 'color: red')")
        heard = await reader.page.evaluate("violations")
        assert [each.split()[0] for each in heard] == ["script-src-attr", "style-src-attr"]


async def test_data_for_search_engines_is_there_under_the_policy(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open(path_of(STORY))
        text = await reader.page.locator("script[type='application/ld+json']").text_content()
        told = json.loads(text or "")
        assert (told["@type"], told["headline"]) == ("NewsArticle", STORY["title"])


async def test_text_from_right_to_left_is_set_so(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url, viewport=PHONE) as reader:
        await reader.open(path_of(ARABIC))
        heading = reader.page.get_by_role("heading", level=1)
        assert await heading.evaluate("(e) => getComputedStyle(e).direction") == "rtl"
        quote = reader.page.locator(".body blockquote")
        assert await quote.evaluate("(e) => parseFloat(getComputedStyle(e).borderRightWidth)") > 0
        dateline = reader.page.locator(".dateline")
        assert await dateline.evaluate("(e) => getComputedStyle(e).direction") == "ltr"
        assert await reader.overflow() <= 0
        await reader.open("/")
        linked = reader.page.get_by_role("link", name=ARABIC["title"]).first
        assert await linked.evaluate("(e) => getComputedStyle(e).direction") == "rtl"


async def test_on_paper_there_is_the_story_alone(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url, color_scheme="dark") as reader:
        await reader.open(path_of(STORY))
        await reader.page.emulate_media(media="print", color_scheme="dark")
        assert await reader.page.get_by_text("Third.").is_visible()
        assert await reader.page.get_by_text("The ferry leaves at nine.").is_visible()
        for gone in (".sections", ".card", ".band", ".colophon"):
            assert not await reader.page.locator(gone).first.is_visible()
        assert await reader.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


async def test_the_keyboard_is_always_seen(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open(path_of(STORY))
        for _ in range(12):
            await reader.page.keyboard.press("Tab")
            outline = await reader.page.evaluate(
                "(({ outlineStyle, outlineWidth }) => outlineStyle + outlineWidth)"
                "(getComputedStyle(document.activeElement))"
            )
            assert outline == "solid3px"
