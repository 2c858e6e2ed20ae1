"""What pydantic found wrong with a field, in words that go on from its name: ``limit: must be …``."""

import re
from collections.abc import Mapping
from typing import Any, Final

_LONGEST_SHOWN: Final = 60
"""Characters of what was sent; a sender knows longer values by their field."""
_SOMETHING_SHOULD: Final = re.compile(r"^\w+ should ")


def in_words(mistake: Mapping[str, Any]) -> str:
    """What is wrong, and what was sent where that is short.

    Args:
        mistake: one of pydantic's, taken with ``include_input=False`` where nobody may see the value.
    """
    if mistake["type"] == "missing":
        return "is missing"
    if mistake["type"] == "json_invalid":
        return f"is not JSON: {mistake['ctx']['error']}"
    said: str = _SOMETHING_SHOULD.sub("must ", mistake["msg"].removeprefix("Value error, "))
    sent = _shown(mistake.get("input"))
    return said if not sent or sent in said else f"{said} (sent: {sent})"


def _shown(value: object) -> str:
    if not isinstance(value, str | int | float) or (isinstance(value, str) and len(value) > _LONGEST_SHOWN):
        return ""
    shown = repr(value)  # also of what no answer can have, half of a surrogate pair
    return shown if len(shown) <= _LONGEST_SHOWN else ""
