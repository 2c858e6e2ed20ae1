"""A program that takes 300 MB of NDJSON under a limit of 100 MB more memory, and says how many lines it took."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import cast

from news_ingest.intake import Intake, Terms
from news_ingest.outcomes import Outcomes
from news_shared.clock import epoch_ms, system_clock
from news_shared.producer import Outgoing, Position, Producer
from tests.ingest.hostile_documents import MORE_MEMORY

LONG_LINES, SHORT_LINES, BAD_LINES = 75, 12_000, 20_000
LINE = 4_000_000
_STACKS = 64 * 1024 * 1024  # of the threads that asyncio starts: reserved, not used


class Counting:
    """A producer that keeps nothing."""

    async def send_many(self, outgoing: Sequence[Outgoing]) -> list[Position]:
        return [Position(record.partition, n, epoch_ms(system_clock())) for n, record in enumerate(outgoing)]


async def chunks() -> AsyncIterator[bytes]:
    """Lines that are too large for an article but not for a line, short ones, and what is no JSON."""
    start = b'{"id": "long", "title": "T", "content_html": "'
    for _ in range(LONG_LINES):
        line = start + b"x" * (LINE - len(start) - 3) + b'"}\n'
        for begin in range(0, len(line), 65_536):
            yield line[begin : begin + 65_536]
    for number in range(SHORT_LINES):
        yield json.dumps({"id": f"short-{number}", "title": "T", "content_text": "x" * 200}).encode() + b"\n"
    for _ in range(BAD_LINES // 1000):
        yield b"not json\n" * 1000


async def take() -> dict[str, object]:
    intake = Intake(
        cast("Producer", Counting()),
        cast("Outcomes", None),
        partitions=12,
        clock=system_clock,
        answer_within=timedelta(minutes=5),
    )
    taken = await intake.take_lines(
        chunks(), "s", Terms("key", reply=False, trace=None), max_line_bytes=LINE, allowed=lambda count: count
    )
    answer = taken.answer()
    return {
        "accepted": answer["accepted"],
        "shown": len(taken.items),
        "rejected": taken.rejected_count,
        "rejected shown": len(taken.rejected),
    }


def main() -> None:
    with open("/proc/self/status") as status:
        data = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData:"))
    most = data + MORE_MEMORY + _STACKS
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = asyncio.run(take())
    said["more_bytes"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(json.dumps(said))


if __name__ == "__main__":
    main()
