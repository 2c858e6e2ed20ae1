"""What happens on a page while it is open: new stories, corrections, withdrawals; and after the tab slept."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, Route

from tests.browser.chromium import PHONE, reading
from tests.browser.played_site import ARABIC, COPIES, OLDER, Site
from tests.testbed.waiting import until
from tests.web.ferry_newsroom import CABLE, SIMILAR, STORY, path_of
from tests.web.newsroom import an_article

pytestmark = pytest.mark.browser

HIDE_AND_SHOW = """
let hidden = false;
Object.defineProperty(document, "hidden", { get: () => hidden });
Object.defineProperty(document, "visibilityState", { get: () => (hidden ? "hidden" : "visible") });
globalThis.sleepTab = (asleep) => { hidden = asleep; document.dispatchEvent(new Event("visibilitychange")); };
"""

LISTEN = """
globalThis.EventSource = class extends EventSource {
  constructor(url) {
    super(url);
    if (url.startsWith("/v1/stream")) this.addEventListener("heartbeat", () => { globalThis.isOnStream = true; });
  }
};
"""


def of_now(guid: str, **fields: Any) -> dict[str, Any]:
    return an_article(guid, date_published=datetime.now(UTC).isoformat(), **fields)


async def streams(site: Site, number: int) -> None:
    """Wait until so many streams of articles were opened."""
    await until(lambda: len(opened(site)) >= number, f"{number} streams")


def opened(site: Site) -> list[str]:
    return [str(request.url) for request in site.newsroom.asked if request.url.path == "/v1/stream"]


async def has_heard(page: Page) -> None:
    """Wait until the page has been told how far its stream has come.

    Asked from here: what the page's own clock asks again is `eval` to its policy, which forbids that.
    """

    async def is_on_stream() -> bool:
        return bool(await page.evaluate("globalThis.isOnStream"))

    await until(is_on_stream, "the page to be on its stream")


async def toast(page: Page) -> str:
    await page.locator(".toast").wait_for(timeout=8000)
    return await page.locator(".toast").inner_text()


async def test_new_stories_are_announced_in_one_quiet_place(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open("/?lang=uk")
        await streams(site, 1)
        first = of_now("first", title="Перша", language="uk")
        site.newsroom.events += [
            ("published", an_article("archive", title="Of last year", date_published="2025-01-15T12:05:00Z")),
            ("published", {**STORY, "date_published": datetime.now(UTC).isoformat()}),  # is on the page
            ("published", first),
        ]
        assert (await toast(reader.page)).split() == ["Нова", "публікація", "Перша", "×"]
        link = reader.page.locator(".toast a")
        assert await link.get_attribute("href") == f"/articles/{first['id']}?lang=uk"
        site.newsroom.events.append(("published", of_now("second", title="Second")))
        await reader.page.get_by_text("Нові публікації: 2").wait_for()
        assert await link.get_attribute("href") == "/?lang=uk"
        await reader.page.get_by_role("button", name="Закрити").click()
        assert await reader.page.locator(".toast").count() == 0
        site.newsroom.events += [("published", of_now("third", title="Third")), ("withdrawn", of_now("third"))]
        site.newsroom.events.append(("published", of_now("fourth", title="Fourth")))
        await reader.page.get_by_text("Fourth").wait_for()
        assert "Нова публікація" in await toast(reader.page)  # the third is gone, so it is one again
        assert len(opened(site)) == 1
        assert reader.complaints == []


@pytest.mark.parametrize(
    ("address", "theirs", "ours"),
    [
        ("/?language=uk", {"language": "en"}, {"language": "uk-UA"}),
        ("/themes/port-morrow", {"tags": ["Elections"]}, {"tags": ["Elections", "Port Morrow"]}),
        ("/sources/herald", {"source": "tribune"}, {"source": "herald"}),
    ],
)
async def test_a_list_announces_what_belongs_to_it(
    site: Site, browser: Browser, address: str, theirs: dict[str, Any], ours: dict[str, Any]
) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open(address)
        await streams(site, 1)
        site.newsroom.events += [
            ("published", {**of_now("a", title="Not for here"), **theirs}),
            ("published", {**of_now("b", title="For here"), **ours}),
        ]
        assert "For here" in await toast(reader.page)
        assert "Нова публікація" in await toast(reader.page)  # one, not two


async def test_a_theme_announces_its_stories_however_they_spell_it(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open("/themes/port-morrow")
        await streams(site, 1)
        for number, tag in enumerate(("PORT  MORROW", "\uff30ort\u2013morrow!", "port_morrow")):
            site.newsroom.events.append(("published", of_now(f"theirs-{number}", tags=["Port", "Morrow"])))
            site.newsroom.events.append(("published", of_now(f"ours-{number}", title=f"Ours {number}", tags=[tag])))
            await reader.page.locator(".toast").get_by_text(f"Ours {number}").wait_for()
            await reader.page.get_by_role("button", name="Закрити").click()


async def test_an_announcement_can_be_closed_however_long_its_headline(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url, viewport=PHONE) as reader:
        await reader.open("/")
        await streams(site, 1)
        site.newsroom.events.append(("published", of_now("long", title="A word of it. " * 143)))
        await toast(reader.page)
        shown = await reader.page.locator(".toast").bounding_box()
        assert shown is not None
        assert shown["height"] < 250
        await reader.page.get_by_role("button", name="Закрити").click(timeout=2000)
        assert await reader.page.locator(".toast").count() == 0


async def test_a_correction_appears_on_the_open_page(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open(path_of(STORY))
        await reader.page.evaluate("globalThis.same = true; scrollTo(0, 200)")
        await streams(site, 1)
        corrected = {"at": "2026-01-16T08:00:00Z", "note": "The ferry has two decks."}
        site.newsroom.articles[0] |= {"revision": 2, "title": "Changed", "corrections": [corrected]}
        site.newsroom.events.append(("updated", site.newsroom.articles[0]))
        await reader.page.get_by_text("The ferry has two decks.").wait_for()
        assert await reader.page.get_by_role("heading", level=1).inner_text() == "Changed"
        assert "Цей матеріал щойно оновили" in await toast(reader.page)
        assert await reader.page.evaluate("globalThis.same && scrollY === 200")
        await reader.page.locator("news-views[views]").wait_for()
        site.newsroom.events.append(("updated", {**SIMILAR, "title": "A harbour sleeps"}))
        await reader.page.locator(".backlinks").get_by_text("A harbour sleeps").wait_for()
        assert len(reader.beacons) == 1
        assert reader.complaints == []


async def test_a_withdrawn_story_leaves_open_pages(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open(path_of(STORY))
        await streams(site, 1)
        assert await reader.page.locator(".card").count() == 1
        site.newsroom.events.append(("withdrawn", {"id": CABLE["id"]}))
        await until(lambda: _is_without(reader.page, CABLE["id"]), "the card to go")
        site.newsroom.articles = [one for one in site.newsroom.articles if one["id"] != STORY["id"]]
        site.newsroom.withdrawn[STORY["id"]] = {"reason": "a mistake", "time": "2026-01-16T08:00:00Z"}
        site.newsroom.events.append(("withdrawn", {"id": STORY["id"]}))
        await reader.page.get_by_text("Зазначена причина: a mistake").wait_for()


async def test_withdrawn_copies_leave_the_line_that_names_them(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.open("/")
        await streams(site, 1)
        card = reader.page.locator(f".front [data-article='{OLDER['id']}']")
        assert (await card.locator(".also").inner_text()).split() == ["Також:", "tribune", "courier"]
        site.newsroom.events.append(("withdrawn", {"id": COPIES[0]["id"]}))
        await until(lambda: _is_without(reader.page, COPIES[0]["id"]), "the first copy to go")
        assert (await card.locator(".also").inner_text()).split() == ["Також:", "courier"]
        site.newsroom.events.append(("withdrawn", {"id": COPIES[1]["id"]}))
        await until(lambda: _is_without(reader.page, COPIES[1]["id"]), "the other one to go")
        assert not await card.locator(".also").is_visible()
        assert await card.is_visible()
        assert reader.complaints == []


MOVES = """
globalThis.moved = 0;
new PerformanceObserver((list) => { moved += list.getEntries().length; }).observe({ type: "layout-shift" });
"""


async def test_a_copy_takes_the_place_of_the_withdrawn_story_that_stood_for_it(site: Site, browser: Browser) -> None:
    longer = {**OLDER, "summary": "A summary of many lines. " * 20}
    site.newsroom.articles[site.newsroom.articles.index(OLDER)] = longer
    async with reading(browser, site.url) as reader:
        await reader.page.add_init_script(MOVES)
        await reader.open("/?lang=en")
        await streams(site, 1)
        below = reader.page.locator(f".front [data-article='{ARABIC['id']}']")
        before = await place_of(below)
        withdraw(site, OLDER)
        site.newsroom.duplicate_of = {COPIES[1]["id"]: COPIES[0]["id"]}
        site.newsroom.views[COPIES[0]["id"]] = 7
        card = reader.page.locator(f".front article[data-article='{COPIES[0]['id']}']")
        await card.get_by_role("heading", name="A harbour burns 8", level=2).wait_for()
        assert "• 7 views" in await card.locator(".meta").inner_text()
        assert (await card.locator(".also").inner_text()).split() == ["Also:", "courier"]
        assert await card.locator(".headline a").get_attribute("href") == f"/articles/{COPIES[0]['id']}?lang=en"
        listed = reader.page.locator(f".short-list > li[data-article='{COPIES[0]['id']}']")
        await listed.get_by_role("heading", level=4).wait_for()
        assert await _is_without(reader.page, OLDER["id"])
        assert await place_of(below) == before
        assert await reader.page.evaluate("moved") == 0

        withdraw(site, COPIES[0])
        last = reader.page.locator(f".front article[data-article='{COPIES[1]['id']}']")
        await last.get_by_role("heading", name="A harbour burns 9", level=2).wait_for()
        assert await last.locator(".also").count() == 0
        withdraw(site, COPIES[1])
        await until(lambda: _is_without(reader.page, COPIES[1]["id"]), "the last of them to go")
        assert await place_of(below) != before  # nothing is left in that place
        assert reader.complaints == []


async def test_a_copy_keeps_to_the_look_of_its_place(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        for address, look in (("/", "teaser lead-teaser"), ("/themes/port-morrow", "teaser")):
            site.newsroom.articles = [OLDER, COPIES[0]]
            asked = len(opened(site))
            await reader.open(address)
            await streams(site, asked + 1)
            kickers = await reader.page.locator("main article .kicker").count()
            withdraw(site, OLDER)
            card = reader.page.locator(f"main article[data-article='{COPIES[0]['id']}']")
            await card.wait_for()
            assert await card.get_attribute("class") == look
            assert await card.locator(".kicker").count() == kickers
        assert kickers == 0, "the theme's own page does not name it at each story"


async def test_links_to_copies_stay_until_the_server_answers(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.page.clock.install()
        await reader.open("/")
        await streams(site, 1)
        answers: list[Route] = []
        await reader.page.route("**/copies?*in=short-list*", lambda route: route.abort())
        await reader.page.route(lambda url: "/copies?" in url and "in=" not in url, lambda route: answers.append(route))
        site.newsroom.events.append(("withdrawn", {"id": OLDER["id"]}))
        await until(lambda: bool(answers), "the page to ask what stands there now")
        place = reader.page.locator(".front .also")
        assert (await place.inner_text()).split() == ["Також:", "tribune", "courier"]
        assert await _is_without(reader.page, OLDER["id"])
        withdraw(site, OLDER)
        withdraw(site, COPIES[0])  # while the answer, which has it, is on its way
        await until(lambda: _is_without(reader.page, COPIES[0]["id"]), "the copy to go")
        await answers[0].fulfill(body=f"<article class='teaser' data-article='{COPIES[0]['id']}'>It</article>")
        await until(lambda: len(answers) > 1, "the page to ask without it")
        await answers[1].abort()
        assert (await place.inner_text()).split() == ["Також:", "courier"]
        await reader.page.unroute_all()
        await reader.page.clock.fast_forward("00:30")
        await reader.page.locator(f".front article[data-article='{COPIES[1]['id']}']").wait_for()
        await reader.page.locator(f".short-list > [data-article='{COPIES[1]['id']}']").wait_for()


async def place_of(element: Locator) -> tuple[int, int, int, int]:
    """Where it is on the page, in whole pixels: engines count in parts of them."""
    box = await element.bounding_box()
    assert box is not None
    return round(box["x"]), round(box["y"]), round(box["width"]), round(box["height"])


def withdraw(site: Site, article: dict[str, Any]) -> None:
    site.newsroom.articles = [one for one in site.newsroom.articles if one["id"] != article["id"]]
    site.newsroom.withdrawn[article["id"]] = {}
    site.newsroom.events.append(("withdrawn", {"id": article["id"]}))


async def _is_without(page: Page, article: str) -> bool:
    return await page.locator(f"[data-article='{article}']").count() == 0


async def test_a_tab_that_slept_goes_on_where_it_was(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.page.add_init_script(HIDE_AND_SHOW)
        await reader.open(path_of(STORY))
        await streams(site, 1)
        site.newsroom.events.append(("published", of_now("before", title="Before the sleep")))
        assert "Before the sleep" in await toast(reader.page)
        await reader.page.evaluate("sleepTab(true)")
        site.newsroom.events += [
            ("withdrawn", {"id": CABLE["id"]}),
            ("published", of_now("meanwhile", title="Meanwhile")),
        ]
        await reader.page.evaluate("sleepTab(false)")
        await reader.page.get_by_text("Meanwhile").wait_for()
        assert "Нові публікації: 2" in await toast(reader.page)
        assert await _is_without(reader.page, CABLE["id"])
        assert [url.partition("?")[2] for url in opened(site)] == ["", "last_event_id=0"]


async def test_a_tab_that_slept_hears_what_it_missed_though_nothing_was_said_before(
    site: Site, browser: Browser
) -> None:
    async with reading(browser, site.url) as reader:
        await reader.page.add_init_script(HIDE_AND_SHOW + LISTEN)
        await reader.open("/")
        await has_heard(reader.page)
        await reader.page.evaluate("sleepTab(true)")
        site.newsroom.events += [
            ("published", of_now("meanwhile", title="Meanwhile")),
            ("withdrawn", {"id": CABLE["id"]}),
        ]
        await reader.page.evaluate("sleepTab(false)")
        assert "Meanwhile" in await toast(reader.page)
        await until(lambda: _is_without(reader.page, CABLE["id"]), "what was withdrawn to go")


async def test_a_page_that_was_opened_behind_others_hears_what_came_before_it_was_seen(
    site: Site, browser: Browser
) -> None:
    async with reading(browser, site.url) as reader:
        await reader.page.add_init_script(HIDE_AND_SHOW + LISTEN + "hidden = true;")
        await reader.open("/")
        await has_heard(reader.page)
        site.newsroom.events.append(("published", of_now("meanwhile", title="Meanwhile")))
        await reader.page.evaluate("sleepTab(false)")
        assert "Meanwhile" in await toast(reader.page)


@pytest.mark.parametrize("waking", ["the time that passed", "the page is shown", "the net is back"])
async def test_a_connection_that_died_unnoticed_is_replaced(site: Site, browser: Browser, waking: str) -> None:
    async with reading(browser, site.url) as reader:
        await reader.page.add_init_script(LISTEN)
        await reader.page.clock.install()
        await reader.open("/")
        await has_heard(reader.page)
        missed = ("published", of_now("meanwhile", title="Meanwhile"))
        site.newsroom.events = [missed]  # the open stream has the list before, and nothing comes any more
        match waking:
            case "the time that passed":
                await reader.page.clock.fast_forward("01:00")
            case "the page is shown":
                await reader.page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=1))
                await reader.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow'))")
            case "the net is back":
                await reader.page.context.set_offline(True)
                await reader.page.context.set_offline(False)
        assert "Meanwhile" in await toast(reader.page)


async def test_a_stream_that_lives_is_left_alone(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        await reader.page.add_init_script(LISTEN)
        await reader.open("/")
        await has_heard(reader.page)
        await reader.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow'))")
        await reader.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        site.newsroom.events.append(("published", of_now("new", title="New")))
        assert "New" in await toast(reader.page)
        assert len(opened(site)) == 1


async def test_what_happened_before_the_stream_was_open_is_seen(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        may_open = asyncio.Event()

        async def later(route: Route) -> None:
            await may_open.wait()
            await route.continue_()

        await reader.page.route("**/v1/stream", later)
        await reader.open(path_of(STORY))
        site.newsroom.articles[0] |= {"revision": 2, "title": "Changed meanwhile"}
        site.newsroom.withdrawn[SIMILAR["id"]] = {}
        assert opened(site) == []
        may_open.set()
        await reader.page.get_by_role("heading", name="Changed meanwhile").wait_for()
        await until(lambda: _is_without(reader.page, SIMILAR["id"]), "what was withdrawn to go")


async def test_a_story_that_went_before_the_stream_was_open_is_gone(site: Site, browser: Browser) -> None:
    async with reading(browser, site.url) as reader:
        site.newsroom.special[("feed", "/v1/stream")] = lambda request: gone_meanwhile(site)
        await reader.open(path_of(STORY))
        await reader.page.get_by_text("Тут нічого немає").wait_for()


def gone_meanwhile(site: Site) -> httpx.Response:
    site.newsroom.articles = []
    return httpx.Response(200)
