"""Follows ``news.articles`` for the stream, and holds each event back until queries answer with it."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import timedelta

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from news_feed.article_store import ArticleStore
from news_feed.recent_events import RecentEvents
from news_feed.stream_events import Announcement, announcement
from news_shared.articles import event_of
from news_shared.cancelling import pause
from news_shared.errors import PoisonError, TransientError
from news_shared.kafka import end_offset, reading
from news_shared.projection.log import PartitionLog
from news_shared.settings import KafkaSettings
from news_shared.topics import ARTICLES, MAX_RECORD_BYTES

log = structlog.get_logger()

_BEFORE_THE_END = 200
"""Records of each partition that are read at the start, so that readers who come back after a restart find theirs."""
_AT_ONCE = 100
"""Records that are taken before it is looked at again whether there is room for more."""
_UNSAID_BYTES = 100
_LOOK = timedelta(milliseconds=20)
_PAUSE = timedelta(milliseconds=500)


class HeldEvents:
    """Events of one partition that queries do not answer with yet, in the order of the log."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, Announcement | None]] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    def hold(self, offset: int, said: Announcement | None) -> None:
        """Append a record; None where there is nothing to say of it."""
        self._events.append((offset, said))
        self.bytes += _weight(said)

    def before(self, reached: int) -> Iterator[tuple[int, Announcement | None]]:
        """Give away the records before an offset."""
        while self._events and self._events[0][0] < reached:
            offset, said = self._events.popleft()
            self.bytes -= _weight(said)
            yield offset, said


def _weight(said: Announcement | None) -> int:
    return _UNSAID_BYTES + (said.weight if said is not None else 0)


class StreamLog:
    """One consumer for all readers of the stream.

    Args:
        kafka: where the log is.
        store: says how far queries have come.
        partitions: of the topic.
        most_bytes: of the events kept in memory, and as much again of those held back. Each partition has its share
            of the latter: one that stands still must not keep the others from being read.
    """

    def __init__(self, kafka: KafkaSettings, store: ArticleStore, partitions: int, *, most_bytes: int) -> None:
        self._kafka = kafka
        self._store = store
        self._partitions = [TopicPartition(ARTICLES, partition) for partition in range(partitions)]
        self._most_bytes = most_bytes
        self._most_held_bytes = most_bytes // partitions
        self._held: dict[int, HeldEvents] = {}
        self._next: dict[int, int] = {}
        self._old_before: dict[int, int] = {}
        self._news = asyncio.Event()
        self._is_stopping = False
        self.recent: RecentEvents | None = None

    @property
    def held(self) -> int:
        """Events that queries do not answer with yet."""
        return sum(map(len, self._held.values()))

    def is_over(self, recent: RecentEvents) -> bool:
        """Whether nothing comes any more: the process stops, or the topic was made anew."""
        return self._is_stopping or recent is not self.recent

    def of(self, partition: int) -> PartitionLog:
        """A partition of the log, to read what is not in memory any more."""
        return PartitionLog(self._kafka, ARTICLES, partition)

    def request_stop(self) -> None:
        """Let `run` end, and wake all who wait."""
        self._is_stopping = True
        self._wake()

    async def news(self, within: timedelta) -> None:
        """Wait until something happens, or for so long."""
        await pause(within.total_seconds(), unless=self._news)

    async def run(self) -> None:
        """Follow the log until `request_stop`; while Kafka is away, nothing is said."""
        while not self._is_stopping:
            try:
                await self._follow()
            except (KafkaError, OSError, TransientError) as error:
                log.info("the stream lost its log, trying again", error=repr(error))
                await self.news(_PAUSE)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            **reading(self._kafka),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
            fetch_max_wait_ms=250,
        )
        try:
            await consumer.start()
            consumer.assign(self._partitions)
            begins = await consumer.beginning_offsets(self._partitions)
            ends = {tp: await end_offset(consumer, tp, self._kafka) for tp in self._partitions}
            if self.recent is None or any(not begins[tp] <= self._next[tp.partition] <= ends[tp] for tp in ends):
                self._begin_anew(begins, ends, await self._applied(ends))
            for tp in self._partitions:
                consumer.seek(tp, self._next[tp.partition])
            while not self._is_stopping:
                await self._take(consumer)
                await self._release()
        finally:
            await consumer.stop()

    async def _applied(self, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Before which offset queries answer with everything; the end of a partition that cannot be asked now."""
        reached = await asyncio.gather(*(self._store.reached(tp.partition) for tp in ends), return_exceptions=True)
        applied = dict(ends)
        for tp, found in zip(ends, reached, strict=True):
            if isinstance(found, int):
                applied[tp] = min(found, ends[tp])
            elif not isinstance(found, TransientError):  # it is away or restored
                raise found
        return applied

    def _begin_anew(
        self,
        begins: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
        applied: Mapping[TopicPartition, int],
    ) -> None:
        """At the start, and when the topic was made anew: then those who read the former one are to come back.

        What is not applied yet is held back like what comes: it could not be read back from the log.
        """
        self._next = {
            tp.partition: max(begins[tp], min(ends[tp] - _BEFORE_THE_END, applied[tp])) for tp in self._partitions
        }
        self._old_before = {tp.partition: ends[tp] for tp in self._partitions}
        self._held = {tp.partition: HeldEvents() for tp in self._partitions}
        self.recent = RecentEvents(
            [self._next[tp.partition] for tp in self._partitions],
            known=[applied[tp] for tp in self._partitions],
            most_bytes=self._most_bytes,
        )
        self._wake()

    async def _take(self, consumer: AIOKafkaConsumer) -> None:
        with_room = [tp for tp in self._partitions if self._held[tp.partition].bytes < self._most_held_bytes]
        if not with_room:
            await asyncio.sleep(_LOOK.total_seconds())
            return
        wait = _LOOK if self.held else _PAUSE
        batches = await consumer.getmany(*with_room, timeout_ms=wait // timedelta(milliseconds=1), max_records=_AT_ONCE)
        for tp, records in batches.items():
            for record in records:
                self._held[tp.partition].hold(record.offset, self._said_of(record))
                self._next[tp.partition] = record.offset + 1

    def _said_of(self, record: ConsumerRecord) -> Announcement | None:
        try:
            event = event_of(record)
        except PoisonError:  # the projector parks it
            return None
        if event is None:
            return None
        return announcement(event, replayed=record.offset < self._old_before[record.partition])

    async def _release(self) -> None:
        """Say what queries answer with by now."""
        assert self.recent is not None
        said = False
        for partition, held in self._held.items():
            if not held:
                continue
            try:
                reached = await self._store.reached(partition)
            except TransientError as error:  # also while it is restored: nobody could ask for the article
                log.debug("events are held back", partition=partition, reason=str(error))
                continue
            for offset, announced in held.before(reached):
                if announced is None:
                    self.recent.pass_over(partition, offset + 1)
                else:
                    self.recent.add(announced, partition, offset)
                    said = True
        if said:
            self._wake()

    def _wake(self) -> None:
        woken, self._news = self._news, asyncio.Event()
        woken.set()
