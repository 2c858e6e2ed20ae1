"""Beacons that servers and edges collected: many in one request, read as they come, each part written before the next.

The rules are those of single beacons. A request that ends in 503 has written some of its lines and not others; sent
again, what was written is a repeat within its reader's session, so views and readers stay right (``filtered.repeat``
grows).
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from news_shared.clock import Clock
from news_shared.errors import OverloadError
from news_shared.ndjson import Line, in_parts, lines
from news_shared.producer import Outgoing, Producer
from news_shared.topics import VIEWS
from news_views.beacons.bursts import MinutePaces, Pace, PaceOf
from news_views.beacons.client_address import TrustedProxies, network_bytes
from news_views.beacons.metrics import BeaconMetrics
from news_views.beacons.rules import BeaconRules
from news_views.beacons.server_lines import ServerLine, milliseconds, read_line
from news_views.view_log import BATCH_HEADERS, LONGEST_DELAY_MS, Beacon, encode_batch

LINE_BYTES: Final = 8192
MAX_REJECTS_SHOWN: Final = 1000
_LINES_AT_ONCE: Final = 500  # in memory, of one request
_RECORD_BEACONS: Final = 500
REQUESTS_AT_ONCE: Final = 16


@dataclass
class LinesTaken:
    """What became of a request's lines.

    Attributes:
        rejected: number of the line (from 1) and what is wrong, the first so many.
    """

    accepted: int = 0
    rejected: list[dict[str, object]] = field(default_factory=list)
    rejected_count: int = 0

    def reject(self, line: int, errors: Sequence[str]) -> None:
        """Note a line that was not taken."""
        self.rejected_count += 1
        if len(self.rejected) < MAX_REJECTS_SHOWN:
            self.rejected.append({"line": line, "errors": list(errors)})

    def answer(self) -> dict[str, object]:
        """As it is sent."""
        body: dict[str, object] = {"accepted": self.accepted, "rejected": self.rejected}
        if self.rejected_count > len(self.rejected):
            body["rejected_count"] = self.rejected_count
        return body


class ServerBatchIntake:
    """The use case behind ``POST /v1/views/batch``."""

    def __init__(
        self,
        producer: Producer,
        rules: BeaconRules,
        paces: MinutePaces,
        proxies: TrustedProxies,
        metrics: BeaconMetrics,
        clock: Clock,
        partitions: int,
    ) -> None:
        self._producer = producer
        self._rules = rules
        self._paces = paces
        self._proxies = proxies
        self._metrics = metrics
        self._clock = clock
        self._partitions = partitions
        self._requests = 0

    async def take(self, chunks: AsyncIterator[bytes]) -> LinesTaken:
        """Read lines and write their beacons; returns when Kafka has all that were accepted.

        Raises:
            OverloadError: too many requests are being read; nothing of this one was.
            TransientError: Kafka did not acknowledge, or there was never a salt. Repeating all of it is safe.
        """
        if self._requests >= REQUESTS_AT_ONCE:
            raise OverloadError(f"{self._requests} batches are being read")
        self._requests += 1
        try:
            with self._paces.request() as pace_of:
                return await self._take(chunks, pace_of)
        finally:
            self._requests -= 1

    async def _take(self, chunks: AsyncIterator[bytes], pace_of: PaceOf) -> LinesTaken:
        taken = LinesTaken()
        async for part in in_parts(lines(chunks, LINE_BYTES), _LINES_AT_ONCE):
            beacons = self._read(part, taken, pace_of)
            await self._write(beacons)
            taken.accepted += len(beacons)
            self._metrics.beacon("accepted", len(beacons))
        return taken

    def _read(self, part: Sequence[Line], taken: LinesTaken, pace_of: PaceOf) -> list[tuple[int, str, Beacon]]:
        now = self._clock()
        beacons = []
        for index, text in part:
            line = read_line(text, now, self._partitions)
            if isinstance(line, ServerLine):
                beacons.append(self._beacon(line, pace_of))
            else:
                taken.reject(index + 1, line)
                self._metrics.beacon("invalid")
        return beacons

    def _beacon(self, line: ServerLine, pace_of: PaceOf) -> tuple[int, str, Beacon]:
        network, is_burst = b"", False
        if line.address is not None:
            network = network_bytes(line.address)
            is_proxy = self._proxies.is_trusted(line.address)
            is_burst = not is_proxy and pace_of(network, milliseconds(line)) is Pace.BURST
        salt, beacon = self._rules.beacon(
            line.article,
            line.time,
            network,
            line.user_agent.encode(errors="replace"),
            is_prefetch=line.is_prefetch,
            is_opted_out=line.is_opted_out,
            is_burst=is_burst,
        )
        return line.partition, salt, beacon

    async def _write(self, beacons: Sequence[tuple[int, str, Beacon]]) -> None:
        if not beacons:
            return
        # Sorted by partition and salt, which a record has one of each, then by time, so that records span little.
        ordered = sorted(beacons, key=lambda entry: (entry[0], entry[1], entry[2].time_ms))
        outgoing: list[Outgoing] = []
        for (partition, salt), group in groupby(ordered, key=lambda entry: entry[:2]):
            outgoing += [
                Outgoing(VIEWS, partition, None, encode_batch(salt, record), BATCH_HEADERS)
                for record in _records([beacon for _, _, beacon in group])
            ]
        await self._producer.send_many(outgoing)


def _records(beacons: Sequence[Beacon]) -> Iterator[Sequence[Beacon]]:
    """Cut beacons in order of time into what fits a record: in number, and in time after its first."""
    start = 0
    for end, beacon in enumerate(beacons):
        if end - start >= _RECORD_BEACONS or beacon.time_ms - beacons[start].time_ms > LONGEST_DELAY_MS:
            yield beacons[start:end]
            start = end
    yield beacons[start:]
