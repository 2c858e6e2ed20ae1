"""Named places where a fault test kills the process; without the setting they do nothing."""

import os
import signal
from typing import Literal

CrashPoint = Literal[
    "after-kafka-before-answer",
    "after-kafka-commit-before-redis",
    "after-redis-before-changelog",
    "after-dead-letter",
    "during-revoke",
    "after-fetch-before-kafka",
    "after-kafka-before-poll-state",
    "after-poll-state",
    "after-switch-before-deletion",
]

_chosen: str | None = None
_passes_left = 0


def arm(setting: str | None) -> None:
    """Choose the point from a setting ``name`` or ``name:N`` (die at the Nth passage, 1 by default)."""
    global _chosen, _passes_left  # one process, one point
    name, _, passes = (setting or "").partition(":")
    _chosen, _passes_left = name or None, int(passes or 1)


def reached(point: CrashPoint) -> None:
    """Kill this process with SIGKILL if a test armed this point."""
    global _passes_left
    if point == _chosen:
        _passes_left -= 1
        if _passes_left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
