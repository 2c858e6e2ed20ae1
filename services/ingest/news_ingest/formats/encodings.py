"""Bytes into text as they really are: byte order mark, header and declaration contradict each other in the wild."""

import codecs
import re

import ftfy
from charset_normalizer import from_bytes
from ftfy.badness import is_bad

from news_shared.errors import PoisonError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)["']""")
_LARGER = {  # what software calls the one is in truth the other, as browsers read it
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "koi8-r": "koi8-u",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "tis-620": "cp874",
}
_CONTROL = re.compile("[\x80-\x9f]")
_READ_AS_LATIN_1 = re.compile("[\x80-\xff]{2,}")
_SURROGATES = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_BAD = re.compile("[\udc80-\udcff]")  # bytes that are no UTF-8, as surrogateescape has them
_FAR_MORE = 8  # text of another encoding has more bad bytes than characters that look like UTF-8 by chance
_ESCAPES = ("iso2022", "hz")  # encodings whose bytes are all ASCII
_SAMPLE = 64 * 1024
_USUAL = [
    *("utf_8", "cp1251", "koi8_u", "cp1252", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("big5", "gb18030", "cp932", "euc_jp", "cp949"),
]
"""What news is written in; among all encodings a guess is a lottery."""
_LEADS = "ÃÂâÐÑÅÄÎÏØÙ"
"""What the first byte of a UTF-8 character looks like in Latin letters; in windows-1251 it is Р or С."""


def decoded(body: bytes, content_type: str, *, may_guess: bool = True) -> tuple[str, str | None]:
    """The text of a document, and a warning where it is not in the encoding that it claims.

    A byte order mark decides; then what is valid UTF-8 is UTF-8, for no other text looks like that by chance; then the
    header, then the XML declaration, then a guess.

    Raises:
        PoisonError: it is in no encoding that we know.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _strict(body[len(mark) :], encoding), None
    if body[:64].count(0) >= len(body[:64]) // 3 > 0:
        return _strict(body, "utf-16-le" if body[1:2] == b"\0" else "utf-16-be"), None
    claims = [claim for claim in (_header(content_type), _declaration(body)) if claim]
    for claim in claims:
        if claim.startswith(_ESCAPES) and (b"\x1b" in body or b"~{" in body):
            return _strict(body, claim), None
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        return _not_utf8(body, claims, error, may_guess)
    wrong = next((claim for claim in claims if claim != "utf-8"), None)
    return text, f"It says {wrong} but is UTF-8." if wrong and not text.isascii() else None


def mended(text: str) -> str:
    """The text; decoded once more where it was encoded twice (``РќРѕРІРёРЅРё`` is ``Новини``)."""
    if text.isascii():
        return text
    start = next((at for lead in _LEADS if (at := text.find(lead)) >= 0), None)
    if start is None:
        if 8 * (text.count("Р") + text.count("С")) < len(text):
            return text
        start = 0
    return ftfy.fix_encoding(text) if is_bad(text[start : start + 300]) else text


def mended_controls(text: str) -> str:
    """The text with what was read as ISO 8859-1 before decoded as UTF-8, where control characters betray it."""
    return _READ_AS_LATIN_1.sub(_as_utf8, text) if _CONTROL.search(text) else text


def _as_utf8(found: re.Match[str]) -> str:
    try:
        return found[0].encode("latin-1").decode() if _CONTROL.search(found[0]) else found[0]
    except UnicodeDecodeError:
        return found[0]


def _not_utf8(body: bytes, claims: list[str], error: UnicodeDecodeError, may_guess: bool) -> tuple[str, str | None]:
    for claim in claims:
        if claim == "utf-8":
            continue
        try:
            return body.decode(claim), None
        except UnicodeDecodeError:
            continue
    if claims:
        damaged = _damaged_utf8(body) if "utf-8" in claims else None
        if damaged is not None:
            text, bad = damaged
            lost = f"Bytes that are no UTF-8 are replaced: {bad:,}, the first at {error.start:,}."
            return text, lost if bad else "Characters that were written in two halves (CESU-8) were put right."
    guess = from_bytes(body[:_SAMPLE], cp_isolation=_USUAL).best() if may_guess else None
    if guess is None:
        raise PoisonError(f"The text is in no known encoding: byte {error.start:,} is no UTF-8. Say which: charset=…")
    encoding = guess.encoding
    return body.decode(encoding, errors="replace"), f"It does not say which encoding it is in; {encoding} was guessed."


def _damaged_utf8(body: bytes) -> tuple[str, int] | None:
    """The text with its bad bytes replaced, and how many they are; None where it seems to be no UTF-8 at all."""
    text = _SURROGATES.sub(_as_one_character, body).decode(errors="surrogateescape")
    bad = len(_BAD.findall(text))
    whole = len(text) - len(text.encode("ascii", errors="ignore")) - bad
    if bad >= 1 + len(body) // 1000 and whole < _FAR_MORE * bad:
        return None
    return _BAD.sub("\ufffd", text), bad


def _as_one_character(found: re.Match[bytes]) -> bytes:
    """CESU-8, which Java and MySQL write for emoji: both halves of a UTF-16 pair as characters of their own."""
    return found[0].decode(errors="surrogatepass").encode("utf-16", errors="surrogatepass").decode("utf-16").encode()


def _strict(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise PoisonError(f"The text is not {encoding}, as its first bytes say: {error.reason}") from error


def _header(content_type: str) -> str | None:
    found = _CHARSET.search(content_type)
    return _known(found[1]) if found else None


def _declaration(body: bytes) -> str | None:
    found = _DECLARED.match(body[:400])
    return _known(found[1].decode()) if found else None


def _known(name: str) -> str | None:
    """The codec that a name means; None where there is none for text of one or several bytes a character."""
    try:
        codec = codecs.lookup(name).name
    except LookupError:
        return None
    if not codecs.lookup(codec)._is_text_encoding or codec.startswith(("utf-7", "idna", "punycode", "unicode", "raw")):
        return None
    if codec.startswith(("utf-16", "utf-32")):
        return None  # it would have shown itself by its zero bytes
    return _LARGER.get(codec, codec)
