"""The stream of published, updated and withdrawn articles, as each reader gets it, from where he left off."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from datetime import timedelta

from aiokafka import ConsumerRecord

from news_feed.article_store import ArticleStore
from news_feed.recent_events import RecentEvents
from news_feed.stream_events import announcement, heartbeat
from news_feed.stream_log import StreamLog
from news_feed.stream_position import Offsets, position_text
from news_feed.timelines import Selection
from news_shared.articles import ArticleEvent, event_of
from news_shared.errors import OverloadError, PoisonError, TransientError
from news_shared.event_streams import Patience

_AT_ONCE_BYTES = 64 * 1024
_LOG_READERS = 4
"""Who read from the log at the same moment; the others wait. Each costs a connection and a fetch in memory."""
_UNAPPLIED_PAUSE = timedelta(seconds=1)


class ArticleStream:
    """What readers are told.

    Args:
        log: followed once for all of them.
        store: says which revision of an article is the newest.
        most: readers at a time.
    """

    def __init__(self, log: StreamLog, store: ArticleStore, *, most: int) -> None:
        self._log = log
        self._store = store
        self._most = most
        self._log_readers = asyncio.Semaphore(_LOG_READERS)
        self.readers = 0

    async def wait_for_log(self, within: timedelta) -> None:
        """Wait until the log is reached for the first time, or for so long.

        A browser takes a refusal for good, and after a restart of this process all of them come back at once.
        """
        now = asyncio.get_running_loop().time
        end = now() + within.total_seconds()
        while self._log.recent is None and (left := end - now()) > 0:
            await self._log.news(timedelta(seconds=left))

    @contextmanager
    def reading(self) -> Iterator[RecentEvents]:
        """Be a reader as long as the block runs.

        Raises:
            OverloadError: there are too many.
            TransientError: the log has not been reached yet.
        """
        recent = self._log.recent
        if recent is None:
            raise TransientError("the stream has not reached its log yet")
        if self.readers >= self._most:
            raise OverloadError(f"{self._most} read the stream already")
        self.readers += 1
        try:
            yield recent
        finally:
            self.readers -= 1

    async def messages(
        self, recent: RecentEvents, selection: Selection, begin: Offsets | None, patience: Patience
    ) -> AsyncIterator[bytes]:
        """Pieces of the event stream: what has happened since ``begin`` (None: nothing), and then what happens.

        Ends with the reader's patience, with the process, when the topic was made anew, or when he is so slow that
        what he has not heard is not in memory any more: he comes back with his last id and gets it from the log.

        Raises:
            TransientError: what he missed cannot be read now.
        """
        now = asyncio.get_running_loop().time
        end = now() + patience.life.total_seconds()
        silence = patience.heartbeat.total_seconds()
        came_from: list[int] | None = None  # until all that others have heard already is behind him
        if begin is None:
            came_from = list(recent.present)
            number = recent.end
            yield heartbeat(came_from, patience.heartbeat)
        else:
            came_from = list(begin)
            async for piece in self._missed(recent, selection, came_from, patience, end):
                yield piece
            number = recent.first
        spoke = now()
        while not self._log.is_over(recent) and now() < end:
            pieces, size = [], 0
            while number < recent.end and size < _AT_ONCE_BYTES:
                if number < recent.first:
                    return
                event = recent[number]
                number += 1
                event_id = event.id
                if came_from is not None:
                    if event.offset < came_from[event.partition]:
                        continue
                    came_from[:] = map(max, came_from, event.after)
                    event_id = position_text(came_from).encode()
                    if tuple(came_from) == event.after:
                        came_from = None
                said = event.announcement
                if said.text and said.concerns(selection):
                    pieces.append(b"id: %s\n%s\n" % (event_id, said.text))
                    size += len(pieces[-1])
            if pieces:
                yield b"".join(pieces)
                spoke = now()
            elif now() >= spoke + silence:
                yield heartbeat(came_from or recent.head, patience.heartbeat)
                spoke = now()
            elif number >= recent.end:
                await self._log.news(timedelta(seconds=max(min(spoke + silence, end) - now(), 0)))

    async def _missed(
        self, recent: RecentEvents, selection: Selection, came_from: list[int], patience: Patience, end: float
    ) -> AsyncIterator[bytes]:
        """What is to be read back from the log; moves ``came_from`` to where memory begins, or until ``end``."""
        now = asyncio.get_running_loop().time
        if await self._place_in_the_log(recent, came_from):
            yield b"event: reset\ndata: {}\n\n"
        while behind := [p for p, offset in enumerate(came_from) if offset < recent.start[p]]:
            for partition in behind:
                stop = recent.start[partition]
                while came_from[partition] < stop:
                    async for waiting in self._turn(came_from, patience):
                        yield waiting
                    try:
                        records = await self._some_records(partition, came_from[partition], stop)
                    finally:
                        self._log_readers.release()
                    while (pieces := await self._newest(partition, records, selection)) is None:
                        if self._log.is_over(recent) or now() >= end:
                            return
                        yield heartbeat(came_from, patience.heartbeat)
                        await asyncio.sleep(min(_UNAPPLIED_PAUSE, patience.heartbeat).total_seconds())
                    came_from[partition] = records[-1].offset + 1 if records else stop
                    yield b"%sid: %s\n\n" % (b"".join(pieces), position_text(came_from).encode())

    async def _place_in_the_log(self, recent: RecentEvents, came_from: list[int]) -> bool:
        """Set every offset that the log never had to the log's beginning; whether there was one."""
        was_elsewhere = False
        for partition, offset in enumerate(came_from):
            if offset > recent.head[partition]:  # what another process has said already, or of another log
                bounds = await self._log.of(partition).bounds()
                if offset > bounds.end:
                    came_from[partition] = bounds.begin
                    was_elsewhere = True
        return was_elsewhere

    async def _turn(self, came_from: Sequence[int], patience: Patience) -> AsyncIterator[bytes]:
        while True:
            try:
                await asyncio.wait_for(self._log_readers.acquire(), patience.heartbeat.total_seconds())
            except TimeoutError:
                yield heartbeat(came_from, patience.heartbeat)
            else:
                return

    async def _some_records(self, partition: int, start: int, stop: int) -> Sequence[ConsumerRecord]:
        log = self._log.of(partition)
        bounds = await log.bounds()
        async with aclosing(log.read(max(start, bounds.begin), stop)) as batches:
            return await anext(batches, ())

    async def _newest(
        self, partition: int, records: Sequence[ConsumerRecord], selection: Selection
    ) -> list[bytes] | None:
        """What is said of those records that are the newest of their article; None until all of them are applied.

        What was withdrawn or put right meanwhile is not said once more, and what replaced it comes further down.
        Before a record is applied the store lacks its revision as it lacks one that was replaced.
        """
        events = [event for record in records if (event := _event(record)) is not None]
        newest = await self._store.revisions(partition, list({event.id: None for event in events}))
        if records and newest.reached <= records[-1].offset:
            return None
        said = (
            announcement(event, replayed=True) for event in events if event.article.revision == newest.of.get(event.id)
        )
        return [one.text + b"\n" for one in said if one.concerns(selection)]


def _event(record: ConsumerRecord) -> ArticleEvent | None:
    try:
        return event_of(record)
    except PoisonError:
        return None
