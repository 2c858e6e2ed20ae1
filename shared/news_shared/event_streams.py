"""What event streams (``text/event-stream``) have in common: how long they last, and who is cut off."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from random import uniform
from typing import Final

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

log = structlog.get_logger()

_TAKES_NOTHING: Final = timedelta(seconds=30)
"""A client that takes nothing for so long while something waits for it is cut off."""
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",  # nginx would collect what it is to pass on
}


@dataclass(frozen=True)
class Patience:
    """How long a stream may last, and after what silence it says that it is still there."""

    life: timedelta
    heartbeat: timedelta

    def drawn(self) -> "Patience":
        """That of one stream: all that a restart opened at once would else end at once."""
        return Patience(self.life * uniform(0.8, 1), self.heartbeat)


class _SlowReaderError(Exception):
    """Something waits for the client, and it takes nothing."""


async def answer_with_events(events: AsyncIterator[bytes], scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with an event stream, which begins with the delay before the browser comes back, drawn for each.

    Returns when the events end, when the client leaves, and when it takes nothing for 30 seconds.
    """

    async def send_in_time(message: Message) -> None:
        try:
            async with asyncio.timeout(_TAKES_NOTHING.total_seconds()):
                await send(message)
        except TimeoutError as error:
            raise _SlowReaderError from error

    try:
        answer = StreamingResponse(_with_delay(events), headers=_HEADERS, media_type="text/event-stream")
        await answer(scope, receive, send_in_time)
    except _SlowReaderError:  # the server closes the connection of an answer without an end
        log.info("a reader of an event stream takes nothing and is cut off", path=scope["path"])


async def _with_delay(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield b"retry: %d\n\n" % uniform(1000, 5000)
    async for piece in events:
        yield piece
