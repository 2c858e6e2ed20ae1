"""What the headers of an answer say about time."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_DIRECTIVE = re.compile(r'([a-z-]+)(?:\s*=\s*"?([^",;]*)"?)?', re.IGNORECASE)
_LONGEST = timedelta(days=365)  # more than anybody may ask for, and little enough to be added to a date


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """How long a server wants to be left alone: seconds or a date; None when it does not say, or says nonsense."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return _seconds(text)
    moment = http_date(text)
    return None if moment is None else min(max(moment - now, timedelta(0)), _LONGEST)


def fresh_for(headers: Mapping[str, str], now: datetime) -> timedelta:
    """For how long the answer may be taken as the present one, by Cache-Control or else Expires; 0 when it is unsaid.

    Args:
        headers: names in any case that the mapping understands; httpx's do.
        now: aware.
    """
    directives = {name.lower(): value for name, value in _DIRECTIVE.findall(headers.get("cache-control", ""))}
    if "no-store" in directives or "no-cache" in directives:
        return timedelta(0)
    if "max-age" in directives:
        age = headers.get("age", "").strip()
        return max(_seconds(directives["max-age"]) - _seconds(age), timedelta(0))
    expires = http_date(headers.get("expires", ""))
    if expires is None:
        return timedelta(0)
    return min(max(expires - (http_date(headers.get("date", "")) or now), timedelta(0)), _LONGEST)


def http_date(text: str) -> datetime | None:
    """An HTTP date in any of its forms; None when it is none."""
    try:
        moment = parsedate_to_datetime(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _seconds(text: str) -> timedelta:
    text = text.strip()
    if not (text.isascii() and text.isdigit()):
        return timedelta(0)
    return min(timedelta(seconds=int(text[:12])), _LONGEST)
