"""Ending tasks that nobody waits for any more, and pausing until then."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

_AGAIN = 1.0


async def pause(seconds: float, *, unless: asyncio.Event) -> None:
    """Wait so long, or until this has happened."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await unless.wait()


async def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel these, and wait until all have ended; how they did is for the caller to ask.

    Each second again: before Python 3.12 ``asyncio.wait_for``, which the Redis client uses, may swallow a cancellation.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN)
