"""Answers, compared."""

from datetime import timedelta
from typing import Any

from news_shared.clock import rfc3339, system_clock

_OF_THE_MOMENT = {"as_of", "at", "from", "to", "readers_today"}

_THIS_HOUR = system_clock().replace(minute=0, second=0, microsecond=0)
BY_HOUR = f"interval=hour&from={rfc3339(_THIS_HOUR - timedelta(days=2))}&to={rfc3339(_THIS_HOUR + timedelta(hours=1))}"
"""Asks for a series of hours that stay the same ones however long a test takes; without them the last hour moves on."""


def without_time(content: Any) -> Any:
    """An answer without what says when it was asked, or (`at`, in no topic but the submissions) when it was decided."""
    if isinstance(content, dict):
        return {name: without_time(value) for name, value in content.items() if name not in _OF_THE_MOMENT}
    return [without_time(one) for one in content] if isinstance(content, list) else content
