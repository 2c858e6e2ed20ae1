"""Work that many ask for at the same moment, done once: every feed reader comes at the full hour."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedWork(Generic[T]):
    """Nothing is kept: who asks when the work is done has it done anew, so that no answer grows old."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[T]] = {}

    async def once(self, name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the work of this name gives, or its error: to all who ask while it is under way."""
        task = self._under_way.get(name)
        if task is None:
            task = self._under_way[name] = asyncio.create_task(work(), name=name)
            task.add_done_callback(lambda done: self._is_done(name, done))
        shielded: Awaitable[T] = asyncio.shield(task)  # who leaves takes it from nobody else
        return await shielded

    def _is_done(self, name: str, task: asyncio.Task[T]) -> None:
        del self._under_way[name]
        if not task.cancelled():
            task.exception()  # all who asked may have left
