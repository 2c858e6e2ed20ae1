"""Which hours or days a time series has: what was asked, made whole and kept within bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from news_shared.problems import INVALID, ProblemError

Interval = Literal["hour", "day"]


@dataclass(frozen=True)
class _Bounds:
    length: timedelta
    default: int
    most: int


_BOUNDS: Final[Mapping[Interval, _Bounds]] = {
    "hour": _Bounds(timedelta(hours=1), default=48, most=744),
    "day": _Bounds(timedelta(days=1), default=30, most=366),
}
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Span:
    """The points of a series: those whose time is in the half-open [``start``, ``end``), both on whole intervals."""

    interval: Interval
    start: datetime
    end: datetime

    def times(self) -> list[datetime]:
        """When each interval begins, in order."""
        length = _BOUNDS[self.interval].length
        return [self.start + length * n for n in range((self.end - self.start) // length)]


def span(interval: Interval, start: str | None, end: str | None, now: datetime) -> Span:
    """The span that a request means.

    An interval belongs to the span when it begins in [start, end), so spans that follow one another neither overlap
    nor leave anything out. The last one there is is that of ``now``: what is to come is unknown, not zero.

    Args:
        interval: length of a point.
        start: RFC 3339 or a date (UTC); without it the default number of points before ``end``.
        end: the same; without it the present interval is the last.
        now: tells the present interval.

    Raises:
        ProblemError: 422 that says what to send instead.
    """
    bounds = _BOUNDS[interval]
    present = _ceiling(now, bounds.length)
    if present == now:
        present += bounds.length
    until = present if end is None else min(_ceiling(_moment("to", end), bounds.length), present)
    since = until - bounds.length * bounds.default if start is None else _ceiling(_moment("from", start), bounds.length)
    if start is not None and end is not None and _moment("from", start) >= _moment("to", end):
        raise ProblemError(INVALID, "from must be before to.")
    points = (until - since) // bounds.length
    if points > bounds.most:
        raise ProblemError(
            INVALID,
            f"from and to: {points} points are more than the {bounds.most} that one answer has. "
            + ("Ask for interval=day, or for a shorter time." if interval == "hour" else "Ask for a shorter time."),
        )
    return Span(interval, min(max(since, _FIRST), until), until)


def _moment(field: str, text: str) -> datetime:
    try:
        if len(text) == len("2026-01-15"):
            moment = datetime.combine(date.fromisoformat(text), time(tzinfo=UTC))
        else:
            moment = datetime.fromisoformat(text.replace(" ", "+"))  # a plus that was not escaped
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not _FIRST <= moment <= _LAST:
        raise ProblemError(
            INVALID,
            f"{field}: {text[:50]!r} is no moment since 1970. Send 2026-01-15T12:00:00Z (an offset other than Z "
            "needs its + as %2B) or 2026-01-15, which is its first moment in UTC.",
        )
    return moment.astimezone(UTC)


def _ceiling(moment: datetime, length: timedelta) -> datetime:
    whole = _FIRST + (moment - _FIRST) // length * length
    return whole if whole == moment else whole + length
