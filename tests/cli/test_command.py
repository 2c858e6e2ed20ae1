"""The command as a whole."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread

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


@pytest.mark.parametrize(
    "command",
    [
        ["post", "{file}", "--source", "herald", "--patience", "0", "--ingest", "http://127.0.0.1:1"],
        ["sources", "--ingest", "http://127.0.0.1:1"],
        ["related", "list", "herald:a", "--related", "http://127.0.0.1:1"],
    ],
)
def test_our_own_services_are_asked_without_a_proxy(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.ndjson"
    file.write_text('{"id": "a"}\n')
    monkeypatch.setattr("newsfeed.related._PATIENCE", 0)
    proxied: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _proxy(proxied)) as proxy:
        Thread(target=proxy.serve_forever).start()
        env = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.server_port}", "NO_PROXY": "", "no_proxy": ""}
        run = CliRunner().invoke(app, [word.format(file=file) for word in command], env=env)
        proxy.shutdown()
    assert (run.exit_code, proxied) == (1, []), run.output


def _proxy(asked: list[str]) -> type[BaseHTTPRequestHandler]:
    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(502)

        do_POST = do_GET  # http.server's names

    return Proxy
