"""Lines in the body of a request: their media type, and how many bytes there may be."""

from collections.abc import AsyncIterator
from typing import Final

from fastapi import Request

from news_shared.problems import TOO_LARGE, UNSUPPORTED, ProblemError

_FORMATS: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "text/plain"})


def require_ndjson(request: Request, example: str) -> None:
    """Let only lines pass that can be read as they come.

    Raises:
        ProblemError: 415, with a line that could be sent.
    """
    form = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if form not in _FORMATS or request.headers.get("content-encoding", "identity") != "identity":
        raise ProblemError(UNSUPPORTED, f"Send lines as application/x-ndjson, not compressed, for example {example}")


async def bounded(request: Request, limit: int, advice: str) -> AsyncIterator[bytes]:
    """The body in chunks.

    Args:
        limit: bytes.
        advice: what to know when sending it in parts.

    Raises:
        ProblemError: 413 at the first chunk beyond the limit, or at once when the length was announced.
        ClientDisconnect: the sender went away.
    """
    announced = request.headers.get("content-length", "")
    received = int(announced) if announced.isascii() and announced.isdigit() else 0
    if received <= limit:
        received = 0
        async for chunk in request.stream():
            received += len(chunk)
            if received > limit:
                break
            yield chunk
    if received > limit:
        raise ProblemError(TOO_LARGE, f"A request has at most {limit:,} bytes: send it in parts. {advice}")
