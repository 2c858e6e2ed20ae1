"""``newsfeed backup``: everything that was accepted, in one file, while the services go on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import typer
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from news_shared.clock import system_clock
from news_shared.errors import LogMismatchError, PoisonError, TransientError
from news_shared.kafka import end_offset, kafka_errors, reading
from news_shared.projection.log import Bounds, PartitionLog
from news_shared.settings import KafkaSettings, ProcessSettings, read_settings
from news_shared.topics import (
    ARTICLES,
    CURATION,
    HOLDS,
    SOURCES,
    SUBMISSIONS,
    VECTORS,
    VIEW_COUNTS,
    VIEWS,
    check_topics,
)
from newsfeed.backup_file import BackupWriter, Saved, counted, writing_backup
from newsfeed.backup_offsets import counted_before, decided_by

TOPICS = (ARTICLES, HOLDS, SUBMISSIONS, SOURCES, CURATION, VECTORS, VIEW_COUNTS, VIEWS)
"""In this order: what names offsets of another topic is read before that."""

Done: TypeAlias = Callable[[int, int], object]
"""Is told how many records are done, and of how many that are known of."""

BARS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
_LOOKS_BACK = timedelta(hours=1)
"""Beacons before the counted ones: they open sessions again, and some wait for their article (10 minutes)."""
_SETTLED = timedelta(milliseconds=500)
_TRIES = 60
_ATTEMPTS = 5  # at reading, while Kafka is away
_PAUSE = timedelta(seconds=1)
_APPEND_TIME = 1  # timestamp type of a topic whose broker sets the time


def backup(
    to: Path = typer.Argument(help="A file that is not there yet, or a folder to make one in."),
) -> None:
    """Save all articles, holds, sources, counts, vectors and curation in one file, and what is not decided or counted.

    The services go on meanwhile. Restore it into a fresh cluster with: newsfeed restore FILE
    """
    now = system_clock()
    path = to / f"newsfeed-{now:%Y%m%dT%H%M%SZ}.backup" if to.is_dir() else to
    console = Console(stderr=True, highlight=False)
    if path.exists():
        console.print(f"[red]{escape(str(path))} is there already; a backup is never overwritten.[/]", soft_wrap=True)
        raise typer.Exit(1)
    kafka, process = read_settings(KafkaSettings), read_settings(ProcessSettings)
    try:
        with Progress(*BARS, console=console) as shown:
            task = shown.add_task("backing up", total=None)
            records = asyncio.run(
                take_backup(
                    kafka, process.partitions, path, lambda done, total: shown.update(task, completed=done, total=total)
                )
            )
            saved = sum(records.values())
            shown.update(task, completed=saved, total=saved)  # compacted topics have fewer records than offsets
    except (TransientError, LogMismatchError, PoisonError, OSError) as error:
        console.print(f"[red]No backup was taken: {escape(str(error))}[/]", soft_wrap=True)
        raise typer.Exit(1) from error
    for topic, number in records.items():
        console.print(f"  {topic:18} {number:>10,} records")
    size = f"{path}: {path.stat().st_size:,} bytes."
    console.print(f"{size} It holds secret texts: keep it as such.", soft_wrap=True, markup=False)


async def take_backup(kafka: KafkaSettings, partitions: int, path: Path, progress: Done) -> dict[str, int]:
    """Write a backup; returns the number of records of each topic.

    Raises:
        LogMismatchError: the topics are not as they must be.
        TransientError: Kafka does not answer, or articles are written without a pause.
    """
    await check_topics(kafka, partitions)
    settled = await _settled_ends(kafka, partitions)
    with writing_backup(path, partitions=partitions, topics=TOPICS, now=system_clock()) as writer:
        source = _Source(kafka, partitions, writer, progress)
        await source.expect((ARTICLES, HOLDS, SOURCES, CURATION, VECTORS, VIEW_COUNTS))
        submissions = [bounds.begin for bounds in await source.bounds(SUBMISSIONS)]
        for topic in (ARTICLES, HOLDS):
            for partition, bounds in enumerate(settled[topic]):
                async for saved in source.copied(topic, partition, bounds):
                    offset = decided_by(saved)
                    if offset is not None:
                        submissions[partition] = max(submissions[partition], offset + 1)
        # Those after the last one that an article or a hold comes from: deciding one again changes nothing.
        writer.manifest.starts[SUBMISSIONS] = submissions
        await source.copy(SUBMISSIONS, submissions)
        for topic in (SOURCES, CURATION, VECTORS):
            await source.copy(topic)
        writer.manifest.starts[VIEWS] = await source.copy_counts()
        await source.copy(VIEWS, writer.manifest.starts[VIEWS], gaps=False)
    return counted(writer.manifest.records)


class _Source:
    """The topics that are copied."""

    def __init__(self, kafka: KafkaSettings, partitions: int, writer: BackupWriter, progress: Done) -> None:
        self._kafka = kafka
        self._partitions = partitions
        self._writer = writer
        self._progress = progress
        self._done = 0
        self._total = 0

    async def bounds(self, topic: str) -> list[Bounds]:
        """What each partition of a topic holds now."""
        return (await bounds_of(self._kafka, [topic], self._partitions))[topic]

    async def expect(self, topics: Sequence[str]) -> None:
        """Say how much is to come from these; offsets without a record count as done at the end."""
        found = await bounds_of(self._kafka, topics, self._partitions)
        self._total += sum(bounds.end - bounds.begin for of_topic in found.values() for bounds in of_topic)

    async def copy(self, topic: str, starts: Sequence[int] | None = None, *, gaps: bool = True) -> None:
        """Copy a topic up to its end as of now, from its beginning or from these offsets.

        Raises:
            LogMismatchError: an offset between is missing, where it must not.
        """
        for partition, bounds in enumerate(await self.bounds(topic)):
            expected = bounds.begin if starts is None else starts[partition]
            self._total += 0 if starts is None else bounds.end - expected  # of the others it is known already
            async for saved in self.copied(topic, partition, Bounds(expected, bounds.end)):
                if not gaps and saved.offset != expected:
                    raise LogMismatchError(f"{topic}/{partition} has no record at offset {expected}, but later ones")
                expected = saved.offset + 1

    async def copied(self, topic: str, partition: int, bounds: Bounds) -> AsyncIterator[Saved]:
        """Copy a range, and go on where it was when Kafka is away for a moment."""
        position, log, failures = bounds.begin, PartitionLog(self._kafka, topic, partition), 0
        while True:
            try:
                async for records in log.read(position, bounds.end):
                    for record in records:
                        position, failures = record.offset + 1, 0
                        if topic == SUBMISSIONS and _is_expired(record):
                            continue
                        saved = _saved(record)
                        self._writer.add(saved)
                        yield saved
                    self._done += len(records)
                    self._progress(self._done, self._total)
                return
            except TransientError:
                failures += 1
                if failures == _ATTEMPTS:
                    raise
                await asyncio.sleep(_PAUSE.total_seconds())

    async def copy_counts(self) -> list[int]:
        """Copy the counts; returns where the beacons begin that are not in them, or are still remembered."""
        counts, views = await self.bounds(VIEW_COUNTS), await self.bounds(VIEWS)
        starts = []
        for partition in range(self._partitions):
            begin, (counted_to, log_ms) = views[partition].begin, (0, 0)
            async for saved in self.copied(VIEW_COUNTS, partition, counts[partition]):
                counted_to, log_ms = counted_before(saved) or (counted_to, log_ms)
            if counted_to < begin:
                raise LogMismatchError(
                    f"{VIEWS}/{partition} begins at offset {begin}, but {VIEW_COUNTS} has counts up to {counted_to} "
                    "only. Is a views projector running? Let it catch up first."
                )
            looked_back = log_ms - _LOOKS_BACK // timedelta(milliseconds=1)
            async for attempt in _patience():
                with attempt:
                    remembered = await PartitionLog(self._kafka, VIEWS, partition).offset_at(looked_back)
            starts.append(max(begin, min(counted_to, remembered)))
        return starts


async def bounds_of(kafka: KafkaSettings, topics: Sequence[str], partitions: int) -> dict[str, list[Bounds]]:
    """What each partition of some topics holds now, in the order of partitions.

    Raises:
        TransientError: Kafka does not answer.
    """
    async for attempt in _patience():
        with attempt:
            return await _bounds_of(kafka, topics, partitions)
    raise AssertionError("patience ends with an error")


async def _bounds_of(kafka: KafkaSettings, topics: Sequence[str], partitions: int) -> dict[str, list[Bounds]]:
    places = {topic: [TopicPartition(topic, partition) for partition in range(partitions)] for topic in topics}
    everything = [tp for of_topic in places.values() for tp in of_topic]
    with kafka_errors("asking where the logs begin and end"):
        consumer = AIOKafkaConsumer(
            **reading(kafka),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
        )
        try:
            await consumer.start()
            consumer.assign(everything)
            begins = await consumer.beginning_offsets(everything)
            ends = {tp: await end_offset(consumer, tp, kafka) for tp in everything}
        finally:
            await consumer.stop()
    return {topic: [Bounds(begins[tp], ends[tp]) for tp in of_topic] for topic, of_topic in places.items()}


async def _settled_ends(kafka: KafkaSettings, partitions: int) -> dict[str, list[Bounds]]:
    """Bounds of articles and holds, which are written together, at a moment when nobody writes either.

    Raises:
        TransientError: there was none.
    """
    found: dict[int, tuple[Bounds, Bounds]] = {}
    before: dict[int, tuple[Bounds, Bounds]] = {}
    for _ in range(_TRIES):
        now = await bounds_of(kafka, (ARTICLES, HOLDS), partitions)
        for partition, both in enumerate(zip(now[ARTICLES], now[HOLDS], strict=True)):
            if before.get(partition) == both:
                found.setdefault(partition, both)
            before[partition] = both
        if len(found) == partitions:
            return {
                topic: [found[p][place] for p in range(partitions)] for place, topic in enumerate((ARTICLES, HOLDS))
            }
        await asyncio.sleep(_SETTLED.total_seconds())
    raise TransientError("articles are written without a pause. Wait until the import is over.")


def _patience() -> AsyncRetrying:
    return AsyncRetrying(
        retry=retry_if_exception_type(TransientError),
        wait=wait_fixed(_PAUSE),
        stop=stop_after_attempt(_ATTEMPTS),
        reraise=True,
    )


def _is_expired(record: ConsumerRecord) -> bool:
    """Whether its sender was told that it was not taken."""
    answer_by = dict(record.headers).get("answer_by", b"")
    appended_ms: int = record.timestamp
    return record.timestamp_type == _APPEND_TIME and answer_by.isdigit() and appended_ms > int(answer_by)


def _saved(record: ConsumerRecord) -> Saved:
    return Saved(
        record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers
    )
