"""Dates as feeds write them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from news_ingest.items import EARLIEST, LATEST

_ZONES = {  # hours from UTC; a name that two continents use means what most feeds mean by it
    "UT": 0,
    "UTC": 0,
    "GMT": 0,
    "Z": 0,
    "WET": 0,
    "WEST": 1,
    "BST": 1,
    "CET": 1,
    "CEST": 2,
    "MEZ": 1,
    "MESZ": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
    "TRT": 3,
    "GST": 4,
    "PKT": 5,
    "IST": 5.5,
    "WIB": 7,
    "ICT": 7,
    "HKT": 8,
    "SGT": 8,
    "AWST": 8,
    "JST": 9,
    "KST": 9,
    "ACST": 9.5,
    "AEST": 10,
    "ACDT": 10.5,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
    "BRT": -3,
    "ART": -3,
    "AST": -4,
    "ADT": -3,
    "NST": -3.5,
    "NDT": -2.5,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AKST": -9,
    "AKDT": -8,
    "HST": -10,
}
_LONGEST = 100
_ISO = re.compile(
    r"(\d{4})(?:-?(\d\d)(?:-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?)?)?\s*"
    r"(Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)?",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?(?:\s*\([^()]*\))?$", re.IGNORECASE)
_NAMED = re.compile(r"\b([A-Z]{1,5})\)?$")
_HALF = re.compile(r"(\d:\d\d)\s*([AaPp])\.?[Mm]\b\.?")
_WEEKDAY = re.compile(r"^[^\d\s,]+,\s*")


def moment_of(text: str | None) -> datetime | None:
    """The moment that a date of RFC 822 or ISO 8601 means, with the liberties that feeds take.

    Without a zone it is UTC. None for what is no date, and for years that nobody means.
    """
    text = (text or "")[:_LONGEST].strip()
    if not text:
        return None
    try:
        found = _ISO.fullmatch(text)
        moment = _iso(found) if found else _rfc822(text)
        return moment if moment and EARLIEST <= moment <= LATEST else None
    except (ValueError, OverflowError, TypeError, IndexError):  # what the parts make is no date
        return None


def _iso(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    return datetime(
        int(year),
        int(month or 1),
        int(day or 1),
        int(hour or 0),
        int(minute or 0),
        min(int(second or 0), 59),  # a leap second
        int((fraction or "0")[:6].ljust(6, "0")),
        tzinfo=_zone(zone),
    )


def _rfc822(text: str) -> datetime | None:
    zone = None
    if found := _OFFSET.search(text):
        zone, text = found[0], text[: found.start()].rstrip() + " +0000"
    elif (found := _NAMED.search(text.upper())) and found[1] in _ZONES:
        zone, text = found[1], text[: found.start()].rstrip(" (") + " +0000"
    half = _HALF.search(text)
    parts = parsedate_tz(_WEEKDAY.sub("", _HALF.sub(r"\1", text)))
    if parts is None:
        return None
    year, month, day, hour, minute, second = parts[:6]
    if half and hour <= 12:
        hour = hour % 12 + (12 if half[2] in "pP" else 0)
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(zone))


def _zone(said: str | None) -> timezone:
    if said is None:
        return UTC
    if found := _OFFSET.fullmatch(said):
        ahead = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return timezone(ahead if found[1] == "+" else -ahead)
    return timezone(timedelta(hours=_ZONES.get(said.upper(), 0)))
