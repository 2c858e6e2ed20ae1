"""A backup is whole or none, and offsets that its records name are moved in their order."""

import gzip
import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_shared.errors import PoisonError
from news_shared.topics import ARTICLES, CURATION, HOLDS, SUBMISSIONS, VIEW_COUNTS, VIEWS
from newsfeed.backup_file import BackupReader, Saved, writing_backup
from newsfeed.backup_offsets import counted_before, decided_by, moved

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
RECORDS = [
    Saved(ARTICLES, 0, 3, 1000, b"key", b'{"a":1}', [("submission", b"0/7"), ("other", b"\xff\x00")]),
    Saved(VIEWS, 1, 9, 2000, None, bytes(range(256)) * 5000, []),
    Saved(ARTICLES, 1, 4, 3000, "ключ".encode(), None, []),
]


def write(path: Path, records: list[Saved]) -> None:
    with writing_backup(path, partitions=2, topics=(ARTICLES, VIEWS), now=NOW) as writer:
        for record in records:
            writer.add(record)
        writer.manifest.starts[VIEWS] = [0, 9]


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    path = tmp_path / "backup"
    write(path, RECORDS)
    saved = BackupReader(path)
    assert list(saved) == RECORDS
    assert list(saved) == RECORDS  # once more
    assert (saved.header.partitions, saved.header.taken_at) == (2, "2026-01-15T12:00:00Z")
    assert saved.manifest.records == {ARTICLES: [1, 1], VIEWS: [0, 1]}
    assert saved.manifest.starts == {VIEWS: [0, 9]}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["backup"]


def test_a_backup_that_was_interrupted_has_no_name_and_is_none(tmp_path: Path) -> None:
    path = tmp_path / "backup"
    with pytest.raises(AttributeError):
        write(path, [RECORDS[0], None])  # type: ignore[list-item]  # the second one ends it
    assert not path.exists()
    with pytest.raises(PoisonError, match="part of a backup"):
        BackupReader(tmp_path / "backup.partial")
    write(path, RECORDS)
    assert [file.name for file in tmp_path.iterdir()] == ["backup"]


def test_no_part_of_a_backup_and_no_damaged_one_is_taken_for_it(tmp_path: Path) -> None:
    path, other = tmp_path / "backup", tmp_path / "other"
    write(path, RECORDS)
    whole = path.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 50)):
        other.write_bytes(whole[:length])
        with pytest.raises(PoisonError):
            BackupReader(other)
    for place in range(0, len(whole), max(1, len(whole) // 50)):
        if 4 <= place < 10:  # gzip's time and system say nothing of the content
            continue
        other.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with pytest.raises(PoisonError):
            BackupReader(other)
    content = gzip.decompress(whole)
    for damaged in (content[:-1], content + b"\x01", content + content, content.replace(b'{"a":1}', b'{"a":2}')):
        other.write_bytes(gzip.compress(damaged))
        with pytest.raises(PoisonError):
            BackupReader(other)
    other.write_bytes(gzip.compress(b"\x01\x02"))
    with pytest.raises(PoisonError, match="no backup"):
        BackupReader(other)
    with pytest.raises(PoisonError, match="There is no"):
        BackupReader(tmp_path / "nothing")


STARTS = {SUBMISSIONS: [100, 50], VIEWS: [1000, 7]}


def counts(**content: Any) -> Saved:
    key = b"@1" if "next_offset" in content else b"id"
    return Saved(VIEW_COUNTS, 1, 0, 0, key, json.dumps(content).encode(), [])


def said(record: Saved) -> Any:
    assert record.value is not None
    return json.loads(record.value)


def test_every_offset_becomes_its_distance_from_where_the_new_log_begins() -> None:
    article = Saved(ARTICLES, 0, 0, 0, b"id", b"{}", [("ce_id", b"0/3"), ("submission", b"0/98")])
    assert moved(article, STARTS).headers == [("ce_id", b"0/3"), ("submission", b"0/-2")]
    hold = Saved(HOLDS, 1, 0, 0, b"id", json.dumps({"item": {"title": "є"}, "submission": [1, 49]}).encode(), [])
    assert said(moved(hold, STARTS)) == {"item": {"title": "є"}, "submission": [1, -1]}
    assert said(moved(counts(partition=1, next_offset=9, clock_ms=5, log_ms=6), STARTS)) == {
        "partition": 1,
        "next_offset": 2,
        "clock_ms": 5,
        "log_ms": 6,
    }
    article_counts = counts(views=9, as_of=12, transitions=[[3, "known", 1], [8, "withdrawn", 2]])
    assert said(moved(article_counts, STARTS)) == {
        "views": 9,
        "as_of": 5,
        "transitions": [[0, "known", 1], [1, "withdrawn", 2]],
    }
    for untouched in (
        Saved(HOLDS, 1, 0, 0, b"id", None, []),
        Saved(VIEW_COUNTS, 1, 0, 0, b"id", None, []),
        Saved(CURATION, 1, 0, 0, b"id", b'{"as_of": 5}', [("submission", b"0/7")]),
    ):
        assert moved(untouched, STARTS) == untouched
    submission = Saved(SUBMISSIONS, 1, 60, 0, b"id", b"{}", [("answer_by", b"1"), ("reply", b"1"), ("x", b"y")])
    assert moved(submission, STARTS).headers == [("x", b"y")]


@given(st.lists(st.integers(0, 10**12), min_size=2), st.integers(0, 10**12))
def test_the_order_stays_and_nothing_old_looks_undecided(offsets: list[int], start: int) -> None:
    starts = {SUBMISSIONS: [start], VIEWS: [start]}
    articles = [Saved(ARTICLES, 0, 0, 0, b"id", b"{}", [("submission", b"0/%d" % offset)]) for offset in offsets]
    new = [decided_by(moved(article, starts)) for article in articles]
    assert sorted(range(len(offsets)), key=lambda n: new[n] or 0) == sorted(
        range(len(offsets)), key=offsets.__getitem__
    )
    assert [(offset or 0) < 0 for offset in new] == [offset < start for offset in offsets]


def test_what_names_an_offset_is_found() -> None:
    assert decided_by(RECORDS[0]) == 7
    assert decided_by(RECORDS[2]) is None
    assert decided_by(Saved(HOLDS, 1, 0, 0, b"id", b'{"submission":[1,49]}', [])) == 49
    assert counted_before(counts(partition=1, next_offset=9, clock_ms=5, log_ms=6)) == (9, 6)
    assert counted_before(counts(views=9, as_of=12)) is None
