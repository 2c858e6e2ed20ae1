"""A newspaper's own page with the lines of docs/embed.md, under a strict policy, in front of the running services."""

import asyncio
import json
import re
import shlex
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from news_views.embeds.picture_routes import PIXEL
from tests.browser.chromium import PHONE, Reader, reading, unattended
from tests.testbed.backends import Backend
from tests.testbed.role import Roles, running_roles
from tests.testbed.waiting import until
from tests.views.newsroom_events import announce, published, withdrawn
from tests.views.test_views_service import NOBODY, Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

GUIDE = Path(__file__).parents[2] / "docs" / "embed.md"
LINES = "\n".join(re.findall(r"^```html\n(.*?)\n```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE))
[STYLE] = re.findall(r"^```css\n(.*?)\n```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
[POLICY] = re.findall(r"^script-src .*$", GUIDE.read_text(), re.MULTILINE)
GO = "const { to } = document.currentScript.dataset; fetch('/go').then(() => { location.href = to; });"
LOADED = "addEventListener('load', () => { new Image().src = `/loaded-${location.pathname.slice(1)}`; });"
COMMANDS = re.findall(r"^curl .*$", GUIDE.read_text(), re.MULTILINE)
OBSERVE = """
globalThis.shifts = 0;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) shifts += entry.value; })
  .observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Paper:
    """A newspaper's site on a host of its own; its pages are the guide's lines and some text.

    Attributes:
        purposes: what browsers said they wanted each page for.
        go: lets the page before a prerendered one go on to it.
    """

    url: str
    site: Site
    web: str
    purposes: dict[str, str] = field(default_factory=dict)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def page(self, guid: str) -> str:
        lines = LINES.replace("https://news.example", self.web).replace("herald:ferry", f"herald:{guid}")
        begin = f'<!doctype html><html lang="en"><title>{guid}</title><link rel="stylesheet" href="/page.css"><body>'
        return f'{begin}{lines}<p id="text">The text.</p><script src="/loaded.js"></script>'

    async def article(self, guid: str) -> str:
        [article] = await announce(self.site.backend, [published(guid)])
        await self.site.counted(article, views=0)
        return article


@pytest_asyncio.fixture(scope="module")
async def paper(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Paper]:
    with running_roles(backend, tmp_path_factory.mktemp("roles"), warm=True) as roles:
        async for opened in _paper(roles, backend):
            yield opened


async def _paper(roles: Roles, backend: Backend) -> AsyncIterator[Paper]:
    processes = {
        name: roles.make(name) for name in ("views-projector", "views-api", "related-linker", "related-api", "web")
    }
    for process in processes.values():
        process.launch()
    for process in processes.values():
        await process.ready()

    async def page(request: Request) -> Response:
        name = request.path_params["name"]
        purpose = request.headers.get("sec-purpose", "")
        opened.purposes[name] = purpose
        policy = POLICY.replace("https://news.example", f"{opened.web} 'self'")
        if name.startswith("ahead-of-"):
            policy = policy.replace("script-src", "script-src 'inline-speculation-rules'")
            guid = name.removeprefix("ahead-of-")
            rules = json.dumps({"prerender": [{"urls": [f"/{guid}"], "eagerness": "immediate"}]})
            html = f'<!doctype html><title>x</title><script type="speculationrules">{rules}</script>'
            html += f'<script src="/go.js" data-to="/{guid}"></script>'
        elif name.startswith("loaded-"):
            return await nothing(request)
        else:
            html = opened.page(name)
        return HTMLResponse(
            html, headers={"Content-Security-Policy": f"default-src 'none'; style-src 'self'; {policy}"}
        )

    async def loaded(request: Request) -> Response:
        return Response(LOADED, media_type="text/javascript")

    async def style(request: Request) -> Response:
        return Response(STYLE, media_type="text/css")

    async def go(request: Request) -> Response:
        if request.url.path == "/go.js":
            return Response(GO, media_type="text/javascript")
        await opened.go.wait()
        return Response()

    async def nothing(request: Request) -> Response:
        return Response(PIXEL, media_type="image/gif")

    listening = socket.create_server(("127.0.0.1", 0))
    app = Starlette(
        routes=[
            Route("/favicon.ico", nothing),
            Route("/loaded.js", loaded),
            Route("/page.css", style),
            Route("/go", go),
            Route("/go.js", go),
            Route("/{name}", page),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server._serve([listening]))
    async with httpx.AsyncClient(timeout=15, trust_env=False) as http:
        site = Site(processes["views-api"], backend, http)
        opened = Paper(f"http://127.0.0.1:{listening.getsockname()[1]}", site, processes["web"].url)
        try:
            await until(lambda: server.started, "the paper")
            yield opened
        finally:
            opened.go.set()  # or an answer that waits for it would keep the server
            server.should_exit = True
            await serving
            listening.close()


async def shows(reader: Reader, text: str) -> None:
    await reader.page.get_by_text(text, exact=True).first.wait_for(timeout=10_000)


async def test_the_number_rises_by_one_for_a_reader_and_not_on_reload(paper: Paper, browser: Browser) -> None:
    article = await paper.article("rises")
    async with reading(browser, paper.url) as reader:
        await reader.open("/rises")
        await shows(reader, "1 перегляд")
        await paper.site.counted(article, views=1, filtered=NOBODY)
        await reader.page.reload()
        await paper.site.counted(article, views=1, filtered={**NOBODY, "repeat": 1})
        await shows(reader, "1 перегляд")
        badge = reader.page.locator("img[src*='views.svg']")
        await badge.wait_for()
        assert await badge.evaluate("image => image.decode().then(() => image.naturalWidth)") > 50
        assert reader.complaints == []


async def test_the_number_ticks_live_and_goes_when_the_article_does(paper: Paper, browser: Browser) -> None:
    article = await paper.article("ticks")
    async with reading(browser, paper.url) as reader:
        await reader.open("/ticks")
        await shows(reader, "1 перегляд")
        for reader_number, words in enumerate(("2 перегляди", "3 перегляди", "4 перегляди", "5 переглядів")):
            await paper.site.open(article, address=f"192.0.2.{reader_number}")
            await shows(reader, words)
        assert await reader.page.locator("news-views").get_attribute("views") == "5"
        await announce(paper.site.backend, [withdrawn("ticks", 2)])
        await until(lambda: _is_blank(reader), "the number to go")
        await announce(paper.site.backend, [published("ticks", 3)])
        await shows(reader, "5 переглядів")


async def _is_blank(reader: Reader) -> bool:
    element = reader.page.locator("news-views")
    return (await element.inner_text()).strip() == "" and await element.get_attribute("views") is None


async def test_a_reader_who_opted_out_is_not_counted(paper: Paper, browser: Browser) -> None:
    article = await paper.article("opted-out")
    async with reading(browser, paper.url, extra_http_headers={"Sec-GPC": "1"}) as reader:
        await reader.open("/opted-out")
        await paper.site.counted(article, views=0, filtered={**NOBODY, "opted_out": 1})
        await shows(reader, "0 переглядів")


async def test_a_page_that_was_prerendered_counts_only_when_it_is_shown(
    paper: Paper, browser: Browser, tmp_path: Path
) -> None:
    article = await paper.article("prerendered")
    with unattended(f"{paper.url}/ahead-of-prerendered", tmp_path):
        await until(lambda: "loaded-prerendered" in paper.purposes, "the page ahead to have run its scripts")
        assert "prerender" in paper.purposes["prerendered"]
        other = await paper.article("other")
        await paper.site.open(other)
        await paper.site.counted(other, views=1)  # what was sent before that has been counted, too
        await paper.site.counted(article, views=0, filtered=NOBODY)
        paper.go.set()
        await paper.site.counted(article, views=1, filtered=NOBODY)


async def test_related_articles_come_with_their_reasons_and_move_nothing(paper: Paper, browser: Browser) -> None:
    await paper.article("relates")
    await paper.article("related-to-it")
    fragment = f"{paper.web}/v1/articles/herald:relates/related.html?words=uk"

    async def is_linked() -> bool:
        return "Title of" in (await paper.site.http.get(fragment)).text

    await until(is_linked, "the linker")
    async with reading(browser, paper.url, viewport=PHONE) as reader:
        await reader.page.add_init_script(OBSERVE)
        await reader.open("/relates")
        card = reader.page.locator(".news-related-card").first  # some of the newsroom, which has one theme
        await card.wait_for(timeout=10_000)
        assert "Port Morrow" in await card.inner_text()
        assert await card.locator("time").get_attribute("datetime") == "2026-01-15T12:00:00Z"
        section = reader.page.get_by_role("region", name="Читайте також")
        assert await section.get_attribute("lang") == "uk"
        assert await reader.page.evaluate("shifts") == 0
        assert reader.complaints == []


async def test_nothing_moves_when_the_number_comes(paper: Paper, browser: Browser) -> None:
    await paper.article("moves")
    async with reading(browser, paper.url, viewport=PHONE) as reader:
        await reader.page.add_init_script(OBSERVE)
        held = asyncio.Event()

        async def late(route: "object") -> None:
            await held.wait()
            await route.continue_()  # type: ignore[attr-defined]

        await reader.page.route("**/v1/components.js", late)
        await reader.page.goto(f"{paper.url}/moves", wait_until="commit")
        text = reader.page.locator("#text")
        before = await text.bounding_box()
        held.set()
        await shows(reader, "1 перегляд")
        assert await text.bounding_box() == before
        assert await reader.page.evaluate("shifts") == 0


async def test_readers_without_script_are_counted_by_the_pixel(paper: Paper, browser: Browser) -> None:
    article = await paper.article("pixel")
    async with reading(browser, paper.url, java_script_enabled=False) as reader:
        await reader.open("/pixel")
        await paper.site.counted(article, views=1, filtered=NOBODY)


async def test_when_events_do_not_get_through_the_count_is_asked_for(paper: Paper, browser: Browser) -> None:
    await paper.article("asked")
    async with reading(browser, paper.url) as reader:
        await reader.page.route("**/v1/views/live**", lambda route: route.fulfill(status=503))
        await reader.open("/asked")
        await until(lambda: _shows_a_count(reader), "the count")


async def _shows_a_count(reader: Reader) -> bool:
    return await reader.page.locator("news-views").get_attribute("views") in {"0", "1"}


async def test_the_commands_of_the_guide_answer_what_it_says(paper: Paper) -> None:
    article = await paper.article("ferry")
    assert len(COMMANDS) == 4
    for command in COMMANDS:
        arguments = shlex.split(command.replace("https://news.example", paper.web))
        running = await asyncio.create_subprocess_exec(*arguments, "--silent", "--fail", stdout=asyncio.subprocess.PIPE)
        said, _ = await running.communicate()
        is_stream = "live" in command
        assert running.returncode == (28 if is_stream else 0), command  # 28: a stream goes on until curl has enough
        answer = json.loads(said.partition(b"\n\ndata: ")[2].partition(b"\n")[0] if is_stream else said)
        [count] = answer.get("items", [answer])
        assert count["article"] == article
        assert len(answer["points"]) == 48 if "series" in command else count["views"] == 0
