"""Event streams that pass through: nothing is collected, and they end when this process is told to stop."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import httpx
import structlog
from starlette.requests import ClientDisconnect, Request

log = structlog.get_logger()

Opened = TypeVar("Opened")


async def while_listened_to(request: Request, opening: Coroutine[Any, Any, Opened]) -> Opened:
    """What is being opened for a reader whose request has no body; given up at once when he leaves.

    Raises:
        ClientDisconnect: he left before.
    """
    task = asyncio.create_task(opening)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        leaving.cancel()  # what comes to the reader next listens for that itself
        task.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)


async def until_stop(chunks: AsyncIterator[bytes], stopping: asyncio.Event) -> AsyncIterator[bytes]:
    """The chunks as they come; ends with them, with the service that sends them, or when ``stopping`` is set.

    Such a stream has no length and no last word: ending it is no lie, and the browser opens it again.
    """
    stop = asyncio.create_task(stopping.wait())
    try:
        while not stop.done():
            chunk = asyncio.create_task(_next(chunks))
            try:
                await asyncio.wait({chunk, stop}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                chunk.cancel()
            if not chunk.done() or (content := chunk.result()) is None:
                return
            yield content
    finally:
        stop.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await anext(chunks, None)
    except httpx.HTTPError as error:
        log.info("an event stream broke off", reason=repr(error))
        return None
