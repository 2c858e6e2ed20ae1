"""A number of views in words: the plural and the digits by CLDR, the words ours for some languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal

FORMS: Final[Mapping[str, Mapping[str, str]]] = {
    "ar": {
        "one": "مشاهدة واحدة",
        "two": "مشاهدتان",
        "few": "{} مشاهدات",
        "other": "{} مشاهدة",
    },
    "cs": {"other": "{} zhlédnutí"},
    "de": {"one": "{} Aufruf", "other": "{} Aufrufe"},
    "en": {"one": "{} view", "other": "{} views"},
    "es": {"one": "{} visualización", "many": "{} de visualizaciones", "other": "{} visualizaciones"},
    "fr": {"one": "{} vue", "many": "{} de vues", "other": "{} vues"},
    "it": {"one": "{} visualizzazione", "many": "{} di visualizzazioni", "other": "{} visualizzazioni"},
    "pl": {"one": "{} wyświetlenie", "few": "{} wyświetlenia", "other": "{} wyświetleń"},
    "pt": {"one": "{} visualização", "many": "{} de visualizações", "other": "{} visualizações"},
    "ro": {"one": "{} vizualizare", "few": "{} vizualizări", "other": "{} de vizualizări"},
    "tr": {"other": "{} görüntüleme"},
    "uk": {"one": "{} перегляд", "few": "{} перегляди", "other": "{} переглядів"},
}
"""By language and CLDR's plural category of whole numbers; ``other`` stands for the categories that are not here."""

EYE: Final = "\N{EYE}\N{VARIATION SELECTOR-15}"
"""Stands for the word in languages that we have none for."""

_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
_MOST_LETTERS: Final = 35  # of a language tag; RFC 5646 asks for room for so many
_ZEROS: Final = {"arab": "٠", "arabext": "۰", "beng": "০", "deva": "०", "mymr": "၀", "olck": "᱐", "tibt": "༠"}
"""The zero of CLDR's numbering systems; Babel knows the systems' separators, not their digits."""


@dataclass(frozen=True)
class Wording:
    """A count, said in a language.

    Attributes:
        number: with the language's digits and separators.
        words: the number with its word; None in a language that we have no word for.
        language: the nearest that CLDR knows.
        is_right_to_left: how it is written.
    """

    number: str
    words: str | None
    language: str
    is_right_to_left: bool


def worded(views: int, language: str) -> Wording:
    """So many views in a language (BCP 47); a number as in English and no word where CLDR does not know it."""
    locale = _locale(language)
    if locale is None:
        return Wording(_number(views, Locale("en")), None, "und", False)
    number = _number(views, locale)
    words = None
    if forms := FORMS.get(locale.language):
        form = forms.get(locale.plural_form(views), forms["other"])
        words = form.format(number).replace(" ", _NO_BREAK)
    return Wording(number, words, str(locale).replace("_", "-"), locale.text_direction == "rtl")


def _number(views: int, locale: Locale) -> str:
    system = locale.default_numbering_system
    zero = _ZEROS.get(system)
    if zero is None:
        return format_decimal(views, locale=locale)
    digits = {ord(str(digit)): chr(ord(zero) + digit) for digit in range(10)}
    return format_decimal(views, locale=locale, numbering_system=system).translate(digits)


@lru_cache(1024)
def _locale(language: str) -> Locale | None:
    """The nearest locale that CLDR has: of ``de-AT-1996`` that of ``de-AT``."""
    parts = language[:_MOST_LETTERS].replace("_", "-").split("-")
    while parts and parts[0].lower() != "und":
        try:
            return Locale.parse("-".join(parts), sep="-")
        except (ValueError, UnknownLocaleError):
            parts.pop()
    return None
