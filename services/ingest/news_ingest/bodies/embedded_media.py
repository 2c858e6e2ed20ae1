"""What stands in an article only by reference: players, posts, maps. Readers get a link to it."""

import html
import re
from urllib.parse import urlsplit

_PLAYERS = (
    (
        re.compile(r"https?://(?:www\.)?youtube(?:-nocookie)?\.com/embed/([\w-]{6,})"),
        "https://www.youtube.com/watch?v=",
    ),
    (re.compile(r"https?://player\.vimeo\.com/video/(\d+)"), "https://vimeo.com/"),
    (re.compile(r"https?://(?:www\.)?dailymotion\.com/embed/video/(\w+)"), "https://www.dailymotion.com/video/"),
)


def watch_page(url: str) -> str:
    """The page that shows what a player plays; the address itself where we know of none."""
    for player, page in _PLAYERS:
        if found := player.match(url):
            return page + found[1]
    return url


def embed_label(url: str) -> str:
    """What a link to an embed says: the host is true in every language."""
    return (urlsplit(url).hostname or url).removeprefix("www.")


def permalink(tag: str, said: dict[str, str]) -> str | None:
    """The address of a post that a site embeds by script, where the markup tells it; attributes as they stand there."""
    address = said.get("data-href") or said.get("data-instgrm-permalink")
    if address is None and tag == "blockquote" and "embed" in said.get("class", ""):
        address = said.get("cite")
    return html.unescape(address) if address else None
