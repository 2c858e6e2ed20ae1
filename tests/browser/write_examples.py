"""Pictures of twelve articles of the sample newsroom with their cards, and their lists and timelines as text.

Run beside ``newsfeed up``: ``uv run python -m tests.browser.write_examples [--site URL]``. Writes
``docs/examples/NN.webp`` and prints a section of ``docs/examples/README.md`` for each, without the judgement, which a
person adds after looking.
"""

import argparse
import asyncio
import base64
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, Page

from tests.browser.chromium import chromium, reading

_FOLDER = Path(__file__).parents[2] / "docs" / "examples"
_EXAMPLES = (
    "harbour-fire-4-en",
    "harbour-fire-6-uk",
    "cable-fault-3-en",
    "cable-fault-7-en",
    "wreck-1-uk",
    "wreck-5-en",
    "river-spill-6-en",
    "vote-6-en",
    "airline-6-uk",
    "storm-watch-uk",
    "bees-night-light-en",
    "cup-final-en",
)
_WIDTH, _HEIGHT = 760, 900
_SCALES, _QUALITY = (0.7, 0.6, 0.5, 0.4), 45
_MOST_BYTES = 80_000


async def picture(page: Page) -> bytes:
    """The whole page as WebP, which Playwright's own screenshots are not; smaller until it is small enough."""
    session = await page.context.new_cdp_session(page)
    size = await page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    for scale in _SCALES:
        taken = await session.send(
            "Page.captureScreenshot",
            {
                "format": "webp",
                "quality": _QUALITY,
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": scale},
            },
        )
        image = base64.b64decode(taken["data"])
        if len(image) < _MOST_BYTES:
            return image
    raise RuntimeError(f"{page.url}: the picture stays larger than {_MOST_BYTES} bytes")


async def section(client: httpx.AsyncClient, number: int, guid: str) -> str:
    """What the API says of an article, as Markdown."""

    async def asked(what: str) -> Any:
        answer = await client.get(f"/v1/articles/newsroom:{guid}/{what}", headers={"Accept-Language": "en"})
        answer.raise_for_status()
        return answer.json()

    card = (await client.get(f"/v1/articles/newsroom:{guid}")).json()
    links, related, story = await asked("links"), await asked("related?limit=6"), await asked("story")
    lines = [f"## {number}. {card['title']}", "", f"![Page of {guid}]({number:02}.webp)", ""]
    if links["links"]:
        lines += ["Cards between the paragraphs:", ""]
        for link in links["links"]:
            shown = link["card"]["title"] if link["card"] else f"no card: {link['url']}"
            lines.append(f"- {shown} – *{link['reason']['text']}*")
        lines.append("")
    lines += ["Related:", ""]
    lines += [f"- {one['title']} ({one['language']}) – *{one['reason']['text']}*" for one in related["items"]]
    lines += ["", "Timeline:", ""]
    lines += [
        f"- {one['date'][:16].replace('T', ' ')} {'**' if one['article'] == card['id'] else ''}{one['title']}"
        f"{'**' if one['article'] == card['id'] else ''} ({one['language']})"
        for one in story["items"]
    ]
    return "\n".join([*lines, ""])


async def show(browser: Browser, client: httpx.AsyncClient, site: str) -> None:
    for number, guid in enumerate(_EXAMPLES, start=1):
        viewport = {"width": _WIDTH, "height": _HEIGHT}
        async with reading(browser, site, viewport=viewport, locale="en-GB") as reader:
            await reader.open(f"/articles/newsroom:{guid}")
            image = await picture(reader.page)
        (_FOLDER / f"{number:02}.webp").write_bytes(image)
        print(await section(client, number, guid))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", default="http://127.0.0.1:8000")
    site = parser.parse_args().site
    _FOLDER.mkdir(parents=True, exist_ok=True)
    async with chromium() as browser, httpx.AsyncClient(base_url=site, timeout=30, trust_env=False) as client:
        await show(browser, client, site)


if __name__ == "__main__":
    asyncio.run(main())
