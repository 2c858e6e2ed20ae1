"""A count as a small picture (SVG): for pages and mails that run no script."""

import unicodedata
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from news_views.embeds.wording import Wording

_HEIGHT: Final = 20
_MARGIN: Final = 8
_EYE_WIDTH: Final = 20
_WIDE: Final = 12.5
_NARROW: Final = 4.0
_USUAL: Final = 7.4
_CAPITAL: Final = 9.5

EMPTY: Final = f'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="{_HEIGHT}"/>'.encode()
"""Shows nothing; there is nothing true to show."""

_EYE: Final = (
    '<path d="M{x} 10q6-7 12 0q-6 7-12 0z" fill="none" stroke="#1c1b19" stroke-width="1.2"/>'
    '<circle cx="{pupil}" cy="10" r="1.9" fill="#1c1b19"/>'
)


def badge(wording: Wording) -> bytes:
    """The picture; its title is what a screen reader says.

    It brings its own ground, so that it can be read on light and dark pages, and no style or script, so that no
    policy of a page forbids it. How wide letters are on the reader's machine is not known: each has ample room.
    """
    text = wording.words or wording.number
    eye = 0 if wording.words else _EYE_WIDTH
    width = round(sum(map(_room, text))) + 2 * _MARGIN + eye
    # An anchor in the middle needs no thought of where a line begins in either direction of writing.
    middle = (width + eye) / 2 if not wording.is_right_to_left else (width - eye) / 2
    left = _MARGIN if not wording.is_right_to_left else width - _MARGIN - 12
    direction = ' direction="rtl"' if wording.is_right_to_left else ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" viewBox="0 0 {width} {_HEIGHT}" '
        f'role="img" xml:lang={quoteattr(wording.language)}{direction}>',
        f"<title>{escape(text)}</title>",
        f'<rect width="{width}" height="{_HEIGHT}" rx="4" fill="#efece4"/>',
        _EYE.format(x=left, pupil=left + 6) if eye else "",
        f'<text x="{middle:g}" y="14" text-anchor="middle" fill="#1c1b19" font-size="12" '
        f'font-family="system-ui,sans-serif">{escape(text)}</text>',
        "</svg>",
    ]
    return "".join(parts).encode()


def _room(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return _WIDE
    category = unicodedata.category(letter)
    if category in {"Po", "Zs"}:
        return _NARROW
    return _CAPITAL if category == "Lu" else _USUAL
