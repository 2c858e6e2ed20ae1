"""An article's body as the page shows it: safe, in blocks, and after a block the cards of the stories it links to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from html.parser import HTMLParser
from typing import Final

import nh3

from news_web.stories import Item, Story

# fmt: off
_BLOCKS: Final = frozenset({  # what does not run on within a line
    "p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "figure", "table", "pre",
    "hr", "div",
})
_VOID: Final = frozenset({"br", "hr", "img", "wbr", "col"})
_WITHIN: Final = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "caption", "cite", "code", "dd", "del", "dfn", "dt", "em",
    "figcaption", "i", "ins", "kbd", "li", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small",
    "span", "strong", "sub", "sup", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "u", "var",
})
# fmt: on
_TAGS: Final = _BLOCKS | _VOID | _WITHIN
_BLOCK_WITHIN: Final = re.compile(rf"<(?:{'|'.join(sorted(_BLOCKS))})[\s>]")
_LINK: Final = re.compile(r'(?P<before><a(?:\s+[\w-]+="[^"]*")*?\s+href=")(?P<href>https?:[^"]*)', re.IGNORECASE)
_WRAPPED: Final = re.compile(r'<div(?:\s+[\w-]+="[^"]*")*>(?P<inside>.*)</div>', re.DOTALL)
_PICTURE_ALONE: Final = re.compile(r"<p>(?=\s*(?:<a\s[^>]*>)?\s*<img\s[^>]*>\s*(?:</a>)?\s*</p>)")
_WRAPPERS: Final = 3  # around the whole body; nobody means more
_ATTRIBUTES: Final = {
    "*": {"lang", "dir"},
    "a": {"href", "hreflang", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
}


@dataclass(frozen=True)
class Block:
    """One block of the body, and the cards of the stories that it links to for the first time."""

    html: str
    cards: tuple[Story, ...] = ()


def sanitise(html: str) -> str:
    """HTML that cannot run script, whoever wrote it.

    Ingest has done this before; what stands in the log is not trusted again all the same.
    """
    return nh3.clean(
        html,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        set_tag_attribute_values={"img": {"loading": "lazy", "decoding": "async"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener",
    )


def with_own_links(html: str, addresses: Sequence[str], own_pages: Mapping[str, str]) -> str:
    """Sanitised HTML whose links to stories of ours lead to their pages here.

    Args:
        html: sanitised.
        addresses: canonical addresses of its links in order, as ingest found them; what stands in the text may be
            spelled in another way (with tracking parameters, say).
        own_pages: for canonical addresses of our stories, the path of the page.
    """
    written = [match["href"] for match in _LINK.finditer(html)]
    in_order = iter(addresses if len(written) == len(addresses) else [unescape(href) for href in written])

    def to_our_page(match: re.Match[str]) -> str:
        page = own_pages.get(next(in_order))
        return f"{match['before']}{escape(page)}" if page is not None else match[0]

    return _LINK.sub(to_our_page, html)


def text_as_html(text: str) -> str:
    """Plain text as paragraphs: an empty line parts them."""
    paragraphs = [" ".join(lines.split()) for lines in text.replace("\r\n", "\n").split("\n\n")]
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs if paragraph)


def blocks_of(html: str) -> list[str]:
    """The top-level blocks of sanitised HTML; text that stands between blocks becomes a paragraph.

    A paragraph with nothing but a picture says so in its class: unlike one within a line, it may keep a place for it.
    """
    blocks = _Cutter(html).cut()
    for _ in range(_WRAPPERS):
        wrapped = _WRAPPED.fullmatch(html.strip())
        if wrapped is None or blocks != [html.strip()]:
            break
        html = wrapped["inside"]
        blocks = _Cutter(html).cut()
    return [_PICTURE_ALONE.sub('<p class="lone-picture">', block) for block in blocks]


def with_cards(blocks: Sequence[str], links: Sequence[Item], *, itself: str) -> list[Block]:
    """Each block with the cards of the stories that it links to, every story once, where it is first named.

    Args:
        blocks: of the sanitised body.
        links: of the service ``related``: ``paragraph``, ``url`` and ``card``, which is null for what is not ours.
        itself: id of this article; a link to itself gets no card.
    """
    placed: dict[int, list[Story]] = {}
    seen = {itself}
    for link in links:
        card = link.get("card")
        if not card or card["article"] in seen or not blocks:
            continue
        seen.add(card["article"])
        placed.setdefault(_block_of(blocks, link, card), []).append(Story.of(card))
    return [Block(html, tuple(placed.get(index, ()))) for index, html in enumerate(blocks)]


def _block_of(blocks: Sequence[str], link: Item, card: Item) -> int:
    """Where the link stands: looked for first, since others may count blocks in another way."""
    places = {f'href="{escape(str(address))}"' for address in (link.get("url"), card.get("url")) if address}
    places.add(f'href="/articles/{card["article"]}')
    said = min(max(int(link.get("paragraph") or 0), 0), len(blocks) - 1)
    if any(place in blocks[said] for place in places):
        return said
    return next((i for i, html in enumerate(blocks) if any(place in html for place in places)), said)


class _Cutter(HTMLParser):
    """Finds where top-level blocks begin and end; the input is well-formed, because nh3 wrote it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self._html = html
        self._line_starts = [0]
        for index, character in enumerate(html):
            if character == "\n":
                self._line_starts.append(index + 1)
        self._depth = 0
        self._start = 0
        self._blocks: list[str] = []

    def cut(self) -> list[str]:
        self.feed(self._html)
        self.close()
        self._end_loose_text(len(self._html))
        return self._blocks

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._depth == 0 and tag in _BLOCKS:
            self._end_loose_text(self._here)
            self._start = self._here
        if tag not in _VOID:
            self._depth += 1
        elif self._depth == 0 and tag in _BLOCKS:
            self._end_block(tag, self._here + len(self.get_starttag_text() or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        self._depth -= 1
        if self._depth == 0 and tag in _BLOCKS:
            self._end_block(tag, self._html.index(">", self._here) + 1)

    @property
    def _here(self) -> int:
        line, column = self.getpos()
        return self._line_starts[line - 1] + column

    def _end_block(self, tag: str, end: int) -> None:
        block = self._html[self._start : end]
        if block != f"<{tag}></{tag}>":
            self._blocks.append(block)
        self._start = end

    def _end_loose_text(self, end: int) -> None:
        loose = self._html[self._start : end].strip()
        if loose:
            wrapper = "div" if _BLOCK_WITHIN.search(loose) else "p"  # a link around whole paragraphs is legal
            self._blocks.append(f"<{wrapper}>{loose}</{wrapper}>")
        self._start = end
