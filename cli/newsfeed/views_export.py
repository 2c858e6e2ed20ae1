"""``newsfeed views export``: what was counted of each article on each day, from the changelog of the counts.

The changelog is a published record (docs/schemas/view-counts.v1.json), so the export needs neither Redis nor the views
service; it is as old as the projector's last flush (10 s).
"""

import asyncio
import csv
import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import typer
from rich.console import Console

from news_shared.errors import LogMismatchError, TransientError
from news_shared.projection.log import PartitionLog
from news_shared.settings import KafkaSettings, ProcessSettings, read_settings
from news_shared.topics import VIEW_COUNTS, check_topics

_REASONS: Final = ("bot", "prefetch", "repeat", "opted_out", "burst", "unknown")
_UNDATED: Final = "1970-01-01"  # of imported totals whose days nobody knows
_COLUMNS: Final = ("article", "state", "day", "views", "readers", *_REASONS)


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    NDJSON = "ndjson"


def export(
    to: Annotated[Path | None, typer.Argument(help="File; the terminal when it is left out.")] = None,
    form: Annotated[Format, typer.Option("--format", help="csv has a header line.")] = Format.CSV,
) -> None:
    """Write views, readers and what did not count, one row per article and day (UTC); imported ones are in them.

    A file that was there is replaced when all rows are written, and stays as it was when they are not.
    """
    try:
        if to is None:
            rows = asyncio.run(_export(sys.stdout, form))
        else:
            with _written_whole(to) as file:
                rows = asyncio.run(_export(file, form))
    except TransientError as error:
        raise SystemExit(f"Kafka does not answer: {error}") from None
    except LogMismatchError as error:
        raise SystemExit(str(error)) from None
    Console(stderr=True).print(f"{rows:,} rows")


@contextmanager
def _written_whole(to: Path) -> Iterator[TextIO]:
    """A file beside it that takes its place in the end; what is no file, as a pipe, is written at once."""
    is_plain = to.is_file() or not to.exists()
    place = to.resolve()
    beside = place.with_name(f"{place.name}.partial") if is_plain else place
    try:
        file = beside.open("w", encoding="utf-8", newline="")
    except OSError as error:
        told = f"{to} cannot be written: {error.strerror}. Name a file in a folder that is there."
        raise SystemExit(told) from None
    try:
        with file:
            yield file
        if is_plain:
            beside.replace(place)
    except BaseException:
        if is_plain:
            beside.unlink(missing_ok=True)
        raise


async def _export(file: TextIO, form: Format) -> int:
    kafka, process = read_settings(KafkaSettings), read_settings(ProcessSettings)
    await check_topics(kafka, process.partitions)  # with fewer partitions a part would be left out
    table = csv.DictWriter(file, _COLUMNS)
    if form is Format.CSV:
        table.writeheader()
    count = 0
    for partition in range(process.partitions):
        async for row in _rows(PartitionLog(kafka, VIEW_COUNTS, partition)):
            count += 1
            if form is Format.CSV:
                table.writerow(row)
            else:
                file.write(json.dumps(row) + "\n")
    return count


async def _rows(log: PartitionLog) -> AsyncIterator[Mapping[str, Any]]:
    """The rows of one partition, by article and day; all of one partition's keys are in memory meanwhile."""
    last: dict[bytes, bytes] = {}
    bounds = await log.bounds()
    async for records in log.read_to_end(bounds.begin):
        for record in records:
            if record.value is None:
                last.pop(record.key, None)
            else:
                last[record.key] = record.value
    for key in sorted(last):
        article, is_day, day = key.decode().partition("|")
        if not is_day:
            continue
        counts = json.loads(last[key])
        imports = counts.get("imports", {}).values()
        standing = last.get(article.encode())
        yield {
            "article": article,
            "state": json.loads(standing)["state"] if standing else "",
            "day": "" if day == _UNDATED else day,
            "views": sum(counts["hours"]) + sum(imported["views"] for imported in imports),
            "readers": counts["readers"] + sum(imported["readers"] for imported in imports),
            **{reason: counts["filtered"].get(reason, 0) for reason in _REASONS},
        }
