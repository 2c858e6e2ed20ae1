"""Random but repeatable traffic of a newsroom, written straight to ``news.views``."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from random import Random

from news_shared.article_ids import ArticleId, article_id, partition_of
from news_shared.producer import Outgoing, Producer
from news_shared.topics import VIEWS
from news_views.view_log import (
    BATCH_HEADERS,
    IMPORT_HEADERS,
    MARKER_HEADERS,
    Beacon,
    Flag,
    Import,
    Marker,
    encode_batch,
    encode_import,
    encode_marker,
)
from tests.testbed.backends import PARTITIONS

_FLAGS = (0,) * 16 + (Flag.BOT, Flag.PREFETCH, Flag.OPTED_OUT, Flag.BURST)
_LANGUAGES = ("en", "uk", "uk-UA", "de")
_ORIGINS = ("old-site", "goatcounter")
_IMPORTED_DAYS = (None, date(2025, 6, 29), date(2025, 6, 30))
_AT_ONCE = 2000


class Newsroom:
    """Articles that come, go and come back, and readers who return.

    Args:
        begin_ms: time of the first beacon; all lie in the past, so that time is the beacons' own.
        spread_ms: until the last.
        beacons_an_import: so many beacons stand between two imports; 0: there is no import.
    """

    def __init__(
        self,
        seed: int,
        *,
        begin_ms: int,
        spread_ms: int,
        articles: int = 200,
        readers: int = 5000,
        beacons_an_import: int = 0,
    ) -> None:
        self._random = Random(seed)
        self._imports = Random(seed)
        self._beacons_an_import = beacons_an_import
        self._begin_ms, self._spread_ms = begin_ms, spread_ms
        self.articles = [article_id("herald", f"story-{seed}-{n}") for n in range(articles)]
        self._readers = readers
        self._revisions: dict[ArticleId, int] = defaultdict(int)

    def announcements(self) -> Iterator[Outgoing]:
        """A marker for every article, so that `records` announces none of them any more."""
        for article in self.articles:
            yield self._marker(article, "known")

    def records(self, beacons: int, *, batch: int) -> Iterator[Outgoing]:
        """Batches with markers and imports between them, each article announced somewhere in the first tenth, some
        never.
        """
        random = self._random
        unannounced = [article for article in self.articles[len(self.articles) // 20 :] if not self._revisions[article]]
        waiting: dict[int, list[Beacon]] = defaultdict(list)
        for n in range(beacons):
            time_ms = (
                self._begin_ms + n * self._spread_ms // beacons - random.choice((0, 0, 0, random.randrange(30_000)))
            )
            if unannounced and random.random() < 10 * len(self.articles) / beacons:
                yield from self._flushed_before(waiting, self._marker(unannounced.pop(), "known"))
            elif n % 997 == 0:
                article = random.choice(self.articles)
                if self._revisions[article]:
                    state = random.choice(("known", "withdrawn", "known"))
                    yield from self._flushed_before(waiting, self._marker(article, state, again=random.random() < 0.3))
            if self._beacons_an_import and n % self._beacons_an_import == 0:
                yield self._import()
            article = self.articles[int(len(self.articles) * random.random() ** 3)]
            partition = partition_of(article, PARTITIONS)
            flags = random.choice(_FLAGS)
            reader = 0 if flags & Flag.OPTED_OUT else 1 + random.randrange(self._readers) * 0x1000_0000_0001
            former = reader + 7 if reader and n % 3 == 0 and beacons // 2 < n < beacons // 2 + beacons // 10 else 0
            waiting[partition].append(Beacon(article, reader, former, time_ms, flags))
            if len(waiting[partition]) >= batch:
                yield self._batch(partition, waiting.pop(partition))
        for partition in list(waiting):
            yield self._batch(partition, waiting.pop(partition))

    def _flushed_before(self, waiting: dict[int, list[Beacon]], marker: Outgoing) -> Iterator[Outgoing]:
        if marker.partition in waiting:
            yield self._batch(marker.partition, waiting.pop(marker.partition))
        yield marker

    def _import(self) -> Outgoing:
        """Of any article, also of one that is not known yet, often of a day that was imported before."""
        random = self._imports
        article = random.choice(self.articles)
        said = Import(
            article=article,
            origin=random.choice(_ORIGINS),
            day=random.choice(_IMPORTED_DAYS),
            views=random.choice((0, random.randrange(100_000))),
            readers=random.randrange(1000),
        )
        return Outgoing(VIEWS, partition_of(article, PARTITIONS), None, encode_import(said), IMPORT_HEADERS)

    def _batch(self, partition: int, beacons: list[Beacon]) -> Outgoing:
        return Outgoing(VIEWS, partition, None, encode_batch("2026-01-15.abcd", beacons), BATCH_HEADERS)

    def _marker(self, article: ArticleId, state: str, *, again: bool = False) -> Outgoing:
        if not again:
            self._revisions[article] += 1
        revision = self._revisions[article]
        marker = Marker.model_validate(
            {
                "id": article,
                "revision": revision,
                "state": state,
                "language": _LANGUAGES[int(article[:4], 16) % len(_LANGUAGES)],
                "themes": [f"theme {revision}"],
            }
        )
        return Outgoing(VIEWS, partition_of(article, PARTITIONS), None, encode_marker(marker), MARKER_HEADERS)


async def write(producer: Producer, records: Iterator[Outgoing]) -> int:
    """Write them in order; returns how many."""
    written = 0
    chunk: list[Outgoing] = []
    for record in records:
        chunk.append(record)
        if len(chunk) >= _AT_ONCE:
            await producer.send_many(chunk)
            written += len(chunk)
            chunk = []
    await producer.send_many(chunk)
    return written + len(chunk)
