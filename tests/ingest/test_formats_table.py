"""The table in docs/formats.md says what the code does: every name in every cell has a document that shows it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from news_ingest.formats.detection import BY_TYPE, Format, format_of, read_document
from tests.ingest.format_cases import BUILDERS, CASES
from tests.ingest.format_cases.case import Case

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def cells() -> set[tuple[str, str, str]]:
    """Format, field and source of every name in the table."""
    rows = [line.strip().strip("|").split("|") for line in PAGE.splitlines() if line.startswith("|")]
    head = next(row for row in rows if row[0].strip() == "Field")
    names = [cell.strip() for cell in head]
    found = set()
    for row in rows[rows.index(head) + 2 :]:
        if len(row) != len(names):
            break
        for column, cell in zip(names[1:], row[1:], strict=True):
            found |= {(column, row[0].strip().strip("`"), source) for source in re.findall(r"`([^`]+)`", cell)}
    return found


def value_of(case: Case, said: object, around: Mapping[str, object]) -> object:
    form, document = BUILDERS[case.format](said, **around)
    reading = read_document(form, document, "", "s", NOW)
    assert reading.rejected == []
    [(_, item)] = reading.items
    written = item.model_dump(mode="json", exclude_none=True)
    value = written.get("guid" if case.field == "id" else case.field)
    if isinstance(value, list):
        value = [{k: v for k, v in one.items() if v is not None} if isinstance(one, dict) else one for one in value]
    return value


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.format}: {case.field} from {case.source}")
def test_a_field_comes_from_where_the_table_says(case: Case) -> None:
    assert value_of(case, case.said, case.around) == case.value
    nothing: object = "" if isinstance(case.said, str) else {}
    if case.said != nothing or case.around:
        assert value_of(case, nothing, {}) != case.value, "it is there anyway"


def test_the_table_and_the_cases_name_the_same_sources() -> None:
    shown = {(case.format, case.field, case.source) for case in CASES}
    assert cells() == shown


def test_the_page_lists_every_media_type_and_name_of_a_format() -> None:
    listed = re.findall(r"^\| [^|`]+ \| `([a-z0-9-]+)` \| ([^|]+) \|", PAGE, re.MULTILINE)
    assert {name for name, _ in listed} == set(Format)
    for name, types in listed:
        for media_type in re.findall(r"`([^`]+)`", types):
            assert format_of(None, media_type, b"") is Format(name), media_type
    assert {media_type for _, types in listed for media_type in re.findall(r"`([^`]+)`", types)} == set(BY_TYPE)
