"""When a feed is asked for again: pure rules, time and chance are arguments."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

FIRST_RHYTHM = timedelta(minutes=15)
_FASTER = 0.5  # after a change
_SLOWER = 1.25  # after none: a feed that changes regularly settles at about four polls a change
_JITTER = 0.1
_MOST_DOUBLINGS = 16  # whatever the bounds, that is longer than anybody waits
_A_DAY = timedelta(days=1)
_NOTHING = timedelta(0)


@dataclass(frozen=True)
class Bounds:
    """What an operator allows."""

    shortest: timedelta
    longest: timedelta
    hints: timedelta
    """The most that a feed's own wishes put off a poll."""


@dataclass(frozen=True)
class Wishes:
    """How rarely a feed wants to be asked: by ``ttl``, ``sy:updatePeriod`` or Cache-Control, and when not at all."""

    at_least: timedelta = _NOTHING
    by: str = ""
    skip_hours: Collection[int] = field(default_factory=frozenset)
    """Hours of the day in UTC, 0 to 23."""
    skip_days: Collection[int] = field(default_factory=frozenset)
    """Days of the week, Monday is 0."""


@dataclass(frozen=True)
class NextPoll:
    """When to come back, and why then."""

    rhythm: timedelta
    """What the feed's changes suggest; the next decision starts from it."""
    wait: timedelta
    why: str


def after_answer(
    rhythm: timedelta | None, *, changed: bool, wishes: Wishes, bounds: Bounds, now: datetime, chance: float
) -> NextPoll:
    """After a good answer: sooner when the feed had changed, later when it had not.

    Args:
        rhythm: of the poll before; None at the first.
        changed: whether there was a new or changed item.
        wishes: respected as far as ``bounds.hints``; hours and days to skip at most a day.
        bounds: the wait is never outside.
        now: aware.
        chance: 0 to 1, spreads feeds that would otherwise meet.
    """
    if rhythm is None:
        rhythm, why = FIRST_RHYTHM, "first poll"
    elif changed:
        rhythm, why = rhythm * _FASTER, "the feed had changed: twice as often"
    else:
        rhythm, why = rhythm * _SLOWER, "the feed had not changed: a quarter less often"
    rhythm = _within(rhythm, bounds)
    wait = rhythm
    asked = min(wishes.at_least, bounds.hints)
    if asked > wait:
        capped = " (capped)" if wishes.at_least > bounds.hints else ""
        wait, why = _within(asked, bounds), f"{wishes.by} asks for it{capped}"
    wait = _spread(wait, bounds, chance)
    later = skipped_until(now + wait, wishes.skip_hours, wishes.skip_days) - now
    if later > wait and later <= bounds.longest:
        wait, why = later, "skipHours or skipDays of the feed"
    return NextPoll(rhythm, wait, why)


def after_failure(
    rhythm: timedelta | None, *, failures: int, retry_after: timedelta | None, bounds: Bounds, chance: float
) -> NextPoll:
    """After an error: twice as long each time, but never for ever; longer when the server says so.

    Args:
        rhythm: stays what it was.
        failures: in a row, this one included; at least 1.
        retry_after: what the server said; up to ``bounds.longest`` it is respected.
        bounds: the wait is never outside.
        chance: 0 to 1.
    """
    times = f"{failures} failures in a row" if failures > 1 else "a failure"
    wait, why = (
        _within(bounds.shortest * 2 ** min(failures - 1, _MOST_DOUBLINGS), bounds),
        f"{times}: waiting longer each time",
    )
    if retry_after is not None and retry_after > wait:
        capped = " (capped)" if retry_after > bounds.longest else ""
        wait, why = _within(retry_after, bounds), f"the server said Retry-After{capped}"
    return NextPoll(rhythm or FIRST_RHYTHM, _spread(wait, bounds, chance, only_later=True), why)


def skipped_until(moment: datetime, hours: Collection[int], days: Collection[int]) -> datetime:
    """The first moment from this one on that is in no hour and on no day to be skipped, within a day.

    A feed that wants to be skipped for longer is asked when it was due.
    """
    candidate = moment
    while candidate.hour in hours or candidate.weekday() in days:
        candidate = candidate.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        if candidate - moment > _A_DAY:
            return moment
    return candidate


def _within(interval: timedelta, bounds: Bounds) -> timedelta:
    return min(max(interval, bounds.shortest), bounds.longest)


def _spread(wait: timedelta, bounds: Bounds, chance: float, *, only_later: bool = False) -> timedelta:
    """Up to a tenth later; up to a tenth sooner where later is not allowed."""
    if wait * (1 + _JITTER) <= bounds.longest:
        return wait * (1 + _JITTER * chance)
    if only_later:
        return min(wait * (1 + _JITTER * chance), bounds.longest)
    return max(wait * (1 - _JITTER * chance), bounds.shortest)
