"""Whole documents of every format, written from the specifications, and what is read from them.

The files beside them in ``samples/read`` are what was read when a person last looked at it.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from news_ingest.formats.detection import Format, format_of, read_document
from news_ingest.formats.native import read_line
from news_ingest.formats.outcome import Reading
from news_shared.ndjson import lines

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 2, 1, tzinfo=UTC)
NAMES = (
    *("rss091.xml", "rss10.rdf", "rss20.xml", "atom10.xml", "jsonfeed10.json", "jsonfeed11.json"),
    *("ninjs1.json", "ninjs2.json", "ninjs3.json", "newsitem.xml", "newsmessage.xml", "native.ndjson"),
)


async def _lines_of(body: bytes) -> Reading:
    async def chunks() -> AsyncIterator[bytes]:
        yield body

    reading = Reading()
    async for index, line in lines(chunks(), 1_000_000):
        reading.add(read_line(line or b"", index, "s", NOW))
    return reading


def read_sample(name: str) -> Reading:
    body = (SAMPLES / name).read_bytes()
    if name.endswith(".ndjson"):
        return asyncio.run(_lines_of(body))
    form = format_of(None, "", body[:200])
    assert form is not None
    return read_document(form, body, "", "s", NOW)


def as_json(reading: Reading) -> object:
    return {
        "warnings": reading.warnings,
        "rejected": [{"index": r.index, "guid": r.guid, "errors": list(r.errors)} for r in reading.rejected],
        "items": [
            {"index": index, **item.model_dump(mode="json", exclude_defaults=True, exclude={"source"})}
            for index, item in reading.items
        ],
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_read_as_it_was(name: str) -> None:
    expected = json.loads((SAMPLES / "read" / f"{name}.json").read_text("utf-8"))
    assert as_json(read_sample(name)) == expected


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith(("ndjson", "json"))])
def test_a_sample_in_another_encoding_is_read_the_same(name: str) -> None:
    text = (
        (SAMPLES / name).read_bytes().decode({"rss20.xml": "windows-1251", "rss091.xml": "latin-1"}.get(name, "utf-8"))
    )
    text = text.partition("?>")[2]
    expected = as_json(read_sample(name))
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        reading = read_document(Format.RSS, text.encode(encoding), "", "s", NOW)
        assert [item for _, item in reading.items] == [item for _, item in read_sample(name).items], encoding
        assert len(reading.rejected) == len(expected["rejected"])  # type: ignore[index]
