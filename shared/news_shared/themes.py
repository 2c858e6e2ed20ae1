"""How themes are compared and spelled in addresses; feed, related and the pages must agree."""

import re
import unicodedata
from itertools import takewhile

_BETWEEN_WORDS = re.compile(r"[\W_]+")
_SEEN_BY_NOBODY = dict.fromkeys(map(ord, "\u200d\ufe0e\ufe0f"))  # joiner and selectors: how a character is drawn
_DOTTED_I = "i\u0307"  # what case folding makes of İ


def theme_slug(theme: str) -> str:
    """A theme as it stands in an address: ``Middle East``, ``middle-east`` and ``MIDDLE  EAST`` are one.

    NFKC, case folded, and whatever is no letter and no digit of any script becomes one hyphen between words. Letters
    stay what they are with all their marks (``Енергетика`` is ``енергетика``, ``काल`` and ``कुल`` are two): nothing is
    transliterated, so no two themes fall together that a reader would tell apart. Applied twice it changes nothing.
    Empty for a theme without a letter or digit.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", theme).casefold())
    return _BETWEEN_WORDS.sub(_hyphen, folded.translate(_SEEN_BY_NOBODY).replace(_DOTTED_I, "i")).strip("-")


def _hyphen(found: re.Match[str]) -> str:
    """What stands for a run of characters that are no letters to Python: the marks of a letter before it stay."""
    run = found.group()
    marks = "".join(takewhile(_is_mark, run)) if found.start() else ""
    return marks if marks == run else f"{marks}-"


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in {"Mn", "Mc"}
