"""Plain text as sources send it, made fit to be stored and shown."""

import html
import re
import unicodedata

import nh3

# C0 and C1 controls but tab and line breaks, lone surrogates, and non-characters: no text, and no JSON either
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")


def fit(text: str) -> str:
    """The text without characters that are none."""
    return _UNFIT.sub("", text)


def one_line(text: str) -> str:
    """A title or a name: NFC, one line, no markup characters interpreted."""
    return _SPACE.sub(" ", unicodedata.normalize("NFC", fit(text))).strip()


def without_markup(text: str) -> str:
    """What a reader would see of a title that may hold HTML: ``AT&amp;T <b>wins</b>`` is ``AT&T wins``."""
    return one_line(html.unescape(nh3.clean(fit(text), tags=set())))
