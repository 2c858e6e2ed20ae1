"""Waiting for a condition, with a deadline and a word on what was waited for."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

Condition = Callable[[], bool] | Callable[[], Awaitable[bool]]


async def until(condition: Condition, what: str, *, seconds: float = 30, every: float = 0.02) -> float:
    """Wait until the condition holds; returns the seconds that it took.

    Raises:
        TimeoutError: it did not hold in time.
    """
    begun = monotonic()
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return monotonic() - begun
        if monotonic() - begun > seconds:
            raise TimeoutError(f"waited {seconds} s for {what}")
        await asyncio.sleep(every)
