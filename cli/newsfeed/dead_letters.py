"""``newsfeed dead-letters``: look at parked records, and have one applied again where it failed."""

import asyncio
from collections.abc import AsyncIterator

import typer
from rich.console import Console
from rich.table import Table

from news_shared.errors import PoisonError
from news_shared.projection.dead_letters import DeadLetter
from news_shared.projection.log import PartitionLog
from news_shared.settings import KafkaSettings, ProcessSettings, read_settings
from news_shared.topics import DEAD_LETTERS

dead_letters = typer.Typer(help="Records that could not be applied, with their reasons.", no_args_is_help=True)


@dead_letters.command(name="list")
def list_parked() -> None:
    """Show what is parked, oldest first."""
    table = Table("Record", "Group", "When", "Why")
    for letter in asyncio.run(_all()):
        where = f"{letter.topic}/{letter.partition}/{letter.offset}"
        table.add_row(where, letter.group, f"{letter.time:%Y-%m-%d %H:%M:%S}", letter.error)
    Console().print(table if table.row_count else "Nothing is parked.")


async def _all() -> list[DeadLetter]:
    kafka, process = read_settings(KafkaSettings), read_settings(ProcessSettings)
    found: dict[tuple[str, int, int, str], DeadLetter] = {}  # a crash after parking parks again: show it once
    for partition in range(process.partitions):
        async for letter in _letters(PartitionLog(kafka, DEAD_LETTERS, partition)):
            found.setdefault((letter.topic, letter.partition, letter.offset, letter.group), letter)
    return sorted(found.values(), key=lambda letter: letter.time)


async def _letters(log: PartitionLog) -> AsyncIterator[DeadLetter]:
    bounds = await log.bounds()
    async for records in log.read(bounds.begin, bounds.end):
        for record in records:
            try:
                yield DeadLetter.of(record)
            except PoisonError as error:
                Console(stderr=True).print(f"{DEAD_LETTERS}/{log.partition}/{record.offset}: {error}")
