"""What belongs to an article, from the command line."""

import webbrowser
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from typer.testing import CliRunner

from newsfeed.__main__ import app

CARD = {
    "article": "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11",
    "title": "Пороми повертаються",
    "language": "uk",
    "date": "2026-01-15T12:00:00Z",
    "score": 0.95,
    "reason": {"kind": "translation", "text": "translation of this article"},
}
LIKE_MARKUP = {
    **CARD,
    "title": "Fire [video], live [/b] :fire:",
    "reason": {"kind": "pinned", "text": "pinned: [red] see [/]"},
}
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><title>graph</title></svg>'


class _Related(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        place = urlsplit(self.path)
        if place.path == "/v1/articles/herald%3Aferry%2F1/related":
            status, kind, body = 200, "application/json", orjson.dumps({"items": [CARD]})
        elif place.path == "/v1/articles/herald%3Amarkup/related":
            status, kind, body = 200, "application/json", orjson.dumps({"items": [LIKE_MARKUP]})
        elif place.path == "/v1/graph" and parse_qs(place.query)["article"] == ["herald:ferry"]:
            status, kind, body = 200, "image/svg+xml", SVG.encode()
        else:
            detail = "There is no article herald:nobody."
            status, kind, body = 404, "application/problem+json", orjson.dumps({"detail": detail})
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Related) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_list_names_each_article_and_why(address: str) -> None:
    arguments = ["related", "list", "herald:ferry/1", "--language", "uk", "--limit", "3", "--related", address]
    said = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    assert said.exit_code == 0, said.output
    assert "Пороми повертаються" in said.stdout
    assert "translation of this article" in said.stdout
    assert parse_qs(urlsplit(_Related.asked[-1]).query) == {"limit": ["3"], "language": ["uk"]}


def test_what_looks_like_markup_is_shown_as_it_is(address: str, tmp_path: Path) -> None:
    command = ["related", "list", "herald:markup", "--related", address]
    said = CliRunner().invoke(app, command, env={"COLUMNS": "160"})
    assert said.exit_code == 0, said.output
    assert "Fire [video], live [/b] :fire:" in said.stdout
    assert "pinned: [red] see [/]" in said.stdout
    file = tmp_path / "[b]graph.svg"
    command = ["related", "graph", "herald:ferry", "--related", address, "--to", str(file)]
    said = CliRunner().invoke(app, command, env={"COLUMNS": "400"})
    assert (said.exit_code, f"{file} is written" in said.stderr) == (0, True), said.output


def test_the_graph_goes_to_the_terminal_a_file_or_the_browser(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["related", "graph", "herald:ferry", "--related", address]
    assert CliRunner().invoke(app, command).stdout == f"{SVG}\n"
    file = tmp_path / "graph.svg"
    opened: list[str] = []
    assert CliRunner().invoke(app, [*command, "--to", str(file)]).exit_code == 0
    assert file.read_text() == SVG

    def open_it(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_it)
    assert CliRunner().invoke(app, [*command, "--open"]).exit_code == 0
    assert Path(urlsplit(opened[0]).path).read_text() == SVG
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    said = CliRunner().invoke(app, [*command, "--to", str(file), "--open"])
    assert (said.exit_code, "no browser here" in said.output) == (1, True)


def test_what_the_service_refuses_is_told(address: str, tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["related", "graph", "herald:nobody", "--related", address])
    assert (said.exit_code, "There is no article herald:nobody." in said.output) == (1, True)
    missing = str(tmp_path / "nowhere" / "graph.svg")
    said = CliRunner().invoke(app, ["related", "graph", "herald:ferry", "--related", address, "--to", missing])
    assert (said.exit_code, "cannot be written" in said.output) == (1, True)
