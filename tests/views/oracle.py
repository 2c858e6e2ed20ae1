"""A plain reading of the rules over the raw bytes of ``news.views``, to hold the service's answers against.

It shares no code with the service: its own decoding, one dictionary for everything, nothing ever forgotten.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import log2
from typing import Any, Protocol

import msgpack

BOT, PREFETCH, OPTED_OUT, BURST = 1, 2, 4, 8
SETBACK_MS = 3_600_000


class RawRecord(Protocol):
    """What Kafka gives."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Iterable[tuple[str, bytes]]: ...


@dataclass
class Tally:
    """Everything that may be said of one article."""

    state: str | None = None
    revision: int = 0
    language: str = "und"
    themes: tuple[str, ...] = ()
    views: int = 0
    filtered: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hours: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    filtered_by_day: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    viewed_ms: list[int] = field(default_factory=list, compare=False)
    readers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def log_score(self, half_life_ms: int) -> float:
        """log2 of the sum of 2^(t/h) over the views, at any t without overflow."""
        newest = max(self.viewed_ms)
        return newest / half_life_ms + log2(sum(2 ** ((at - newest) / half_life_ms) for at in self.viewed_ms))

    def views_since(self, begin_ms: int) -> int:
        return sum(at >= begin_ms for at in self.viewed_ms)


class Oracle:
    """Reads one partition's records in order, and never anything else."""

    def __init__(self, *, session_ms: int, grace_ms: int, kept: int = 50_000) -> None:
        self._session, self._grace, self._kept_limit = session_ms, grace_ms, kept
        self.articles: dict[str, Tally] = {}
        # By article, day and origin: views and readers; also of articles that nobody announced.
        self.imports: dict[str, dict[tuple[str, str], tuple[int, int]]] = defaultdict(dict)
        self.beacons: list[tuple[str, int]] = []  # article and hash of every beacon in the log
        self.views_by_reader: dict[tuple[str, int], int] = defaultdict(int)
        self._clock = 0
        self._log_time = 0
        self._last: dict[tuple[str, int], int] = {}
        self._early: list[dict[str, Any]] = []  # of articles nobody announced so far, also long ago

    def read(self, records: Iterable[RawRecord]) -> "Oracle":
        for record in records:
            kind = dict(record.headers).get("type")
            if kind == b"import":
                self._import(json.loads(record.value or b""))
                continue
            if record.timestamp < self._log_time - SETBACK_MS:  # the broker's clock was ahead, and is right now
                self._log_time = self._clock = record.timestamp
                self._last.clear()
                self._early.clear()
            self._log_time = max(self._log_time, record.timestamp)
            if kind == b"marker":
                self._marker(json.loads(record.value or b""))
            elif kind == b"batch":
                for beacon in self._beacons(record):
                    self._beacon(beacon)
        return self

    def _import(self, said: dict[str, Any]) -> None:
        day = said["day"] or "1970-01-01"
        self.imports[said["article"]][day, said["origin"]] = said["views"], said["readers"]

    def _beacons(self, record: RawRecord) -> Iterable[dict[str, Any]]:
        batch = msgpack.unpackb(record.value or b"")
        for k in range(batch["n"]):
            article = batch["a"][int.from_bytes(batch["i"][2 * k : 2 * k + 2], "little")]
            own = batch["t"] + int.from_bytes(batch["o"][2 * k : 2 * k + 2], "little")
            hashes = [int.from_bytes(batch["u"][8 * k : 8 * k + 8], "little")]
            if "w" in batch:
                hashes.append(int.from_bytes(batch["w"][8 * k : 8 * k + 8], "little"))
            self.beacons.append((article, hashes[0]))
            time = min(own, record.timestamp)
            self._clock = max(self._clock, time)
            yield {
                "article": article,
                "time": time,
                "clock": self._clock,
                "reader": hashes[0],
                "hashes": [h for h in hashes if h != 0],
                "flags": batch["f"][k],
            }

    def _marker(self, marker: dict[str, Any]) -> None:
        tally = self.articles.setdefault(marker["id"], Tally())
        if marker["revision"] <= tally.revision:
            return
        first = tally.state is None
        tally.revision, tally.state = marker["revision"], marker["state"]
        if tally.state == "known":
            tally.language, tally.themes = marker["language"], tuple(marker["themes"])
        if first:
            newest = self._early[-self._kept_limit :] if self._kept_limit else []
            for beacon in newest:
                if beacon["article"] == marker["id"] and self._log_time - beacon["time"] <= self._grace:
                    self._count(beacon, tally)

    def _beacon(self, beacon: dict[str, Any]) -> None:
        tally = self.articles.get(beacon["article"])
        if tally is None:
            self._early.append(beacon)
        else:
            self._count(beacon, tally)

    def _count(self, beacon: dict[str, Any], tally: Tally) -> None:
        moment = datetime.fromtimestamp(beacon["time"] / 1000, UTC)
        day = moment.date().isoformat()
        reason = self._reason(beacon, tally)
        if reason is None or reason == "repeat":
            tally.readers[day].add(beacon["reader"])
        if reason is None:
            tally.views += 1
            tally.viewed_ms.append(beacon["time"])
            self.views_by_reader[beacon["article"], beacon["reader"]] += 1
            tally.hours[day, moment.hour] += 1
        else:
            tally.filtered[reason] += 1
            tally.filtered_by_day[day, reason] += 1

    def _reason(self, beacon: dict[str, Any], tally: Tally) -> str | None:
        flags = beacon["flags"]
        if flags & OPTED_OUT or beacon["reader"] == 0:
            return "opted_out"
        if flags & BOT:
            return "bot"
        if flags & BURST:
            return "burst"
        if flags & PREFETCH:
            return "prefetch"
        if tally.state == "withdrawn":
            return "unknown"
        keys = [(beacon["article"], h) for h in beacon["hashes"]]
        repeats = any(key in self._last and beacon["clock"] - self._last[key] < self._session for key in keys)
        self._last.update(dict.fromkeys(keys, beacon["clock"]))
        return "repeat" if repeats else None
