"""``newsfeed backup`` and ``restore`` as they are typed: what cannot be done is told, and nothing is left behind."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from news_shared.topics import ARTICLES, used_topics
from newsfeed.__main__ import app
from newsfeed.backup_file import Saved, writing_backup
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.blocking import blocking

NOWHERE = {"NEWS_KAFKA_BOOTSTRAP": "127.0.0.1:1", "NEWS_REDIS_URL": "redis://127.0.0.1:1/0"}


def run(*arguments: str, environment: dict[str, str]) -> Result:
    return CliRunner().invoke(app, [*arguments], env={**environment, "COLUMNS": "240"})


def a_backup(path: Path) -> Path:
    now = datetime(2026, 1, 15, 12, tzinfo=UTC)
    with writing_backup(path, partitions=PARTITIONS, topics=(ARTICLES,), now=now) as writer:
        writer.add(Saved(ARTICLES, 0, 3, 1000, b"key", b"{}", []))
    return path


def test_a_backup_is_never_overwritten(tmp_path: Path) -> None:
    file = a_backup(tmp_path / "[b]one.backup")
    before = file.read_bytes()
    told = run("backup", str(file), environment=NOWHERE)
    assert (told.exit_code, f"{file.name} is there already" in told.output) == (1, True), told.output
    assert file.read_bytes() == before


def test_a_backup_into_a_folder_that_is_missing_is_told(backend: Backend, tmp_path: Path) -> None:
    told = run("backup", str(tmp_path / "missing" / "one.backup"), environment=backend.environment)
    assert (told.exit_code, "No backup was taken: [Errno 2]" in told.output) == (1, True), told.output
    assert isinstance(told.exception, SystemExit), "no traceback"
    assert list(tmp_path.iterdir()) == []


def test_a_backup_without_kafka_is_told(tmp_path: Path) -> None:
    told = run("backup", str(tmp_path), environment=NOWHERE)
    assert (told.exit_code, "No backup was taken" in told.output) == (1, True), told.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left", [0.0, 0.5, 0.95])
def test_a_part_of_a_backup_is_not_restored(left: float, backend: Backend, tmp_path: Path) -> None:
    file = a_backup(tmp_path / "one.backup")
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * left)])
    told = run("restore", str(file), environment=backend.environment)
    assert (told.exit_code, "Not restored: " in told.output) == (1, True), told.output
    assert isinstance(told.exception, SystemExit), "no traceback"
    assert blocking(used_topics(backend.kafka_settings)) == []


@pytest.mark.parametrize("name", ["missing.backup", ""])
def test_what_is_no_file_is_not_restored(name: str, tmp_path: Path) -> None:
    told = run("restore", str(tmp_path / name), environment=NOWHERE)
    assert (told.exit_code, "Not restored: " in told.output) == (1, True), told.output
    assert isinstance(told.exception, SystemExit), "no traceback"
