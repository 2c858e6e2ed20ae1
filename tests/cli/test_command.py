"""The command as a whole."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsfeed.__main__ import _COMMANDS, app


def test_it_tells_its_version() -> None:
    told = CliRunner().invoke(app, ["--version"])
    assert (told.exit_code, told.output) == (0, f"newsfeed {version('newsfeed')}\n")


def test_its_help_names_every_command() -> None:
    told = CliRunner().invoke(app, ["--help"])
    assert told.exit_code == 0
    assert [name for name in _COMMANDS if f" {name} " not in told.output] == []


@pytest.mark.parametrize("name", _COMMANDS)
def test_each_command_has_help_of_its_own(name: str) -> None:
    told = CliRunner().invoke(app, [name, "--help"], prog_name="newsfeed")
    assert told.exit_code == 0
    assert f"Usage: newsfeed {name} " in told.output


def test_what_is_no_command_is_told() -> None:
    told = CliRunner().invoke(app, ["fly"])
    assert told.exit_code == 2
    assert "No such command 'fly'" in told.output


def test_a_command_waits_for_the_libraries_of_no_other() -> None:
    starting = "import sys; from newsfeed.__main__ import app; app(['post', '--help'], standalone_mode=False)"
    told = subprocess.run(
        [sys.executable, "-c", f"{starting}; print(sorted({{'aiokafka', 'redis'}} & set(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.endswith("[]\n")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["doctor", "--ready-file", "/nope"], "newsfeed up --ready-file"),
        (["views", "export", "/nope/x"], "cannot be written"),
        (["views", "import", "{file}"], "a[red].csv line 2"),
    ],
)
def test_a_file_that_is_of_no_use_is_told_with_what_to_do(command: list[str], told: str, tmp_path: Path) -> None:
    file = tmp_path / "a[red].csv"
    file.write_text("article,views\na[/b],many[/c]\n")
    run = CliRunner().invoke(app, [word.format(file=file) for word in command], env={"COLUMNS": "240"})
    assert (run.exit_code, told in run.output) == (1, True), run.output
    assert isinstance(run.exception, SystemExit)
