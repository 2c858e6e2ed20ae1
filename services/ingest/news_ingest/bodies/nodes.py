"""Elements that are open while a body is written: those of the source and those of the result."""

from news_ingest.bodies.markup import ATTRIBUTES, EVERYWHERE, NUMBERS


class Element:
    """An element of the source that is open; ``node`` is what was opened for it, None: nothing."""

    __slots__ = ("embed", "links", "node", "permalink", "tag")

    def __init__(self, tag: str, node: "Node | None" = None) -> None:
        self.tag = tag
        self.node = node
        self.embed: tuple[str | None, str] | None = None
        self.permalink: str | None = None
        self.links = 0


class Node:
    """An element of the result; it is written when something comes into it."""

    __slots__ = ("implied", "opening", "tag", "url", "written")

    def __init__(self, tag: str, opening: str, url: str | None = None, *, implied: bool = False) -> None:
        self.tag = tag
        self.opening = opening
        self.url = url
        self.implied = implied
        self.written = False


def opening_of(tag: str, said: dict[str, str]) -> str:
    """The start tag with those attributes that are written; values as they stand in markup."""
    if not said and tag != "a":
        return f"<{tag}>"
    allowed = ATTRIBUTES.get(tag, EVERYWHERE)
    written = "".join(
        f' {name}="{value.replace("<", "&lt;").replace(">", "&gt;")}"'
        for name, value in said.items()
        if (name in allowed or name in EVERYWHERE) and (name not in NUMBERS or value.isdecimal())
    )
    return f'<{tag}{written} rel="noopener noreferrer">' if tag == "a" else f"<{tag}{written}>"
