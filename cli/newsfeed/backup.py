"""``newsfeed backup``: everything that was accepted, in one file, while the services go on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import typer
from aiokafka import ConsumerRecord
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from news_shared.clock import system_clock
from news_shared.errors import LogMismatchError, PoisonError, TransientError
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

Done: TypeAlias = Callable[[int], object]
"""Is told how many records are done."""

BARS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
_LOOKS_BACK = timedelta(hours=1)
"""Beacons before the counted ones: they open sessions again, and some wait for their article (10 minutes)."""
_SETTLED = timedelta(milliseconds=500)
_TRIES = 60
_APPEND_TIME = 1  # timestamp type of a topic whose broker sets the time


def backup(
    to: Path = typer.Argument(help="A file that is not there yet, or a folder to make one in."),
) -> None:
    """Save all articles, holds, sources, counts, vectors and curation in one file, and what is not decided or counted.

    The services go on meanwhile. Restore it into a fresh cluster with: newsfeed restore FILE
    """
    now = system_clock()
    path = to / f"newsfeed-{now:%Y%m%dT%H%M%SZ}.backup" if to.is_dir() else to
    console = Console(stderr=True)
    if path.exists():
        console.print(f"[red]{path} is there already; a backup is never overwritten.[/]", highlight=False)
        raise typer.Exit(1)
    kafka, process = read_settings(KafkaSettings), read_settings(ProcessSettings)
    try:
        with Progress(*BARS, console=console) as shown:
            task = shown.add_task("backing up", total=None)
            records = asyncio.run(
                take_backup(kafka, process.partitions, path, lambda done: shown.update(task, completed=done))
            )
    except (TransientError, LogMismatchError, PoisonError, OSError) as error:
        console.print(f"[red]No backup was taken: {error}[/]", highlight=False)
        raise typer.Exit(1) from error
    for topic, number in records.items():
        console.print(f"  {topic:18} {number:>10,} records", highlight=False)
    console.print(f"{path}: {path.stat().st_size:,} bytes. It holds secret texts: keep it as such.", highlight=False)


async def take_backup(kafka: KafkaSettings, partitions: int, path: Path, progress: Done) -> dict[str, int]:
    """Write a backup; returns the number of records of each topic.

    Raises:
        LogMismatchError: the topics are not as they must be.
        TransientError: Kafka does not answer, or articles are written without a pause.
    """
    await check_topics(kafka, partitions)
    ends = await _settled_ends(kafka, partitions)
    with writing_backup(path, partitions=partitions, topics=TOPICS, now=system_clock()) as writer:
        source = _Source(kafka, partitions, writer, progress)
        submissions = [(await source.bounds(SUBMISSIONS, partition)).begin for partition in range(partitions)]
        for topic in (ARTICLES, HOLDS):
            for partition, end in enumerate(ends[topic]):
                async for saved in source.copied(topic, partition, None, end):
                    offset = decided_by(saved)
                    if offset is not None:
                        submissions[partition] = max(submissions[partition], offset + 1)
        await source.copy_undecided(submissions)
        for topic in (SOURCES, CURATION, VECTORS):
            for partition in range(partitions):
                async for _ in source.copied(topic, partition, None, None):
                    pass
        await source.copy_views()
    return counted(writer.manifest.records)


class _Source:
    """The topics that are copied."""

    def __init__(self, kafka: KafkaSettings, partitions: int, writer: BackupWriter, progress: Done) -> None:
        self._kafka = kafka
        self._partitions = partitions
        self._writer = writer
        self._progress = progress
        self._done = 0

    async def bounds(self, topic: str, partition: int) -> Bounds:
        return await self._log(topic, partition).bounds()

    async def copied(self, topic: str, partition: int, start: int | None, end: int | None) -> AsyncIterator[Saved]:
        """Copy a range; None: the log's beginning, or its end as of now."""
        bounds = await self.bounds(topic, partition)
        log = self._log(topic, partition)
        begin, stop = bounds.begin if start is None else start, bounds.end if end is None else end
        async for records in log.read(begin, stop):
            for record in records:
                if topic == SUBMISSIONS and _is_expired(record):
                    continue
                saved = _saved(record)
                self._writer.add(saved)
                yield saved
            self._done += len(records)
            self._progress(self._done)

    async def copy_undecided(self, starts: list[int]) -> None:
        """Submissions after the last one that an article or a hold comes from: deciding one again changes nothing."""
        self._writer.manifest.starts[SUBMISSIONS] = starts
        for partition, start in enumerate(starts):
            async for _ in self.copied(SUBMISSIONS, partition, start, None):
                pass

    async def copy_views(self) -> None:
        """The counts, and of the beacons those that are not in them and those that are still remembered."""
        starts = []
        for partition in range(self._partitions):
            begin = (await self.bounds(VIEWS, partition)).begin
            counted_to, log_ms = 0, 0
            async for saved in self.copied(VIEW_COUNTS, partition, None, None):
                counted_to, log_ms = counted_before(saved) or (counted_to, log_ms)
            if counted_to < begin:
                raise LogMismatchError(
                    f"{VIEWS}/{partition} begins at offset {begin}, but {VIEW_COUNTS} has counts up to {counted_to} "
                    "only. Is a views projector running? Let it catch up first."
                )
            looked_back = log_ms - _LOOKS_BACK // timedelta(milliseconds=1)
            starts.append(max(begin, min(counted_to, await self._log(VIEWS, partition).offset_at(looked_back))))
        self._writer.manifest.starts[VIEWS] = starts
        for partition, start in enumerate(starts):
            expected = start
            async for saved in self.copied(VIEWS, partition, start, None):
                if saved.offset != expected:
                    raise LogMismatchError(f"{VIEWS}/{partition} has no record at offset {expected}, but later ones")
                expected += 1

    def _log(self, topic: str, partition: int) -> PartitionLog:
        return PartitionLog(self._kafka, topic, partition)


async def _settled_ends(kafka: KafkaSettings, partitions: int) -> dict[str, list[int]]:
    """Ends of articles and holds, which are written together, at a moment when nobody writes either.

    Raises:
        TransientError: there was none.
    """
    found: dict[int, tuple[int, int]] = {}
    before: dict[int, tuple[int, int]] = {}
    for _ in range(_TRIES):
        for partition in range(partitions):
            if partition in found:
                continue
            now = (
                (await PartitionLog(kafka, ARTICLES, partition).bounds()).end,
                (await PartitionLog(kafka, HOLDS, partition).bounds()).end,
            )
            if before.get(partition) == now:
                found[partition] = now
            before[partition] = now
        if len(found) == partitions:
            return {
                topic: [found[p][place] for p in range(partitions)] for place, topic in enumerate((ARTICLES, HOLDS))
            }
        await asyncio.sleep(_SETTLED.total_seconds())
    raise TransientError("articles are written without a pause. Wait until the import is over.")


def _is_expired(record: ConsumerRecord) -> bool:
    """Whether its sender was told that it was not taken."""
    answer_by = dict(record.headers).get("answer_by", b"")
    appended_ms: int = record.timestamp
    return record.timestamp_type == _APPEND_TIME and answer_by.isdigit() and appended_ms > int(answer_by)


def _saved(record: ConsumerRecord) -> Saved:
    return Saved(
        record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers
    )
