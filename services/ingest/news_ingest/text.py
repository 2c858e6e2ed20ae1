"""Plain text as sources send it, made fit to be stored and shown."""

import html
import re
import unicodedata

import nh3

# C0 and C1 controls but tab and line breaks, lone surrogates, and non-characters: no text, and no JSON either
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")
_ASCII_UNFIT = bytes({*range(0x20), 0x7F} - {*b"\t\n\r"})
_MAX_PASSES = 8


def fit(text: str) -> str:
    """The text without characters that are none."""
    if text.isascii() and len(text.encode().translate(None, _ASCII_UNFIT)) == len(text):
        return text  # the usual case, ten times as fast
    return _UNFIT.sub("", text)


def one_line(text: str) -> str:
    """A title or a name: NFC, one line, no markup characters interpreted."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _SPACE.sub(" ", unicodedata.normalize("NFC", fit(text))).strip()


def without_markup(text: str) -> str:
    """What a reader would see of a title that may hold HTML: ``AT&amp;T <b>wins</b>`` is ``AT&T wins``.

    Also when it was escaped more than once. Applied to its own result it changes nothing: what is left is no markup,
    whoever reads it.
    """
    plain = one_line(text)
    for _ in range(_MAX_PASSES):
        if "<" not in plain and "&" not in plain:
            return plain
        before, plain = plain, one_line(html.unescape(nh3.clean(plain, tags=set())))
        if plain == before:
            return plain
    return plain.replace("<", "").replace("&", "")
