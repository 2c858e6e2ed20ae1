"""Makes the pictures of the README's tour from a running newsfeed with its sample newsroom.

Run: ``uv run newsfeed up``, then ``uv run python -m tests.browser.tour http://127.0.0.1:8000 docs/images``.
"""

import argparse
import asyncio
import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
from playwright.async_api import Browser, Page, ViewportSize

from tests.browser.chromium import DESKTOP, PHONE, chromium, reading

_MOST_BYTES = 120_000
_QUALITY = 80
_READERS = 40


@dataclass(frozen=True)
class Picture:
    """One picture of the tour.

    Attributes:
        scroll_to: what stands at its upper edge; None for the top of the page.
    """

    name: str
    address: str
    viewport: ViewportSize
    scheme: Literal["light", "dark"] = "light"
    scroll_to: str | None = None


def pictures(article: str) -> list[Picture]:
    """What is shown, for an article with cards, a story and related stories."""
    return [
        Picture("home", "/", DESKTOP),
        Picture("home-phone-dark", "/", PHONE, "dark"),
        Picture("article", f"/articles/{article}", DESKTOP),
        Picture("article-phone", f"/articles/{article}", PHONE),
        Picture("cards-phone", f"/articles/{article}", PHONE, scroll_to=".card"),
        Picture("story-so-far-phone-dark", f"/articles/{article}", PHONE, "dark", scroll_to=".so-far"),
        Picture("story", f"/stories/{article}", DESKTOP, "dark"),
        Picture("most-read-phone", "/most-read", PHONE),
    ]


async def take(browser: Browser, site: str, picture: Picture, folder: Path) -> Path:
    """Opens the page and keeps what the window shows as WebP."""
    async with reading(browser, site, viewport=picture.viewport, color_scheme=picture.scheme) as reader:
        await reader.page.route("**/v1/views", lambda route: route.abort())  # the tour is no reader
        await reader.open(picture.address)
        if picture.scroll_to is not None:
            await reader.page.locator(picture.scroll_to).first.evaluate("(e) => scrollTo(0, e.offsetTop - 120)")
        content = await _webp(reader.page)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{picture.name} has {len(content):,} bytes; a picture of the README has {_MOST_BYTES:,}")
    path = folder / f"{picture.name}.webp"
    path.write_bytes(content)
    return path


async def _webp(page: Page) -> bytes:
    chrome = await page.context.new_cdp_session(page)
    wanted = {"format": "webp", "quality": _QUALITY}
    shot: dict[str, Any] = await chrome.send("Page.captureScreenshot", wanted)
    return base64.b64decode(shot["data"])


async def an_article(api: httpx.AsyncClient) -> str:
    """The newest one in Ukrainian that has everything to show."""
    listed = (await api.get("/v1/articles", params={"language": "uk", "limit": 100})).json()["items"]
    for item in listed:
        page = (await api.get(f"/v1/pages/{item['id']}")).json()
        has_cards = any(link["card"] for link in page["links"].get("links", ()))
        if has_cards and len(page["story"].get("items", ())) > 4 and page["related"].get("items"):
            return str(item["id"])
    raise LookupError("no article of this newsfeed has cards, a story and related stories")


async def some_readers(api: httpx.AsyncClient) -> None:
    """Reads the newest articles, so that there are counts to show."""
    listed = (await api.get("/v1/articles", params={"limit": 50})).json()["items"]
    for place, item in enumerate(listed):
        for reader in range(1 + _READERS // (place + 1)):
            agent = (
                f"Mozilla/5.0 (X11; Linux x86_64; rv:{100 + reader}.{place}) Gecko/20100101 Firefox/{100 + reader}.0"
            )
            headers = {"user-agent": agent, "x-forwarded-for": f"192.0.{place}.{reader}"}
            await api.post("/v1/views", json={"article": item["id"]}, headers=headers)


async def tour(site: str, folder: Path) -> None:
    """All pictures into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    async with httpx.AsyncClient(base_url=site, timeout=30, trust_env=False) as api, chromium() as browser:
        await some_readers(api)
        for picture in pictures(await an_article(api)):
            path = await take(browser, site, picture, folder)
            print(f"{path}  {path.stat().st_size:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site")
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    asyncio.run(tour(chosen.site.rstrip("/"), chosen.folder))


if __name__ == "__main__":
    main()
