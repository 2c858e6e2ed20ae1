"""Paragraphs of text and of inline elements that hold text only, as most of news are: read and written in one go.

What comes out is what `news_ingest.bodies.writer` writes tag by tag where no other block stands around them.
"""

import re
from collections.abc import Callable, Iterator

from news_ingest.bodies.markup import INLINE

_NBSP = "&nbsp;"
_TAGS = "|".join(sorted(INLINE - {"a", "span"}))  # written as they stand, without attributes
PATTERN = rf'<p>(?!</p>)([^<]*+(?:(?:<a href="[^"<>]*">[^<]++</a>|<({_TAGS})>[^<]++</\2>)[^<]*+)*+)</p>'
"""Begins a regular expression; its first group is what stands in the paragraph."""
_PART = re.compile(rf'([^<]+)|<a href="([^"]*)">([^<]+)</a>|<({_TAGS})>([^<]+)<[^>]+>')


def parts_of(content: str) -> Iterator[tuple[str, str, str]]:
    """The parts of a paragraph's content: tag (empty: none), attributes as they stand there, and text."""
    for text, address, label, tag, inside in _PART.findall(content):
        if text:
            yield "", "", text
        elif label:
            yield "a", f' href="{address}"', label
        else:
            yield tag, "", inside


def is_blank(text: str) -> bool:
    """Whether there is nothing to see in text as it stands in markup."""
    return not text.replace(_NBSP, "").strip()


def written(content: str, link: Callable[[str, str], str]) -> str | None:
    """The paragraph; None when there is nothing to see in it.

    Args:
        content: what stands in it, as the sanitiser serialises it.
        link: called for each link with its address and its text, as they stand there; returns its start tag.
    """
    out = ["<p>"]
    for text, address, label, tag, inside in _PART.findall(content):
        shown = text or label or inside
        if len(out) == 1:
            if is_blank(shown):
                continue
            shown = shown.lstrip()
        if label:
            out.append(f"{link(address, shown)}{shown}</a>")
        else:
            out.append(f"<{tag}>{shown}</{tag}>" if tag else shown)
    if len(out) == 1:
        return None
    if not out[-1].startswith("<"):
        out[-1] = out[-1].rstrip()
    return "".join([*out, "</p>"])
