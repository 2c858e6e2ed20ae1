"""Answers, compared."""

from typing import Any

_OF_THE_MOMENT = {"as_of", "at", "from", "to"}


def without_time(content: Any) -> Any:
    """An answer without what says when it was asked, or (`at`, in no topic but the submissions) when it was decided."""
    if isinstance(content, dict):
        return {name: without_time(value) for name, value in content.items() if name not in _OF_THE_MOMENT}
    return [without_time(one) for one in content] if isinstance(content, list) else content
