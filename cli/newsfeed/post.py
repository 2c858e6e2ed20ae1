"""``newsfeed post``: send articles from a file, an address or standard input, with a progress bar."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from newsfeed.api_client import LINES, ApiClient, ApiError

_LINES_A_REQUEST = 500
_BY_SUFFIX = {
    ".json": "application/json",
    ".rss": "application/rss+xml",
    ".atom": "application/atom+xml",
    ".xml": "application/xml",
}


@dataclass
class _Tally:
    accepted: int = 0
    rejected: list[str] = field(default_factory=list)


def post(
    what: str = typer.Argument(help="A file, an http(s) address, or - for NDJSON on standard input."),
    source: str = typer.Option(..., help="The source that the articles are from; made when new (admin key)."),
    ingest: str = typer.Option("http://127.0.0.1:8001", envvar="NEWS_INGEST_URL", help="Address of the ingest API."),
    key: str = typer.Option("dev", envvar="NEWS_ADMIN_KEY", help="An API key."),
    patience: float = typer.Option(120, help="Seconds to keep repeating a request that was answered 503."),
) -> None:
    """Post articles. NDJSON goes in parts of 500 lines; a part answered 503 is repeated, which is safe."""
    console = Console(stderr=True)
    tally = _Tally()
    with (
        ApiClient(ingest, key=key, patience=patience) as client,
        Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        ) as progress,
    ):
        task = progress.add_task("articles", total=None)
        done = 0
        for body, content_type, lines in _parts(what):
            try:
                answer = client.post("/v1/articles", {"source": source}, body, content_type)
            except ApiError as error:
                raise typer.Exit(_fail(f"{error}. Start it with: newsfeed up")) from error
            _add(tally, answer, first_line=done)
            done += lines
            progress.update(task, completed=tally.accepted + len(tally.rejected))
        progress.update(task, total=tally.accepted + len(tally.rejected))
    for reason in tally.rejected[:20]:
        console.print(f"[red]rejected[/] {reason}", highlight=False)
    if len(tally.rejected) > 20:
        console.print(f"… and {len(tally.rejected) - 20} more")
    console.print(f"{tally.accepted} accepted, {len(tally.rejected)} rejected")
    if tally.rejected:
        raise typer.Exit(1)


def _parts(what: str) -> Iterator[tuple[bytes, str, int]]:
    """Bodies with their type and number of lines."""
    if what == "-":
        yield from _ndjson_parts(sys.stdin.buffer)
        return
    if what.startswith(("http://", "https://")):
        response = httpx.get(what, follow_redirects=True, timeout=30).raise_for_status()
        yield response.content, response.headers.get("content-type", "application/octet-stream"), 0
        return
    path = Path(what)
    if not path.is_file():
        raise typer.BadParameter(f"{what}: there is no such file")
    if path.suffix in {".ndjson", ".jsonl"}:
        with path.open("rb") as lines:
            yield from _ndjson_parts(lines)
        return
    yield path.read_bytes(), _BY_SUFFIX.get(path.suffix, "application/octet-stream"), 0


def _ndjson_parts(lines: BinaryIO) -> Iterator[tuple[bytes, str, int]]:
    while part := list(islice(lines, _LINES_A_REQUEST)):
        yield b"".join(part), LINES, len(part)


def _add(tally: _Tally, answer: dict[str, object], *, first_line: int) -> None:
    tally.accepted += int(str(answer.get("accepted", 0)))
    rejected = answer.get("rejected")
    for item in rejected if isinstance(rejected, list) else []:
        index = item.get("index", item.get("line", 0))
        tally.rejected.append(f"item {first_line + int(index) + 1} {item.get('guid') or ''}: {item.get('errors')}")


def _fail(message: str) -> int:
    Console(stderr=True).print(f"[red]{message}[/]", highlight=False)
    return 1
