"""``newsfeed restore``: a backup into a fresh cluster, before the services start there."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import typer
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_fixed

from news_shared.errors import LogMismatchError, PoisonError, TransientError
from news_shared.kafka import connection, kafka_errors
from news_shared.producer import stop_client
from news_shared.projection.contract import hash_tag
from news_shared.projection.state import StateKeys
from news_shared.redis_client import open_redis, redis_errors
from news_shared.settings import KafkaSettings, ProcessSettings, RedisSettings, read_settings
from news_shared.topics import DEAD_LETTERS, MAX_RECORD_BYTES, SUBMISSIONS, create_topics, used_topics
from newsfeed.backup import BARS, Done, bounds_of
from newsfeed.backup_file import BackupReader, Saved, counted
from newsfeed.backup_offsets import moved

_AT_ONCE = 500
_PATIENCE_SECONDS = 60
_SERVICES = ("ingest", "views", "feed")  # of each, a key in Redis for each partition tells that it has run


def restore(file: Path = typer.Argument(help="As `newsfeed backup` wrote it.")) -> None:
    """Write a backup into a cluster whose topics are empty; start the services afterwards.

    Redis must be empty as well: everything in it comes back from the topics. Until all is written, the topic
    news.dead-letters is missing, so that no service starts on a half; were it interrupted, begin with a fresh cluster.
    """
    kafka, process, redis = read_settings(KafkaSettings), read_settings(ProcessSettings), read_settings(RedisSettings)
    console = Console(stderr=True, highlight=False)
    try:
        console.print(f"Checking {file} …", soft_wrap=True, markup=False)
        saved = BackupReader(file)
        records = counted(saved.manifest.records)
        with Progress(*BARS, console=console) as shown:
            task = shown.add_task("restoring", total=sum(records.values()))
            asyncio.run(
                restore_backup(
                    kafka,
                    redis,
                    process.partitions,
                    saved,
                    lambda done, total: shown.update(task, completed=done, total=total),
                )
            )
    except (TransientError, LogMismatchError, PoisonError) as error:
        console.print(f"[red]Not restored: {escape(str(error))}[/]", soft_wrap=True)
        raise typer.Exit(1) from error
    for topic, number in records.items():
        console.print(f"  {topic:18} {number:>10,} records")
    console.print(f"Restored as of {saved.header.taken_at}. Start the services now.")


async def restore_backup(
    kafka: KafkaSettings, redis: RedisSettings, partitions: int, saved: BackupReader, progress: Done
) -> None:
    """Write all records where they were, with the offsets that they name moved.

    Raises:
        LogMismatchError: this is no fresh cluster, or has another number of partitions; nothing was written.
        TransientError: Kafka or Redis went away: begin again with a fresh cluster.
    """
    if saved.header.partitions != partitions:
        raise LogMismatchError(
            f"the backup has {saved.header.partitions} partitions and NEWS_PARTITIONS is {partitions}. Set it to "
            f"{saved.header.partitions}: an article's partition follows from the number."
        )
    await _check_redis(redis, partitions)
    await _check_empty(kafka)  # before topics are made: one that is missing is what tells of a half
    await create_topics(kafka, partitions)
    await _remove_last_topic(kafka)
    await _write(kafka, saved, progress)
    await _check_written(kafka, saved)
    await _create_last_topic(kafka, partitions)


async def _check_redis(settings: RedisSettings, partitions: int) -> None:
    async with open_redis(settings) as redis:
        for service in _SERVICES:
            for partition in range(partitions):
                key = StateKeys(hash_tag(service, partition), SUBMISSIONS, partition).live
                with redis_errors("looking whether services have run here"):
                    if await redis.exists(key):
                        raise LogMismatchError(
                            f"Redis holds {key}: services have run here. Stop them and empty Redis; what it holds "
                            "comes back from the topics."
                        )


async def _check_empty(kafka: KafkaSettings) -> None:
    if used := await used_topics(kafka):
        raise LogMismatchError(
            f"records are or were in {', '.join(used)}. A backup goes into a fresh cluster: delete all topics news.* "
            "with Kafka's tools, empty Redis, and begin again."
        )


async def _write(kafka: KafkaSettings, saved: BackupReader, progress: Done) -> None:
    client = AIOKafkaProducer(
        **connection(kafka),
        acks="all",
        enable_idempotence=kafka.transactions,
        max_request_size=MAX_RECORD_BYTES,
        max_batch_size=512 * 1024,
        linger_ms=5,
    )
    try:
        with kafka_errors("restoring"):
            await client.start()
            done = 0
            for records in _chunks(saved):
                sent = [await _send(client, moved(record, saved.manifest.starts)) for record in records]
                await asyncio.gather(*sent)
                done += len(records)
                progress(done, sum(counted(saved.manifest.records).values()))
    finally:
        await stop_client(client)


def _chunks(saved: BackupReader) -> Iterator[Sequence[Saved]]:
    records = iter(saved)
    while chunk := list(islice(records, _AT_ONCE)):
        yield chunk


async def _send(client: AIOKafkaProducer, record: Saved) -> "asyncio.Future[object]":
    return await client.send(  # type: ignore[no-any-return]  # aiokafka is untyped
        record.topic,
        value=record.value,
        key=record.key,
        partition=record.partition,
        timestamp_ms=record.timestamp_ms,
        headers=list(record.headers),
    )


async def _check_written(kafka: KafkaSettings, saved: BackupReader) -> None:
    """A client that repeats a write may have doubled it where the broker knows no idempotent producers."""
    written = await bounds_of(kafka, saved.header.topics, saved.header.partitions)
    for topic, records in saved.manifest.records.items():
        for partition, (bounds, number) in enumerate(zip(written[topic], records, strict=True)):
            if bounds.end != number:
                raise LogMismatchError(
                    f"{topic}/{partition} has {bounds.end} records instead of {number}. Begin again with a fresh "
                    "cluster."
                )


async def _remove_last_topic(kafka: KafkaSettings) -> None:
    """Without it no service starts."""
    with kafka_errors(f"removing {DEAD_LETTERS}"):
        admin = AIOKafkaAdminClient(**connection(kafka))

        async def is_there() -> bool:
            return DEAD_LETTERS in await admin.list_topics()

        try:
            await admin.start()
            await admin.delete_topics([DEAD_LETTERS])
            await _while(is_there)
        finally:
            await admin.close()


async def _create_last_topic(kafka: KafkaSettings, partitions: int) -> None:
    async def was_missing() -> bool:
        return bool(await create_topics(kafka, partitions, ends_restore=True))

    await _while(was_missing)  # the broker may not be through with deleting it


async def _while(condition: Callable[[], Awaitable[bool]]) -> None:
    retrying = AsyncRetrying(
        retry=retry_if_result(bool), wait=wait_fixed(0.1), stop=stop_after_delay(_PATIENCE_SECONDS)
    )
    try:
        await retrying(condition)
    except RetryError as error:
        raise TransientError(f"Kafka does not delete and create {DEAD_LETTERS}. Begin again.") from error
