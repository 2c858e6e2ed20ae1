"""Newline-delimited JSON as it streams in, in bounded memory."""

from collections.abc import AsyncIterator

Line = tuple[int, bytes | None]
"""Its number from 0, and its bytes; None when it is too long to be read."""


async def lines(chunks: AsyncIterator[bytes], max_line_bytes: int) -> AsyncIterator[Line]:
    """Lines with their numbers, blank ones left out; of a too long one nothing is kept."""
    rest, index, too_long = b"", 0, False
    async for chunk in chunks:
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            if too_long or len(line) > max_line_bytes:
                yield index, None
            elif line.strip():
                yield index, line
            index, too_long = index + 1, False
        if len(rest) > max_line_bytes:
            rest, too_long = b"", True
    if too_long:
        yield index, None
    elif rest.strip():
        yield index, rest


async def in_parts(
    source: AsyncIterator[Line], at_once: int, bytes_at_once: int | None = None
) -> AsyncIterator[list[Line]]:
    """Lines, so many at a time, or fewer when they have so many bytes; the last part may be shorter."""
    part: list[Line] = []
    size = 0
    async for line in source:
        part.append(line)
        size += len(line[1] or b"")
        if len(part) >= at_once or (bytes_at_once is not None and size >= bytes_at_once):
            yield part
            part, size = [], 0
    if part:
        yield part
