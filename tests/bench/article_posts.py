"""Single posts of articles over connections that stay open, from a client that costs less than what it measures."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from tests.views.readers import read_status

_ACCEPTED = 202


def post_request(target: str, document: object, headers: Mapping[str, str]) -> bytes:
    """A whole request that posts JSON."""
    body = json.dumps(document).encode()
    said = {"Host": "ingest", **headers, "Content-Type": "application/json", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body


async def post_all(url: str, requests: Sequence[bytes], connections: int) -> None:
    """Send all, each connection one after the other; anything but 202 is an error."""
    place = urlsplit(url)
    waiting = list(reversed(requests))

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            while waiting:
                writer.write(waiting.pop())
                status = await read_status(reader)
                assert status == _ACCEPTED, f"a post was answered {status}"
        finally:
            writer.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(one_connection())
