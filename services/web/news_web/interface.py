"""The language that the interface speaks to one reader: its words, numbers, plurals and dates."""

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import format_decimal

from news_shared.languages import LONGEST_TAG, preferred_language, primary_language
from news_web.messages import LANGUAGES, MESSAGES, PLURALS

_LOCALES: Final = {"en": "en_GB", "uk": "uk"}  # day before month and 24 hours, as in the other language
_RIGHT_TO_LEFT: Final = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
"""Where a tag has something that CLDR does not know."""


@dataclass(frozen=True)
class Interface:
    """Speaks one language in one time zone.

    Attributes:
        language: ``uk`` or ``en``.
        chosen: the reader asked for it in the address; links then keep it.
        zone: of the dates and times.
    """

    language: str
    chosen: bool
    zone: ZoneInfo

    def say(self, key: str, **values: str) -> str:
        """A message; a key that is missing is a bug."""
        return MESSAGES[self.language][key].format(**values)

    def reason(self, kind: str) -> str | None:
        """A kind of relation in words, where we have any."""
        return MESSAGES[self.language].get(f"reason {kind}")

    def number(self, number: int) -> str:
        """``21 478`` (with a space that does not break) or ``21,478``."""
        return format_decimal(number, locale=self._locale)

    def views(self, number: int) -> str:
        """The word after a number of views: ``перегляд``, ``перегляди`` or ``переглядів``."""
        return self.plural("views", number)

    def plural(self, what: str, number: int) -> str:
        """The word after a number of things."""
        forms = PLURALS[self.language][what]
        return forms.get(str(self._locale.plural_form(number)), forms["other"])

    def moment(self, moment: datetime) -> str:
        """Date and time: ``15 січня 2026 р., 14:05``."""
        return f"{self._date(moment, 'long')}, {self._time(moment)}"

    def short_moment(self, moment: datetime) -> str:
        """Date and time with the month cut short, for cards."""
        return f"{self._date(moment, 'medium')}, {self._time(moment)}"

    def day(self, moment: datetime) -> str:
        """The whole date with its weekday, for the masthead."""
        text = format_date(moment.astimezone(self.zone), "full", locale=self._locale)
        return text[:1].upper() + text[1:]

    def date(self, moment: datetime) -> str:
        """A day: ``15 січня 2026 р.``."""
        return self._date(moment, "long")

    def time(self, moment: datetime) -> str:
        """A time of day: ``14:05``."""
        return self._time(moment)

    @property
    def zone_name(self) -> str:
        """The time zone in words."""
        if self.zone.key in {"UTC", "Etc/UTC"}:
            return "UTC"
        return get_timezone_name(self.zone, width="long", locale=self._locale)

    def language_name(self, tag: str) -> str:
        """A language in this language: ``англійська``; the tag itself where CLDR does not know it."""
        return _display_name(tag, self._locale.language) or tag

    @property
    def _locale(self) -> Locale:
        return _locale(_LOCALES[self.language])

    def _date(self, moment: datetime, width: Literal["medium", "long"]) -> str:
        return _date(moment.astimezone(self.zone).date(), width, _LOCALES[self.language])

    def _time(self, moment: datetime) -> str:
        there = moment.astimezone(self.zone)
        return _time(there.hour, there.minute, _LOCALES[self.language])


def own_name(language: str) -> str:
    """A language as its speakers call it."""
    return _display_name(language, language) or language


def direction(tag: str) -> Literal["ltr", "rtl"]:
    """Which way a language is written: ``rtl`` for Arabic, Hebrew, Persian, Urdu and others."""
    return "rtl" if _is_right_to_left(tag[:LONGEST_TAG]) else "ltr"


def negotiate(wanted: str | None, accepted: str, fallback: str | None = None) -> tuple[str, bool]:
    """The interface's language, and whether the address chose it.

    In order: ``?lang=``, Accept-Language by its weights, the language of what is shown, English.
    """
    if wanted is not None and primary_language(wanted) in LANGUAGES:
        return primary_language(wanted), True
    best = preferred_language(accepted, LANGUAGES)
    if best is None and fallback is not None and primary_language(fallback) in LANGUAGES:
        best = primary_language(fallback)
    return best or "en", False


@lru_cache(maxsize=512)
def _is_right_to_left(tag: str) -> bool:
    try:
        return Locale.parse(tag, sep="-" if "-" in tag else "_").text_direction == "rtl"
    except (ValueError, TypeError, UnknownLocaleError):
        return primary_language(tag) in _RIGHT_TO_LEFT


# A page says some thirty moments, mostly the same ones as the page before; CLDR's patterns take 50 µs for each.
@lru_cache(maxsize=2048)
def _date(day: date, width: Literal["medium", "long"], locale: str) -> str:
    return format_date(day, width, locale=_locale(locale))


@lru_cache(maxsize=2048)
def _time(hour: int, minute: int, locale: str) -> str:
    return format_time(time(hour, minute), "short", locale=_locale(locale))


@cache
def _locale(name: str) -> Locale:
    return Locale.parse(name)


@lru_cache(maxsize=512)
def _display_name(tag: str, language: str) -> str | None:
    """The name of a tag in a language; never raises, whatever the tag."""
    try:
        return Locale.parse(primary_language(tag)).get_display_name(language)
    except (ValueError, TypeError, UnknownLocaleError):
        return None
