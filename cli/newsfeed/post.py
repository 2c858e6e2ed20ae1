"""``newsfeed post``: send articles from a file, an address or standard input, with a progress bar."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from newsfeed.post_place import Place, PlaceKeeper

_LINES_A_REQUEST = 500
_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    TextColumn("{task.fields[articles]:,}"),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
)
_BY_SUFFIX = {
    ".json": "application/json",
    ".rss": "application/rss+xml",
    ".atom": "application/atom+xml",
    ".xml": "application/xml",
}


class _AwayError(Exception):
    """The service asked to repeat the request, after some seconds, or did not answer."""

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


@dataclass
class _Tally:
    accepted: int = 0
    rejected: list[str] = field(default_factory=list)
    rejected_before: int = 0
    """In the runs that this one goes on with."""

    @property
    def all_rejected(self) -> int:
        return self.rejected_before + len(self.rejected)


@dataclass(frozen=True)
class _Part:
    """What goes in one request.

    Attributes:
        lines: of NDJSON; 0 when the body is a document.
        first_line: their place in the whole, from 0.
        end: the offset in the file after it.
    """

    body: bytes
    content_type: str
    lines: int = 0
    first_line: int = 0
    end: int = 0


def post(
    what: str = typer.Argument(help="A file, an http(s) address, or - for NDJSON on standard input."),
    source: str = typer.Option(..., help="The source that the articles are from; made when new (admin key)."),
    ingest: str = typer.Option("http://127.0.0.1:8001", envvar="NEWS_INGEST_URL", help="Address of the ingest API."),
    key: str = typer.Option("dev", envvar="NEWS_ADMIN_KEY", help="An API key."),
    patience: float = typer.Option(120, help="Seconds to keep repeating a request that was answered 503 or 429."),
    restart: bool = typer.Option(False, "--restart", help="Post a file from its start, also if a run was cut off."),
) -> None:
    """Post articles. NDJSON goes in parts of 500 lines; a part answered 503 is repeated, which is safe.

    A run over an NDJSON file that was cut off goes on where it was.
    """
    console = Console(stderr=True)
    url = f"{ingest.rstrip('/')}/v1/articles"
    file = _ndjson_file(what)
    keeper = None if file is None else PlaceKeeper(file, url, source, lambda text: _warn(console, text))
    start = Place() if keeper is None or restart else keeper.found()
    if start.lines:
        console.print(f"going on after line {start.lines:,}; --restart begins anew", highlight=False)
    tally = _Tally(rejected_before=start.rejected)
    headers = {"Authorization": f"Bearer {key}"}
    client = httpx.Client(timeout=60, headers=headers, params={"source": source}, trust_env=False)
    progress = Progress(*_COLUMNS, console=console)
    with client, progress:
        task = progress.add_task(
            "articles", total=file.stat().st_size if file else None, completed=start.offset, articles=0
        )
        for part in _read(what, file, start):
            left: _Part | None = part
            while left is not None:
                answer = _send(client, url, left, patience)
                _add(tally, answer, first_line=left.first_line)
                left = _left(left, answer)
            if keeper is not None:
                keeper.reached(part.end, part.first_line + part.lines, tally.all_rejected)
            progress.update(task, completed=part.end, articles=tally.accepted + len(tally.rejected))
    if keeper is not None:
        keeper.forget()
    _report(console, tally)


def _report(console: Console, tally: _Tally) -> None:
    for reason in tally.rejected[:20]:
        console.print(f"[red]rejected[/] {escape(reason)}", highlight=False)
    if len(tally.rejected) > 20:
        console.print(f"… and {len(tally.rejected) - 20} more")
    console.print(f"{tally.accepted} accepted, {len(tally.rejected)} rejected")
    if tally.rejected_before:
        console.print(f"{tally.rejected_before} were rejected before this run was cut off; --restart names them again")
    if tally.all_rejected:
        raise typer.Exit(1)


def _warn(console: Console, message: str) -> None:
    console.print(f"[yellow]{escape(message)}[/]", highlight=False, soft_wrap=True)


def _ndjson_file(what: str) -> Path | None:
    path = Path(what)
    return path if path.suffix in {".ndjson", ".jsonl"} and path.is_file() else None


def _read(what: str, file: Path | None, start: Place) -> Iterator[_Part]:
    parts = _parts(what, file, start)
    while True:
        try:
            part = next(parts, None)
        except OSError as error:
            raise typer.Exit(_fail(f"{what} cannot be read ({error}). What was read before is posted")) from error
        if part is None:
            return
        yield part


def _parts(what: str, file: Path | None, start: Place) -> Iterator[_Part]:
    if what == "-":
        yield from _ndjson_parts(sys.stdin.buffer, Place())
    elif file is not None:
        with file.open("rb") as lines:
            lines.seek(start.offset)
            yield from _ndjson_parts(lines, start)
    elif what.startswith(("http://", "https://")):
        response = _fetched(what)
        yield _Part(response.content, response.headers.get("content-type", "application/octet-stream"))
    elif Path(what).is_file():
        yield _Part(Path(what).read_bytes(), _BY_SUFFIX.get(Path(what).suffix, "application/octet-stream"))
    else:
        raise typer.BadParameter(f"{what}: there is no such file")


def _fetched(address: str) -> httpx.Response:
    try:
        return httpx.get(address, follow_redirects=True, timeout=30).raise_for_status()
    except httpx.HTTPStatusError as error:
        said = f"{address} answered {error.response.status_code}. Nothing was posted: see whether it opens in a browser"
        raise typer.Exit(_fail(said)) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = f"{address} cannot be read ({error}). Nothing was posted: check the address"
        raise typer.Exit(_fail(said)) from error


def _ndjson_parts(lines: BinaryIO, start: Place) -> Iterator[_Part]:
    offset, number = start.offset, start.lines
    while part := list(islice(lines, _LINES_A_REQUEST)):
        body = b"".join(part)
        offset += len(body)
        yield _Part(body, "application/x-ndjson", len(part), number, offset)
        number += len(part)


def _send(client: httpx.Client, url: str, part: _Part, patience: float) -> dict[str, object]:
    retrying = Retrying(
        retry=retry_if_exception_type(_AwayError),
        wait=_pause,
        stop=stop_after_delay(patience),
        reraise=True,
    )
    try:
        return retrying(_send_once, client, url, part)
    except _AwayError as error:
        raise typer.Exit(_fail(f"{url}: {error}. Start it with: newsfeed up")) from error


_GROWING = wait_exponential_jitter(multiplier=0.5, max=5)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return max(_GROWING(state), error.seconds if isinstance(error, _AwayError) else 0.0)


def _send_once(client: httpx.Client, url: str, part: _Part) -> dict[str, object]:
    try:
        response = client.post(url, content=part.body, headers={"Content-Type": part.content_type})
    except httpx.TransportError as error:
        raise _AwayError(f"no answer ({error})") from error
    if response.status_code in {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS}:
        answer = response.json() if "json" in response.headers.get("content-type", "") else {}
        if answer.get("resume_at"):
            return dict(answer)
        seconds = response.headers.get("retry-after", "")
        raise _AwayError(response.text, float(seconds) if seconds.isdigit() else 0.0)
    if response.status_code in {200, 202, 422} and "rejected" in (answer := response.json()):
        return dict(answer)
    raise typer.Exit(_fail(f"{url} answered {response.status_code}: {response.text[:2000]}"))


def _left(part: _Part, answer: dict[str, object]) -> _Part | None:
    """The lines of a part that were not looked at because the key's limit was reached."""
    start = int(str(answer.get("resume_at", 0)))
    if not start:
        return None
    body = b"\n".join(part.body.split(b"\n")[start:])
    return replace(part, body=body, lines=part.lines - start, first_line=part.first_line + start)


def _add(tally: _Tally, answer: dict[str, object], *, first_line: int) -> None:
    tally.accepted += int(str(answer.get("accepted", 0)))
    rejected = answer.get("rejected")
    for item in rejected if isinstance(rejected, list) else []:
        index = item.get("index", item.get("line", 0))
        tally.rejected.append(f"item {first_line + int(index) + 1} {item.get('guid') or ''}: {item.get('errors')}")


def _fail(message: str) -> int:
    Console(stderr=True).print(f"[red]{escape(message)}[/]", highlight=False)
    return 1
