"""Taking articles in: from a reading to submissions that Kafka has, and to an answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from news_ingest.formats.native import read_line
from news_ingest.formats.outcome import Reading, Rejected, rejection
from news_ingest.items import Item
from news_ingest.outcomes import Outcomes
from news_ingest.submissions import Submission, encode_submission
from news_shared.clock import Clock, epoch_ms
from news_shared.crash_points import reached
from news_shared.errors import TransientError
from news_shared.ndjson import Line, in_parts, lines
from news_shared.producer import Position, Producer

MAX_REJECTS_SHOWN = 1000
MAX_ITEMS_SHOWN = 10_000
MAX_WARNINGS_SHOWN = 100
_LINES_AT_ONCE = 100
_BYTES_AT_ONCE = 4_000_000


@dataclass
class Taken:
    """What was accepted and what was not, in the order of the document."""

    items: list[dict[str, object]] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    accepted_count: int = 0
    rejected_count: int = 0
    warnings: list[str] = field(default_factory=list)
    stopped_at: int | None = None
    """The line, from 0, before which a stream was cut short; None: it was read to its end."""

    def accept(self, shown: dict[str, object], position: Position | None = None) -> None:
        """Note what is taken, and where Kafka has it (None: a dry run); of very many only the first are shown."""
        self.accepted_count += 1
        if len(self.items) < MAX_ITEMS_SHOWN:
            self.items.append(shown)
            if position is not None:
                self.positions.append(position)

    def refuse(self, rejected: Sequence[Rejected]) -> None:
        """Note refusals; of many only the first are shown."""
        self.rejected_count += len(rejected)
        self.rejected += rejected[: MAX_REJECTS_SHOWN - len(self.rejected)]

    def warn(self, warnings: Sequence[str]) -> None:
        """Note what was put right; of many only the first are shown."""
        self.warnings += warnings[: MAX_WARNINGS_SHOWN - len(self.warnings)]

    def answer(self) -> dict[str, object]:
        """The body of the answer."""
        body: dict[str, object] = {
            "accepted": self.accepted_count,
            "items": self.items,
            "rejected": [{"index": r.index, "guid": r.guid, "errors": list(r.errors)} for r in self.rejected],
        }
        if self.rejected_count > len(self.rejected):
            body["rejected_count"] = self.rejected_count
        if self.warnings:
            body["warnings"] = self.warnings
        return body


@dataclass(frozen=True)
class Terms:
    """How the submissions of one request are sent."""

    idempotency_key: str | None
    reply: bool
    trace: str | None

    def key_of(self, index: int) -> str | None:
        """The key of what stands at an index: an article that stands twice in a request has two of them."""
        return f"{self.idempotency_key}/{index}" if self.idempotency_key is not None else None


class Intake:
    """Writes submissions; what it returned without an error is durable."""

    def __init__(
        self, producer: Producer, outcomes: Outcomes, *, partitions: int, clock: Clock, answer_within: timedelta
    ) -> None:
        self._producer = producer
        self._outcomes = outcomes
        self._partitions = partitions
        self._clock = clock
        self._answer_within = answer_within

    async def take(self, reading: Reading, terms: Terms, taken: Taken) -> None:
        """Send the items of a reading.

        Raises:
            TransientError: Kafka is away; whether they arrived is unknown, sending them again is safe.
        """
        submissions = [(index, _submission(item, self._clock)) for index, item in reading.items]
        positions = await self._send(submissions, terms)
        for (_, item), (_, submission), position in zip(reading.items, submissions, positions, strict=True):
            taken.accept({"id": submission.id, "guid": item.guid, "url": item.url}, position)
        taken.refuse(reading.rejected)
        taken.warn(reading.warnings)

    async def take_lines(
        self,
        chunks: AsyncIterator[bytes],
        source: str,
        terms: Terms,
        *,
        max_line_bytes: int,
        allowed: Callable[[int], int],
    ) -> Taken:
        """Take NDJSON as it streams in, in bounded memory. Errors as in `take`.

        Args:
            chunks: the body.
            source: whose articles these are.
            terms: on which they are sent.
            max_line_bytes: a longer line is rejected.
            allowed: how many of so many articles may be taken now; with fewer the rest is left unread.
        """
        taken = Taken()
        async for part in in_parts(lines(chunks, max_line_bytes), _LINES_AT_ONCE, _BYTES_AT_ONCE):
            reading = await asyncio.to_thread(_read_lines, part, source, self._clock)
            granted = allowed(len(reading.items))
            if granted < len(reading.items):
                taken.stopped_at = reading.items[granted][0]
                reading = reading.before(taken.stopped_at)
            await self.take(reading, terms, taken)
            if taken.stopped_at is not None:
                break
        return taken

    async def read_lines(self, chunks: AsyncIterator[bytes], source: str, *, max_line_bytes: int) -> Reading:
        """What `take_lines` would take and refuse; nothing is sent, and all of it is in memory."""
        whole = Reading()
        async for part in in_parts(lines(chunks, max_line_bytes), _LINES_AT_ONCE, _BYTES_AT_ONCE):
            whole.add(await asyncio.to_thread(_read_lines, part, source, self._clock))
        return whole

    async def command(self, submission: Submission, terms: Terms) -> Position:
        """Send one command. Errors as in `take`."""
        [position] = await self._send([(0, submission)], terms)
        return position

    async def _send(self, submissions: Sequence[tuple[int, Submission]], terms: Terms) -> list[Position]:
        answer_by = self._clock() + self._answer_within
        outgoing = [
            encode_submission(
                submission,
                partitions=self._partitions,
                answer_by=answer_by,
                idempotency_key=terms.key_of(index),
                reply=terms.reply,
                trace=terms.trace,
            )
            for index, submission in submissions
        ]
        positions = await self._producer.send_many(outgoing)
        reached("after-kafka-before-answer")
        if any(position.timestamp_ms > epoch_ms(answer_by) for position in positions):
            raise TransientError(
                "Kafka appended a submission after its time: the publisher will drop it, send it again"
            )
        return positions

    async def wait(self, taken: Taken, patience: timedelta) -> bool:
        """Add each item's outcome as it is decided; False when some are not in time, or Redis is away."""
        deadline = monotonic() + patience.total_seconds()
        open_items = dict(enumerate(taken.positions))
        while open_items:
            try:
                found = await self._outcomes.of_submissions(list(open_items.values()))
            except TransientError:
                found = {}
            for index, position in list(open_items.items()):
                if position in found:
                    taken.items[index] |= found[position]
                    del open_items[index]
            if not open_items:
                return taken.accepted_count <= len(taken.items)
            if monotonic() >= deadline:
                return False
            await asyncio.sleep(0.01)
        return True


def _submission(item: Item, clock: Clock) -> Submission:
    return Submission(kind="article", id=item.id, received_at=clock(), item=item)


def _read_lines(part: Sequence[Line], source: str, clock: Clock) -> Reading:
    whole = Reading()
    for index, line in part:
        if line is None:
            whole.rejected.append(rejection(index, None, "", "the line is too long"))
            continue
        whole.add(read_line(line, index, source, clock()))
    return whole
