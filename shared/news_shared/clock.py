"""Time as an argument: rules and loops get a clock, tests move it by hand."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Returns the present moment, aware, in UTC."""


def system_clock() -> datetime:
    """The machine's wall clock in UTC."""
    return datetime.now(UTC)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware moment, as Kafka counts them."""
    return round(moment.timestamp() * 1000)


def from_epoch_ms(milliseconds: int) -> datetime:
    """The aware UTC moment of a Kafka timestamp."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def rfc3339(moment: datetime) -> str:
    """The moment in UTC as text, with milliseconds only where there are any: ``2026-01-15T12:00:00Z``."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond >= 1000 else "seconds")
    return text.replace("+00:00", "Z")
