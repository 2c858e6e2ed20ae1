"""``<news-views>`` on pages that scripts change, with wrong names among right ones, and with very many of them."""

import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Locator

import news_views.embeds
from news_shared.article_ids import parse_article_id
from news_shared.errors import PoisonError
from tests.browser.chromium import reading
from tests.browser.played_site import Site
from tests.web.ferry_newsroom import CABLE, STORY, path_of

pytestmark = pytest.mark.browser

KEEP_STREAMS = """
globalThis.streams = [];
globalThis.EventSource = class extends EventSource {
  constructor(url) {
    super(url);
    if (url.includes("/v1/views/live")) streams.push(this);
  }
};
"""
ADD = """(names) => {
  for (const name of names) {
    const element = document.createElement("news-views");
    element.setAttribute("article", name);
    document.querySelector("main").append(element);
  }
}"""
NAMES = [
    STORY["id"],
    STORY["id"].upper(),
    "-" * 36,
    STORY["id"].replace("-", "0"),
    STORY["id"] + "\n",
    "herald:a",
    "9:a",
    "a.b_c-d:a:b",
    "Herald:a",
    "-herald:a",
    "\u212aerald:a",
    "herald",
    "herald:",
    "herald: ",
    "herald:\u00a0\x1f\x85\u3000",
    "herald:\n a",
    "herald:a \n",
    f"{'a' * 64}:x",
    f"{'a' * 65}:x",
    "",
]


async def shows(element: Locator, views: int) -> None:
    await element.and_(element.page.locator(f"[views='{views}']")).wait_for(timeout=5000)


def is_name(name: str) -> bool:
    try:
        parse_article_id(name)
    except PoisonError:
        return False
    return True


async def test_an_element_that_a_script_adds_is_followed_though_another_count_comes_at_that_moment(
    site: Site, browser: Browser
) -> None:
    async with reading(browser, site.url) as reader:
        await reader.page.add_init_script(KEEP_STREAMS)
        await reader.open(path_of(STORY))
        await reader.page.locator("news-views[views]").wait_for()
        await reader.page.evaluate(ADD, [CABLE["id"]])
        count = json.dumps({"article": STORY["id"], "views": 30_000})
        await reader.page.evaluate("data => streams.at(-1).dispatchEvent(new MessageEvent('message', { data }))", count)
        await shows(reader.page.locator("news-views").last, 1)


async def test_a_name_is_one_where_the_server_says_so(browser: Browser) -> None:
    script = (Path(news_views.embeds.__file__).parent / "static" / "components.js").read_text()
    [pattern] = re.findall(r"const isName = (/.*/);", script)
    page = await browser.new_page()
    found = await page.evaluate(f"names => names.map((name) => {pattern}.test(name))", NAMES)
    await page.close()
    assert dict(zip(NAMES, found, strict=True)) == {name: is_name(name) for name in NAMES}


async def test_a_wrong_name_leaves_the_counts_of_others(site: Site, browser: Browser) -> None:
    newsroom = site.newsroom

    def strict(request: httpx.Request) -> httpx.Response:
        if not all(map(is_name, request.url.params.get_list("article"))):
            return httpx.Response(422, json={"status": 422})
        return newsroom._views(request)

    newsroom.special = {("views", path): strict for path in ("/v1/views", "/v1/views/live")}
    async with reading(browser, site.url) as reader:
        await reader.open(path_of(STORY))
        await reader.page.evaluate(ADD, [*(name for name in NAMES if not is_name(name)), CABLE["id"]])
        await shows(reader.page.locator("news-views").last, 1)


async def test_those_for_whom_the_stream_has_no_room_are_asked_for_again(site: Site, browser: Browser) -> None:
    newsroom = site.newsroom
    names = [f"herald:{number}" for number in range(100)]
    newsroom.views |= {names[-1]: 7}
    async with reading(browser, site.url) as reader:
        await reader.page.clock.install()
        await reader.open(path_of(STORY))
        await reader.page.evaluate(ADD, names)
        await reader.page.clock.fast_forward("00:01")
        last = reader.page.locator("news-views").last
        await shows(last, 7)
        for views in (8, 9):
            newsroom.views[names[-1]] = views
            await reader.page.clock.fast_forward("00:30")
            await shows(last, views)
