"""Records of ``news.views`` as Kafka would give them; a test names only what it is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from aiokafka import ConsumerRecord

from news_shared.article_ids import ArticleId, article_id
from news_views.view_log import (
    BATCH_HEADERS,
    IMPORT_HEADERS,
    MARKER_HEADERS,
    Beacon,
    Import,
    Marker,
    State,
    encode_batch,
    encode_import,
    encode_marker,
)

NOON_MS = 1_768_478_400_000  # 2026-01-15T12:00:00Z
MINUTE_MS = 60_000


def an_article(number: int = 1) -> ArticleId:
    return article_id("herald", f"story-{number}")


def a_beacon(
    article: ArticleId | None = None,
    *,
    reader: int = 1,
    former_reader: int = 0,
    time_ms: int = NOON_MS,
    flags: int = 0,
) -> Beacon:
    return Beacon(article or an_article(), reader, former_reader, time_ms, flags)


def a_marker(
    article: ArticleId | None = None, *, revision: int = 1, state: State = "known", themes: tuple[str, ...] = ()
) -> Marker:
    return Marker(id=article or an_article(), revision=revision, state=state, language="en", themes=themes)


def an_import(
    article: ArticleId | None = None,
    *,
    origin: str = "old-site",
    day: date | None = date(2025, 6, 30),
    views: int = 7,
    readers: int = 5,
) -> Import:
    return Import(article=article or an_article(), origin=origin, day=day, views=views, readers=readers)


@dataclass
class LogWriter:
    """A partition in memory: records get the next offset and their append time."""

    records: list[ConsumerRecord] = field(default_factory=list)

    def batch(self, beacons: Sequence[Beacon], *, appended_ms: int | None = None) -> ConsumerRecord:
        last = max(beacon.time_ms for beacon in beacons)
        value = encode_batch("2026-01-15.abcd", beacons)
        return self._append(value, BATCH_HEADERS, last if appended_ms is None else appended_ms)

    def marker(self, marker: Marker, *, appended_ms: int = NOON_MS) -> ConsumerRecord:
        return self._append(encode_marker(marker), MARKER_HEADERS, appended_ms)

    def imported(self, said: Import) -> ConsumerRecord:
        return self._append(encode_import(said), IMPORT_HEADERS, NOON_MS)

    def raw(self, value: bytes, headers: Iterable[tuple[str, bytes]]) -> ConsumerRecord:
        return self._append(value, headers, NOON_MS)

    def _append(self, value: bytes, headers: Iterable[tuple[str, bytes]], appended_ms: int) -> ConsumerRecord:
        record = ConsumerRecord(
            topic="news.views",
            partition=0,
            offset=len(self.records),
            timestamp=appended_ms,
            timestamp_type=1,
            key=None,
            value=value,
            checksum=None,
            serialized_key_size=-1,
            serialized_value_size=len(value),
            headers=tuple(headers),
        )
        self.records.append(record)
        return record
