"""Writing a body anew from sanitised markup: top-level blocks only, properly nested, every address absolute.

Only what `news_ingest.bodies.markup` lists is written, each element and attribute by name: this is a second allow-list
behind the sanitiser. Blocks never stand inside inline elements or paragraphs, so a browser reads what we wrote.
"""

import html
import re

from news_ingest.bodies import paragraphs
from news_ingest.bodies.embedded_media import embed_label, permalink, watch_page
from news_ingest.bodies.markup import (
    EMBEDS,
    IMPLIED,
    INLINE,
    PARAGRAPHS,
    PARENTS,
    PHRASING_BLOCKS,
    STRUCTURES,
    VOID,
    WRITTEN_AS,
)
from news_ingest.bodies.nodes import Element, Node, opening_of
from news_ingest.text import one_line
from news_ingest.urls import canonical_url
from news_shared.articles import Link
from news_shared.errors import PoisonError

_PIECE = re.compile(rf'{paragraphs.PATTERN}|<(/?)([a-z][a-z0-9]*)((?: [^\s<>"=]+="[^"]*")*)>|([^<]+)|<')
_ATTRIBUTE = re.compile(r' ([^\s<>"=]+)="([^"]*)"')
_MAX_DEPTH = 256
_MAX_LINK_TEXT = 300
_MAX_ADDRESSES = 500_000  # characters: the longest ones take milliseconds


class BodyWriter:
    """Takes markup as the sanitiser serialises it; afterwards `blocks` and `links` hold the body."""

    def __init__(self, base: str | None) -> None:
        self.blocks: list[str] = []
        self.links: list[Link] = []
        self._base = base
        self._out: list[str] = []  # of the block that is being written
        self._has_content = False
        self._breaks = 0  # line breaks that nothing has followed yet
        self._elements: list[Element] = []
        self._path: list[Node] = []  # blocks
        self._inline: list[Node] = []
        self._link_text: list[str] | None = None
        self._addresses_left = _MAX_ADDRESSES
        self._skipping: Element | None = None  # an embed, whose content is for browsers that cannot show it

    def write(self, markup: str) -> None:
        """Take all of a body.

        Raises:
            PoisonError: it is nested too deeply.
        """
        for simple, _, end, tag, attributes, text in _PIECE.findall(markup):
            if tag:
                if end:
                    self._end(tag)
                else:
                    self._start(tag, attributes)
            elif not simple:
                self._text(text or "&lt;")
            elif self._is_between_blocks():
                if block := paragraphs.written(simple, self._simple_link):
                    self.blocks.append(block)
            else:
                self._start("p", "")
                for around, said, inside in paragraphs.parts_of(simple):
                    if around:
                        self._start(around, said)
                    self._text(inside)
                    if around:
                        self._end(around)
                self._end("p")
        self._close_down_to(0)

    def _is_between_blocks(self) -> bool:
        return not (self._elements or self._path or self._inline or self._breaks)

    def _simple_link(self, address: str, label: str) -> str:
        node = self._link_node({"href": address})
        self._add_link(node, label)
        return node.opening

    def _start(self, tag: str, source: str) -> None:
        said = dict(_ATTRIBUTE.findall(source)) if source else {}
        if self._skipping is not None:
            if tag == "source" and self._skipping.embed == (None, ""):
                self._skipping.embed = (self._embedded(said), "")
            elif tag not in VOID and self._skipping.tag != "iframe":  # whose content is text, whatever it looks like
                self._enter(Element(tag))
            return
        if tag in INLINE:
            self._enter(Element(tag, self._start_inline(tag, said)))
        elif tag in EMBEDS:
            self._start_embed(tag, said)
        elif tag in VOID:
            self._void(tag, said)
        else:
            element = Element(tag, self._start_block(tag, said))
            if said:
                element.permalink = permalink(tag, said)
            element.links = len(self.links)
            self._enter(element)

    def _enter(self, element: Element) -> None:
        self._elements.append(element)
        if len(self._elements) > _MAX_DEPTH:
            raise PoisonError(f"content_html is nested too deeply to be read: at most {_MAX_DEPTH} levels are taken")

    def _end(self, tag: str) -> None:
        if not self._elements or self._elements[-1].tag != tag:
            return  # the sanitiser's output is balanced; if ever it is not, nothing breaks
        element = self._elements.pop()
        if self._skipping is not None and self._skipping is not element:
            return
        if element.embed is not None:
            self._skipping = None
            self._write_embed(*element.embed)
        elif tag in INLINE:
            self._end_inline(element.node)
        else:
            if element.permalink and len(self.links) == element.links:
                self._write_embed(self._absolute(element.permalink), "")
            self._breaks = 0
            if element.node is None:
                self._boundary()
            elif element.node in self._path:
                self._close_down_to(self._path.index(element.node))

    def _absolute(self, address: str) -> str | None:
        """The address as it is stored; None when it is none, and when the body has had more than any article has."""
        self._addresses_left -= len(address)
        return canonical_url(address, self._base) if self._addresses_left >= 0 else None

    # Inline elements: opened when something comes into them, closed before a block begins or ends, opened again after.

    def _start_inline(self, tag: str, said: dict[str, str]) -> Node | None:
        if tag in {"a", "rt", "rp"} and any(node.tag == tag for node in self._inline):
            return None  # a browser would end the outer one
        node = self._link_node(said) if tag == "a" else Node(tag, opening_of(tag, said))
        if node.opening == "<span>":
            return None
        self._inline.append(node)
        return node

    def _link_node(self, said: dict[str, str]) -> Node:
        url, address = None, html.unescape(said.pop("href", ""))
        if address[:7].lower() == "mailto:":
            said = {"href": html.escape(address), **said}
        elif (url := self._absolute(address)) is not None:
            said = {"href": html.escape(url), **said}
        return Node("a", opening_of("a", said), url)

    def _end_inline(self, node: Node | None) -> None:
        if node is None:
            return
        self._inline.remove(node)
        if node.written:
            self._end_tag(node)

    def _close_inline(self) -> None:
        for node in reversed(self._inline):
            if node.written:
                self._end_tag(node)

    # Blocks

    def _start_block(self, tag: str, said: dict[str, str]) -> Node | None:
        self._close_inline()
        self._breaks = 0
        if self._in_phrasing():
            self._boundary()
            return None
        parents = PARENTS.get(tag)
        self._close_implied(parents)
        top = self._path[-1].tag if self._path else None
        if parents is not None and top not in parents:
            tag, said = "p", {}
        if tag in PARAGRAPHS:
            if top in STRUCTURES:
                return None
            tag = "p"
        elif tag == "blockquote":
            cite = self._absolute(html.unescape(said.pop("cite", "")))
            said |= {"cite": html.escape(cite)} if cite else {}
        elif top in STRUCTURES and parents is None:
            if top not in IMPLIED:
                return None
            self._imply(top)
        tag = WRITTEN_AS.get(tag, tag)
        node = Node(tag, opening_of(tag, said))
        self._path.append(node)
        if tag in {"td", "th"}:
            self._write_path()  # an empty cell has its place too
        return node

    def _in_phrasing(self) -> bool:
        return any(node.tag in PHRASING_BLOCKS for node in self._path)

    def _close_implied(self, parents: set[str] | None) -> None:
        """End the paragraph, and the item that was made around text, that a block cannot stand in."""
        while self._path and (
            self._path[-1].tag == "p" or (self._path[-1].implied and parents and self._path[-1].tag not in parents)
        ):
            self._close_down_to(len(self._path) - 1)

    def _imply(self, parent: str | None) -> None:
        tag = IMPLIED.get(parent or "", "p")
        self._path.append(Node(tag, f"<{tag}>", implied=True))

    def _close_down_to(self, depth: int) -> None:
        self._close_inline()
        while len(self._path) > depth:
            node = self._path.pop()
            if node.written:
                self._trim(node.tag)
                self._out.append(f"</{node.tag}>")
        if not self._path and self._out:
            if self._has_content:
                self.blocks.append("".join(self._out))
            self._out, self._has_content = [], False

    def _trim(self, tag: str) -> None:
        while tag != "pre" and self._out and not self._out[-1].startswith("<"):
            self._out[-1] = self._out[-1].rstrip()
            if self._out[-1]:
                return
            self._out.pop()

    def _boundary(self) -> None:
        """Words of two blocks that are unwrapped must not run together."""
        if self._in_phrasing() and not self._at_start() and not self._out[-1].endswith((" ", "\n")):
            self._out.append("\n" if self._path[-1].tag == "pre" else " ")

    # Content

    def _text(self, text: str) -> None:
        if self._skipping is not None:
            return
        is_blank = paragraphs.is_blank(text)
        at_start = self._breaks or self._at_start()
        if (is_blank and at_start) or not self._place():
            return
        in_pre = self._path[-1].tag == "pre"
        if at_start:
            text = text.lstrip("\n") if in_pre else text.lstrip()
        self._out.append(text)
        self._has_content |= not is_blank
        if self._link_text is not None:
            self._link_text.append(text)

    def _at_start(self) -> bool:
        """Whether nothing stands before this place in its block."""
        if not self._path or not self._path[-1].written:
            return True
        last = self._out[-1] if self._out else ""
        return last == self._path[-1].opening or (last.startswith("</") and last[2:-1] not in INLINE)

    def _place(self) -> bool:
        """Open what text and images need around them; False where there is no place for them."""
        top = self._path[-1].tag if self._path else None
        if top is None or top in IMPLIED:
            self._imply(top)
        elif top in STRUCTURES:
            return False
        if self._breaks > 1 and [node.tag for node in self._path] == ["p"] and self._path[0].written:
            self._close_down_to(0)
            self._imply(None)
        elif self._breaks and self._path[-1].written:
            self._out += ["<br>"] * min(self._breaks, 2)
        self._breaks = 0
        self._write_path()
        for node in self._inline:
            if not node.written:
                node.written = True
                self._out.append(node.opening)
                if node.tag == "a":
                    self._link_text = []
        return True

    def _write_path(self) -> None:
        for node in self._path:
            if not node.written:
                node.written = True
                self._out.append(node.opening)

    def _end_tag(self, node: Node) -> None:
        node.written = False
        self._out.append(f"</{node.tag}>")
        if node.tag == "a":
            self._add_link(node, "".join(self._link_text or ()))
            self._link_text = None

    def _add_link(self, node: Node, label: str) -> None:
        if node.url is not None:
            text = one_line(html.unescape(label))[:_MAX_LINK_TEXT]
            self.links.append(Link(url=node.url, text=text, paragraph=len(self.blocks)))

    def _void(self, tag: str, said: dict[str, str]) -> None:
        if tag == "br":
            self._breaks += 1
        elif tag == "hr":
            self._rule()
        elif tag == "img":
            self._image(said)

    def _rule(self) -> None:
        self._close_inline()
        self._breaks = 0
        if self._in_phrasing():
            self._boundary()
            return
        self._close_implied(None)
        if self._path and self._path[-1].tag in STRUCTURES:
            return
        self._write_path()
        self._out.append("<hr>")
        if not self._path:
            self.blocks.append("<hr>")
            self._out = []

    def _image(self, said: dict[str, str]) -> None:
        candidates = (html.unescape(said.get(name, "")) for name in ("src", "data-src"))
        url = next((url for address in candidates if (url := self._absolute(address))), None)
        if url is None or said.get("width") in {"0", "1"} or said.get("height") in {"0", "1"}:
            return  # nothing to see, or it only counts who reads
        if self._place():
            self._out.append(opening_of("img", {**said, "src": html.escape(url)}))
            self._has_content = True

    def _start_embed(self, tag: str, said: dict[str, str]) -> None:
        url = self._embedded(said)
        label = said.get("title", "")
        if tag == "embed":
            self._write_embed(url, label)
            return
        element = Element(tag)
        if url is not None or tag != "object":
            element.embed = (url, label if url else "")
            self._skipping = element
        self._enter(element)

    def _embedded(self, said: dict[str, str]) -> str | None:
        candidates = (html.unescape(said.get(name, "")) for name in ("src", "data", "data-src"))
        return next((watch_page(url) for address in candidates if (url := self._absolute(address))), None)

    def _write_embed(self, url: str | None, label: str) -> None:
        if url is None or any(node.tag == "a" for node in self._inline):
            return
        block = Element("p", self._start_block("p", {}))
        self._elements.append(block)
        link = self._start_inline("a", {"href": html.escape(url)})
        self._text(html.escape(one_line(html.unescape(label)) or embed_label(url), quote=False))
        self._end_inline(link)
        self._end("p")
