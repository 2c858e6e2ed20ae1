"""What is known of addresses goes in its time, also while no beacon comes."""

import asyncio
from collections.abc import Callable
from typing import Final

from news_shared.cancelling import pause

_EVERY: Final = 10.0


class Forgetting:
    """Asks others every few seconds to let go of what is over."""

    def __init__(self, *forget: Callable[[], None]) -> None:
        self._forget = forget
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Go on until asked to stop."""
        while not self._stopping.is_set():
            for forget in self._forget:
                forget()
            await pause(_EVERY, unless=self._stopping)

    def request_stop(self) -> None:
        """End `run`."""
        self._stopping.set()
