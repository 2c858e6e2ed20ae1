"""Tasks end, also those that swallow a cancellation once."""

import asyncio

import pytest

from news_shared.cancelling import cancel


async def test_a_task_that_swallows_its_first_cancellation_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("news_shared.cancelling._AGAIN", 0.01)
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed += 1

    tasks = [asyncio.create_task(stubborn()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await cancel(tasks)
    assert swallowed == 1
    assert all(task.cancelled() for task in tasks)


async def test_there_may_be_nothing_to_cancel() -> None:
    await cancel([])
