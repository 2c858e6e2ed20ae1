"""Totals of views in files of other systems: what a file says, summed by article and day, or all that is wrong with it.

An article has the name that the file knows: our id, ``source:guid``, a URL, or for GoatCounter a path.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from news_shared.article_ids import parse_article_id
from news_shared.errors import PoisonError


class Format(StrEnum):
    """What kind of file it is."""

    CSV = "csv"
    GOATCOUNTER = "goatcounter"


class NameAndDay(NamedTuple):
    """What a total is of."""

    name: str
    day: date | None  # None: of days that nobody knows


@dataclass
class Total:
    """Views and readers, and where the file speaks of them."""

    line: int  # the first
    lines: int = 0
    views: int = 0
    readers: int = 0

    def add(self, views: int, readers: int, lines: int = 1) -> None:
        """Add another line of the same."""
        self.lines += lines
        self.views += views
        self.readers += readers


@dataclass
class FileTotals:
    """What a whole file says."""

    form: Format
    totals: dict[NameAndDay, Total] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


class _Row(NamedTuple):
    name: str
    day: date | None
    views: int
    readers: int


_Cells = Mapping[str, str]
_GOATCOUNTER_HEADER: Final = re.compile(r"(\d+)Path")
_GOATCOUNTER_VERSIONS: Final = {"1", "2"}
_TRUE: Final = {"true", "1"}
_SEPARATORS: Final = ",;\t"


def read_totals(path: Path, form: Format | None = None) -> FileTotals:
    """Read a file, ``.gz`` or not.

    Args:
        form: None: the header tells.
    """
    try:
        with _text(path) as file:
            return _read(file, form)
    except UnicodeDecodeError:
        return FileTotals(form or Format.CSV, errors=["it is not UTF-8: save it as CSV in UTF-8"])
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        return FileTotals(form or Format.CSV, errors=[f"it cannot be unpacked: {error}"])


def _text(path: Path) -> TextIO:
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    if is_packed:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _read(file: TextIO, form: Format | None) -> FileTotals:
    first = file.readline()
    header = next(csv.reader([first], delimiter=_separator(first)), [])
    goatcounter = _GOATCOUNTER_HEADER.fullmatch(header[0].strip()) if header else None
    found = FileTotals(form or (Format.GOATCOUNTER if goatcounter else Format.CSV))
    if found.form is Format.GOATCOUNTER:
        if goatcounter is None or goatcounter[1] not in _GOATCOUNTER_VERSIONS:
            found.errors.append("line 1: not the header of a GoatCounter export of version 1 or 2, 2Path,Title,Event,…")
            return found
        header[0] = "Path"
    columns = [name.strip().lower() for name in header]
    needed, read_row = _READERS[found.form]
    missing = [name for name in needed if name not in columns]
    if missing:
        found.errors.append(f"line 1: no column {', '.join(missing)}; the first line must name the columns")
        return found
    for line, cells in _rows(file, first, columns, found.errors):
        try:
            row = read_row(cells)
        except ValueError as error:
            found.errors.append(f"line {line}: {error}")
            continue
        if row is not None:
            total = found.totals.setdefault(NameAndDay(row.name, row.day), Total(line))
            total.add(row.views, row.readers)
    if not found.totals and not found.errors:
        found.errors.append("there is nothing to import in it")
    return found


def _separator(header: str) -> str:
    return max(_SEPARATORS, key=header.count)


def _rows(file: TextIO, header: str, columns: list[str], errors: list[str]) -> Iterator[tuple[int, _Cells]]:
    """Lines with their numbers in the file; a line with other columns than the header is an error."""
    rows = csv.reader(file, delimiter=_separator(header), strict=True)
    while True:
        line = rows.line_num + 2  # the header was read before
        try:
            cells = next(rows, None)
        except csv.Error as error:
            errors.append(f"line {line}: {error}")
            continue
        if cells is None:
            return
        if len(cells) == len(columns):
            yield line, dict(zip(columns, map(str.strip, cells), strict=True))
        elif cells:
            errors.append(f"line {line}: {len(cells)} columns, the header has {len(columns)}")


def _csv_row(cells: _Cells) -> _Row:
    name = cells["article"]
    if not is_address(name):
        try:
            parse_article_id(name)
        except PoisonError as error:
            raise ValueError(f"article: {error}, nor a URL") from error
    day = cells.get("day", cells.get("date", ""))
    return _Row(name, _day(day) if day else None, _number(cells, "views"), _number(cells, "readers", "0"))


def is_address(name: str) -> bool:
    """Whether an article is named by its URL."""
    return name.startswith(("http://", "https://"))


def _day(text: str) -> date:
    try:
        if len(text) != len("2026-01-15"):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"day: {text[:50]!r} is not a date as 2026-01-15") from None


def _number(cells: _Cells, name: str, default: str = "") -> int:
    text = cells.get(name) or default
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise ValueError(f"{name}: {text[:50]!r} is not a whole number")
    return int(text)


def _goatcounter_row(cells: _Cells) -> _Row | None:
    """A page view; None for an event or a bot, which are no views here either."""
    if cells["event"].lower() in _TRUE or cells["bot"] not in {"", "0"}:
        return None
    try:
        time = datetime.fromisoformat(cells["date"])
        day = (time.astimezone(UTC) if time.tzinfo else time).date()
    except (ValueError, OverflowError):
        raise ValueError(f"Date: {cells['date'][:50]!r} is not a time as 2026-01-15T12:00:00Z") from None
    return _Row("/" + cells["path"].lstrip("/"), day, 1, int(cells["firstvisit"].lower() in _TRUE))


_READERS: Final[Mapping[Format, tuple[tuple[str, ...], Callable[[_Cells], _Row | None]]]] = {
    Format.CSV: (("article", "views"), _csv_row),
    Format.GOATCOUNTER: (("path", "event", "bot", "firstvisit", "date"), _goatcounter_row),
}
