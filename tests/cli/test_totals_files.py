"""Files of totals: what they say, and what is wrong with them, by line."""

import csv
import gzip
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsfeed.totals_files import FileTotals, Format, read_totals

JUNE_30 = date(2025, 6, 30)
EXPORT = Path(__file__).parent / "goatcounter-export.csv.gz"
"""As GoatCounter 2.7.0 wrote it, of five hits that were sent to it: three on one path, one an event."""


def a_file(folder: Path, content: str | bytes, name: str = "totals.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def summed(found: FileTotals) -> dict[tuple[str, date | None], tuple[int, int, int, int]]:
    return {
        (of.name, of.day): (total.line, total.lines, total.views, total.readers) for of, total in found.totals.items()
    }


def test_a_table_is_summed_by_article_and_day(tmp_path: Path) -> None:
    found = read_totals(
        a_file(
            tmp_path,
            "\ufeffArticle, Day ,views,title,readers\r\n"
            'herald:ferry,2025-06-30,7,"Ferry, ""new""",5\r\n'
            "\r\n"
            'https://herald.example/a,,100,"two\nlines",\r\n'
            "herald:ferry,2025-06-30,1,,1\r\n"
            "herald:ferry,2025-07-01,0,,0\r\n",
        )
    )
    assert (found.form, found.errors) == (Format.CSV, [])
    assert summed(found) == {
        ("herald:ferry", JUNE_30): (2, 2, 8, 6),
        ("https://herald.example/a", None): (4, 1, 100, 0),
        ("herald:ferry", date(2025, 7, 1)): (7, 1, 0, 0),
    }


def test_articles_and_views_are_enough_and_semicolons_as_good_as_commas(tmp_path: Path) -> None:
    for separator in (",", ";", "\t"):
        table = f"article{separator}views\nherald:ferry{separator}7\n"
        assert summed(read_totals(a_file(tmp_path, table))) == {("herald:ferry", None): (2, 1, 7, 0)}


def test_goatcounters_own_export_counts_page_views_and_first_visits_by_day_in_utc() -> None:
    found = read_totals(EXPORT)
    assert (found.form, found.errors) == (Format.GOATCOUNTER, [])
    assert summed(found) == {
        ("/ferry", date(2026, 1, 14)): (2, 3, 3, 2),
        ("/bridge", date(2026, 1, 15)): (5, 1, 1, 1),
    }


def a_goatcounter_export(*rows: Sequence[str], version: str = "2") -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow([f"{version}Path", "Title", "Event", "Session", "Bot", "FirstVisit", "Date"])
    table.writerows(rows)
    return text.getvalue()


def test_goatcounters_events_and_bots_are_no_views(tmp_path: Path) -> None:
    found = read_totals(
        a_file(
            tmp_path,
            a_goatcounter_export(
                ["/ferry", "", "false", "s", "0", "true", "2025-06-30T23:30:00-02:00"],
                ["/ferry", "", "false", "s", "0", "false", "2025-06-30T23:30:00Z"],
                ["/ferry", "", "false", "s", "150", "true", "2025-06-30T12:00:00Z"],
                ["click", "", "true", "s", "0", "true", "2025-06-30T12:00:00Z"],
                version="1",
            ),
        )
    )
    assert summed(found) == {
        ("/ferry", date(2025, 7, 1)): (2, 1, 1, 1),
        ("/ferry", JUNE_30): (3, 1, 1, 0),
    }


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        (b"", ["line 1: no column article, views"]),
        (b"article,hits\na,1\n", ["line 1: no column views"]),
        (b"article,views\n", ["there is nothing to import"]),
        (b"article,views\nno id,1\nherald:a\nherald:b,1,2\nherald:c,-1\n", ["line 2: article", "line 3: 1 columns"]),
        (b"article,views,day,readers\nherald:a,1.5,,\nherald:a,1,30.06.2025,\nherald:a,1,,x\n", ["line 2: views"]),
        (b'article,views\n"herald:a,1\nherald:b,2\n', ["line 2: unexpected end"]),
        (b'article,views\n"herald:a"x,1\nherald:b,x\n', ["line 2: ',' expected", "line 3: views"]),
        ("article,views\nherald:ж,1\n".encode("cp1251"), ["it is not UTF-8"]),
        (gzip.compress(b"article,views\n" + b"herald:a,1\n" * 9, mtime=0)[:30], ["it cannot be unpacked"]),
        (b"3Path,Title,Event,Bot,FirstVisit,Date\n", ["line 1: not the header of a GoatCounter export"]),
        (b"2Path,Title\n", ["line 1: no column event, bot, firstvisit, date"]),
        (a_goatcounter_export(["/a", "", "0", "s", "0", "1", "noon"]).encode(), ["line 2: Date"]),
    ],
)
def test_what_is_wrong_is_said_by_line(tmp_path: Path, content: bytes, errors: list[str]) -> None:
    found = read_totals(a_file(tmp_path, content))
    assert len(found.errors) >= len(errors)
    for said, expected in zip(found.errors, errors, strict=False):
        assert said.startswith(expected), found.errors


def test_a_format_that_was_asked_for_is_not_guessed(tmp_path: Path) -> None:
    found = read_totals(a_file(tmp_path, "article,views\nherald:a,1\n"), Format.GOATCOUNTER)
    assert found.errors[0].startswith("line 1: not the header of a GoatCounter export")


@given(st.binary(max_size=200) | st.text(alphabet='article,views\n";0123/:Path2', max_size=200).map(str.encode))
def test_no_file_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = a_file(tmp_path_factory.getbasetemp(), content, "any.csv")
    for form in (None, *Format):
        found = read_totals(path, form)
        assert found.errors or found.totals


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_packed_file_that_is_damaged_is_an_error_of_the_file(tmp_path: Path, damage: str) -> None:
    rows = b"".join(b"herald:%d,%d\n" % (number * 7919 % 99_991, number) for number in range(3000))
    packed = bytearray(gzip.compress(b"article,views\n" + rows))
    if damage == "cut":
        del packed[len(packed) // 2 :]
    else:
        packed[300] ^= 0xFF
        packed[900] ^= 0xFF
    [error] = read_totals(a_file(tmp_path, bytes(packed), "totals.csv.gz")).errors
    assert error.startswith("it cannot be unpacked")


def test_a_day_may_be_called_a_date(tmp_path: Path) -> None:
    found = read_totals(a_file(tmp_path, "article,date,views\nherald:ferry,2025-06-30,7\n"))
    assert summed(found) == {("herald:ferry", JUNE_30): (2, 1, 7, 0)}


def test_a_date_before_all_dates_is_an_error_of_its_line(tmp_path: Path) -> None:
    header = "2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,"
    row = "/a,T,false,,,,s,0,,,,,true,0001-01-01T00:00:00+05:00\n"
    [error] = read_totals(a_file(tmp_path, f"{header}FirstVisit,Date\n{row}")).errors
    assert error.startswith("line 2: Date: ")
