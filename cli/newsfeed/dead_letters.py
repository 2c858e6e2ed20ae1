"""``newsfeed dead-letters``: look at parked records, and have one applied again where it failed."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_fixed

from news_shared.errors import LogMismatchError, PoisonError, TransientError
from news_shared.projection.dead_letters import DeadLetter
from news_shared.projection.log import PartitionLog
from news_shared.projection.state import replay_key
from news_shared.redis_client import open_redis, redis_errors
from news_shared.settings import KafkaSettings, ProcessSettings, RedisSettings, read_settings
from news_shared.topics import DEAD_LETTERS, check_topics
from newsfeed.ingest_calls import failure

T = TypeVar("T")

dead_letters = typer.Typer(help="Records that could not be applied, with their reasons.", no_args_is_help=True)


@dataclass(frozen=True)
class Parked:
    """A dead letter, and where it stands."""

    letter: DeadLetter
    position: str  # in the dead letters

    @property
    def name(self) -> str:
        """Where the record stood that could not be applied."""
        return f"{self.letter.topic}/{self.letter.partition}/{self.letter.offset}"


@dead_letters.command(name="list")
def list_parked() -> None:
    """Show what is parked, oldest first."""
    table = Table("Record", "Group", "When", "Why")
    for parked in _found(_all()):
        letter = parked.letter
        what = (parked.name, letter.group, f"{letter.time:%Y-%m-%d %H:%M:%S}", letter.error)
        table.add_row(*map(escape, what))
    Console().print(table if table.row_count else "Nothing is parked.")


@dead_letters.command()
def replay(
    record: str = typer.Argument(help="As `list` shows it: topic/partition/offset."),
    group: str | None = typer.Option(None, help="Which group applies it again, when several parked it."),
    patience: float = typer.Option(30, help="Seconds to wait until its projector has taken it up."),
) -> None:
    """Have a parked record applied again by the projection that failed, once; it stays in the list."""
    Console().print(_found(_replay(record, group, patience)), highlight=False, markup=False)


def _found(looking: Coroutine[object, object, T]) -> T:
    try:
        return asyncio.run(looking)
    except (PoisonError, TransientError, LogMismatchError) as error:
        raise failure(str(error)) from error


async def _replay(name: str, group: str | None, patience: float) -> str:
    found = [parked for parked in await _all() if parked.name == name and group in (None, parked.letter.group)]
    if not found:
        raise PoisonError(f"{name} is not parked. See: newsfeed dead-letters list")
    if len(found) > 1:
        groups = ", ".join(parked.letter.group for parked in found)
        raise PoisonError(f"{name} was parked by several groups; choose one with --group: {groups}")
    [parked] = found
    key = replay_key(parked.letter.tag, parked.letter.topic, parked.letter.partition)
    async with open_redis(read_settings(RedisSettings)) as redis:

        async def is_waiting() -> bool:
            with redis_errors("waiting for the projector"):
                return parked.position.encode() in await redis.lrange(key, 0, -1)

        with redis_errors("asking for a replay"):
            if not await is_waiting():
                await redis.rpush(key, parked.position)
        try:
            await AsyncRetrying(retry=retry_if_result(bool), wait=wait_fixed(0.1), stop=stop_after_delay(patience))(
                is_waiting
            )
        except RetryError:
            return f"Asked for. {parked.letter.group} has not taken it up yet: is it running?"
    return f"{parked.letter.group} took it up. If it failed again, its log says why."


async def _all() -> list[Parked]:
    kafka, partitions = read_settings(KafkaSettings), read_settings(ProcessSettings).partitions
    await check_topics(kafka, partitions)
    return await all_parked(kafka, partitions)


async def all_parked(kafka: KafkaSettings, partitions: int) -> list[Parked]:
    """Every dead letter, the oldest first.

    Raises:
        TransientError: Kafka is away.
    """
    found: dict[tuple[str, str], Parked] = {}  # a crash after parking parks again: show it once
    for partition in range(partitions):
        async for parked in _parked_in(PartitionLog(kafka, DEAD_LETTERS, partition)):
            found.setdefault((parked.name, parked.letter.group), parked)
    return sorted(found.values(), key=lambda parked: parked.letter.time)


async def _parked_in(log: PartitionLog) -> AsyncIterator[Parked]:
    bounds = await log.bounds()
    async for records in log.read(bounds.begin, bounds.end):
        for record in records:
            try:
                yield Parked(DeadLetter.of(record), f"{log.partition}/{record.offset}")
            except PoisonError as error:
                Console(stderr=True).print(f"{DEAD_LETTERS}/{log.partition}/{record.offset}: {error}", markup=False)
