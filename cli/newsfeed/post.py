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
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

_LINES_A_REQUEST = 500
_BY_SUFFIX = {
    ".json": "application/json",
    ".rss": "application/rss+xml",
    ".atom": "application/atom+xml",
    ".xml": "application/xml",
}


class _AwayError(Exception):
    """The service asked to repeat the request, or did not answer."""


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
    url = f"{ingest.rstrip('/')}/v1/articles"
    headers = {"Authorization": f"Bearer {key}"}
    with (
        httpx.Client(timeout=60, headers=headers, params={"source": source}) as client,
        Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        ) as progress,
    ):
        task = progress.add_task("articles", total=None)
        done = 0
        for body, content_type, lines in _parts(what):
            answer = _send(client, url, body, content_type, patience)
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
        yield b"".join(part), "application/x-ndjson", len(part)


def _send(client: httpx.Client, url: str, body: bytes, content_type: str, patience: float) -> dict[str, object]:
    retrying = Retrying(
        retry=retry_if_exception_type(_AwayError),
        wait=wait_exponential_jitter(0.5, 5),
        stop=stop_after_delay(patience),
        reraise=True,
    )
    try:
        return retrying(_send_once, client, url, body, content_type)
    except _AwayError as error:
        raise typer.Exit(_fail(f"{url}: {error}. Start it with: newsfeed up")) from error


def _send_once(client: httpx.Client, url: str, body: bytes, content_type: str) -> dict[str, object]:
    try:
        response = client.post(url, content=body, headers={"Content-Type": content_type})
    except httpx.TransportError as error:
        raise _AwayError(f"no answer ({error})") from error
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        raise _AwayError(response.text)
    if response.status_code in {200, 202, 422} and "rejected" in (answer := response.json()):
        return dict(answer)
    raise typer.Exit(_fail(f"{url} answered {response.status_code}: {response.text[:2000]}"))


def _add(tally: _Tally, answer: dict[str, object], *, first_line: int) -> None:
    tally.accepted += int(str(answer.get("accepted", 0)))
    rejected = answer.get("rejected")
    for item in rejected if isinstance(rejected, list) else []:
        index = item.get("index", item.get("line", 0))
        tally.rejected.append(f"item {first_line + int(index) + 1} {item.get('guid') or ''}: {item.get('errors')}")


def _fail(message: str) -> int:
    Console(stderr=True).print(f"[red]{message}[/]", highlight=False)
    return 1
