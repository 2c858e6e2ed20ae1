"""Debian's Chromium, driven by Playwright; silent towards the world outside."""

import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from tests.testbed.waiting import until

_EXECUTABLE = Path("/usr/bin/chromium")
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
"""A reader's; Chromium's own says «Headless», which is a bot and counts for nothing."""
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}

each_kind_of_reader = pytest.mark.parametrize(
    ("locale", "script", "viewport"),
    [
        ("uk-UA", True, PHONE),
        ("uk-UA", False, DESKTOP),
        ("en-GB", True, DESKTOP),
        ("en-GB", False, PHONE),
    ],
    ids=["uk-script-phone", "uk-plain-desktop", "en-script-desktop", "en-plain-phone"],
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    if not _EXECUTABLE.exists():
        raise FileNotFoundError(f"{_EXECUTABLE} is needed for these tests: apt-get install -y chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_EXECUTABLE, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@contextmanager
def unattended(url: str, profile: Path) -> Iterator[None]:
    """A browser at a page with nobody who drives it: one that is driven renders no page ahead."""
    arguments = [*_ARGUMENTS, f"--user-data-dir={profile}", f"--user-agent={_USER_AGENT}", url]
    with subprocess.Popen(  # a session of its own, so that all its processes end
        [_EXECUTABLE, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as running:
        try:
            yield
        finally:
            os.killpg(running.pid, signal.SIGKILL)


@dataclass
class Reader:
    """Somebody with a browser, and everything that went wrong or out while he read."""

    page: Page
    site: str
    complaints: list[str] = field(default_factory=list)
    beacons: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(self.site + path, wait_until="load")

    async def follow(self, name: str, *, within: str = "main") -> None:
        """A click on the first link with this name, and the page behind it."""
        before = self.page.url
        await self.page.locator(within).get_by_role("link", name=name).first.click()
        await until(lambda: self.page.url != before, f"the page behind {name!r}")
        await self.page.wait_for_load_state("load")

    async def heading(self) -> str:
        return (await self.page.get_by_role("heading", level=1).inner_text()).strip()

    async def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@asynccontextmanager
async def reading(browser: Browser, site: str, **context: Any) -> AsyncIterator[Reader]:
    """A reader with a browser of his own: no cache, no history."""
    opened = await browser.new_context(
        **({"viewport": DESKTOP, "locale": "uk-UA", "user_agent": _USER_AGENT} | context)
    )
    try:
        page = await opened.new_page()
        reader = Reader(page, site)
        own = urlsplit(site).netloc
        page.on("console", lambda m: reader.complaints.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: reader.complaints.append(str(error)))
        page.on("request", lambda r: _note(reader, own, r.method, r.url, r.post_data))
        yield reader
    finally:
        await opened.close()


def _note(reader: Reader, own: str, method: str, url: str, body: str | None) -> None:
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"} and parts.netloc != own:
        reader.strangers.append(url)
    if method == "POST" and parts.path == "/v1/views":
        reader.beacons.append(body or "")
