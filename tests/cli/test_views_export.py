"""Counts of articles and days leave as rows, from the changelog alone."""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from news_shared.article_ids import article_id, partition_of
from news_shared.producer import Outgoing, open_producer
from news_shared.topics import VIEW_COUNTS
from newsfeed.__main__ import app
from tests.testbed.backends import PARTITIONS, Backend

FERRY, BRIDGE = article_id("herald", "ferry"), article_id("herald", "bridge")
FILTERED = {"bot": 3, "prefetch": 0, "repeat": 2, "opted_out": 1, "burst": 0, "unknown": 0}


def a_record(article: str, key: str, value: dict[str, Any] | None) -> Outgoing:
    encoded = None if value is None else json.dumps(value).encode()
    return Outgoing(VIEW_COUNTS, partition_of(article, PARTITIONS), key.encode(), encoded)


def a_day(article: str, day: str, hour: int, views: int, readers: int) -> Outgoing:
    hours = [views if one == hour else 0 for one in range(24)]
    return a_record(
        article,
        f"{article}|{day}",
        {"hours": hours, "readers": readers, "filtered": FILTERED, "sketch": "", "as_of": 1},
    )


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_each_article_and_day_is_a_row_with_its_last_value(
    fresh_backend: Backend, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    async with open_producer(fresh_backend.kafka_settings) as producer:
        await producer.send_many(
            [
                a_record(FERRY, FERRY, {"state": "known"}),
                a_record(BRIDGE, BRIDGE, {"state": "withdrawn"}),
                a_day(FERRY, "2026-01-15", 7, views=4, readers=3),
                a_day(FERRY, "2026-01-15", 7, views=9, readers=5),
                a_day(FERRY, "2026-01-14", 23, views=1, readers=1),
                a_day(BRIDGE, "2026-01-15", 0, views=2, readers=2),
                a_day(BRIDGE, "2026-01-13", 0, views=8, readers=8),
                a_record(BRIDGE, f"{BRIDGE}|2026-01-13", None),
                a_record(FERRY, "@0", {"partition": 0, "next_offset": 7, "clock_ms": 1, "log_ms": 1}),
            ]
        )
    for name, value in fresh_backend.environment.items():
        monkeypatch.setenv(name, value)
    said = await asyncio.to_thread(CliRunner().invoke, app, ["views", "export", "--format", form])
    assert said.exit_code == 0, said.output
    rows: list[dict[str, Any]]
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(said.stdout)))
    else:
        rows = [json.loads(line) for line in said.stdout.splitlines()]
    found = {(row["article"], row["day"]): (row["state"], int(row["views"]), int(row["readers"])) for row in rows}
    assert found == {
        (FERRY, "2026-01-14"): ("known", 1, 1),
        (FERRY, "2026-01-15"): ("known", 9, 5),
        (BRIDGE, "2026-01-15"): ("withdrawn", 2, 2),
    }
    assert {int(row["repeat"]) for row in rows} == {2}


def test_a_file_stays_as_it_was_when_kafka_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWS_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    file = tmp_path / "counts.csv"
    file.write_text("of yesterday", encoding="utf-8")
    said = CliRunner().invoke(app, ["views", "export", str(file)])
    assert said.exit_code == 1
    assert file.read_text(encoding="utf-8") == "of yesterday"
    assert list(tmp_path.iterdir()) == [file]


async def test_a_file_is_replaced_and_another_number_of_partitions_refused(
    fresh_backend: Backend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with open_producer(fresh_backend.kafka_settings) as producer:
        await producer.send_many([a_day(FERRY, "2026-01-15", 7, views=4, readers=3)])
    for name, value in fresh_backend.environment.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "counts.csv"
    file.write_text("of yesterday", encoding="utf-8")
    said = await asyncio.to_thread(CliRunner().invoke, app, ["views", "export", str(file)])
    assert said.exit_code == 0, said.output
    written = file.read_text(encoding="utf-8")
    assert FERRY in written

    monkeypatch.setenv("NEWS_PARTITIONS", str(PARTITIONS - 1))
    said = await asyncio.to_thread(CliRunner().invoke, app, ["views", "export", str(file)])
    assert said.exit_code == 1
    assert file.read_text(encoding="utf-8") == written
    assert list(tmp_path.iterdir()) == [file]
