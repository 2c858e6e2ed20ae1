"""Reads a page as strictly as a person would like browsers to: every tag closed, ids once, landmarks there."""

from html.parser import HTMLParser
from itertools import pairwise

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """A page that was read; `mistakes` is what is wrong with it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.mistakes: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self._ids: set[str] = set()
        self.feed(html)
        self.close()
        if self._open:
            self.mistakes.append(f"never closed: {self._open}")
        self._check_outline()

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """Attributes of every such tag."""
        return [has for name, has in self.tags if name == tag and attributes.items() <= has.items()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if len(attributes) != len(attrs):
            self.mistakes.append(f"an attribute twice in <{tag}>: {attrs}")
        self.tags.append((tag, attributes))
        if tag not in _VOID:
            self._open.append(tag)
        if (name := attributes.get("id")) is not None:
            if name in self._ids:
                self.mistakes.append(f"id {name} twice")
            self._ids.add(name)
        if tag == "img" and "alt" not in attributes:
            self.mistakes.append("an image without alt")
        if "style" in attributes or any(name.startswith("on") for name in attributes):
            self.mistakes.append(f"inline style or script in <{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.mistakes.append(f"</{tag}> closes nothing at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["script"]:  # that is for machines
            self.text += data

    def _check_outline(self) -> None:
        levels = [int(tag[1]) for tag, _ in self.tags if tag in {"h1", "h2", "h3", "h4", "h5", "h6"}]
        if levels.count(1) != 1:
            self.mistakes.append(f"{levels.count(1)} h1")
        for before, after in pairwise(levels):
            if after > before + 1:
                self.mistakes.append(f"h{after} after h{before}")
        for landmark in ("header", "main", "footer", "nav"):
            if not self.all(landmark):
                self.mistakes.append(f"no <{landmark}>")
        labels = [has.get("aria-labelledby") for _, has in self.tags if has.get("aria-labelledby")]
        self.mistakes += [f"aria-labelledby {label} leads nowhere" for label in labels if label not in self._ids]
