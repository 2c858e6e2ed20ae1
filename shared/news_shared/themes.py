"""How themes are compared and spelled in addresses; feed, related and the pages must agree."""

import re
import unicodedata

_BETWEEN_WORDS = re.compile(r"[\W_]+")


def theme_slug(theme: str) -> str:
    """A theme as it stands in an address: ``Middle East``, ``middle-east`` and ``MIDDLE  EAST`` are one.

    NFKC, case folded, and whatever is no letter and no digit of any script becomes one hyphen between words. Letters
    stay what they are (``Енергетика`` is ``енергетика``): nothing is transliterated, so no two themes fall together
    that a reader would tell apart. Applied twice it changes nothing. Empty for a theme without a letter or digit.
    """
    return _BETWEEN_WORDS.sub("-", unicodedata.normalize("NFKC", theme).casefold()).strip("-")
