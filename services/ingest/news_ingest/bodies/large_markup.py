"""Making large markup harmless for the sanitiser, which takes time with the square of one element's attributes."""

import re
from itertools import islice

from news_ingest.bodies.markup import READ_ATTRIBUTES

_TAG = re.compile(r"""<(/?)([A-Za-z][^\s/<>]*+)((?>[^<>"']+|"[^"]*"|'[^']*'){0,400}+)>""")
_ATTRIBUTE = re.compile(r"""(?<![\w:-])([A-Za-z][\w:-]*+)\s*+=\s*+("[^"]*"|'[^']*'|[^\s"'>]+)""")
_ENDS = {tag: re.compile(f"</{tag}", re.IGNORECASE) for tag in ("script", "style")}
_READ = frozenset().union(*READ_ATTRIBUTES.values())
_MAX_ATTRIBUTES = 40


def with_few_attributes(markup: str) -> str:
    """The markup with those attributes only that are looked at, and no comments; what is no whole tag is text.

    Tags are written anew, so whoever reads the result finds the same ones as we did. Time is linear.
    """
    written: list[str] = []
    at = 0
    while (begin := markup.find("<", at)) >= 0:
        written.append(markup[at:begin])
        if markup.startswith("<!--", begin):
            end = markup.find("-->", begin + 4)
            if end < 0:
                return "".join(written)
            at = end + 3
            continue
        tag = _TAG.match(markup, begin)
        if tag is None:
            written.append("&lt;")
            at = begin + 1
            continue
        name = tag[2].lower()
        written.append(f"</{name}>" if tag[1] else f"<{name}{_attributes(tag[3])}>")
        at = tag.end()
        if name in _ENDS and not tag[1]:
            closing = _ENDS[name].search(markup, at)
            if closing is None:
                return "".join(written)
            at = closing.start()
    return "".join([*written, markup[at:]])


def _attributes(source: str) -> str:
    found = islice(_ATTRIBUTE.finditer(source), _MAX_ATTRIBUTES)
    pairs = [(one[1].lower(), one[2].strip("\"'")) for one in found]
    return "".join(f' {name}="{value.replace(chr(34), "&quot;")}"' for name, value in pairs if name in _READ)
