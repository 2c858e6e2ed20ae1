"""``newsfeed related``: what belongs to an article, as a table, and the graph around it, as a picture or as data."""

import tempfile
import webbrowser
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from newsfeed.api_client import ApiClient, ApiError

related = typer.Typer(help="What belongs to an article, and why.", no_args_is_help=True)

_Article = Annotated[str, typer.Argument(help="Our id, or source:guid.")]
_Address = Annotated[str, typer.Option("--related", envvar="NEWS_RELATED_URL", help="The related API.")]
_ADDRESS = "http://127.0.0.1:8003"
_PATIENCE = 30.0


class Form(StrEnum):
    """How the graph is written."""

    SVG = "svg"
    DOT = "dot"
    GRAPHML = "graphml"
    JSON = "json"


@related.command("list")
def list_related(
    article: _Article,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Articles at the most.")] = 10,
    language: Annotated[list[str] | None, typer.Option(help="Only these; may be repeated.")] = None,
    address: _Address = _ADDRESS,
) -> None:
    """Show what stands beside an article, best first, each with its reason."""
    path = f"/v1/articles/{quote(article, safe='')}/related"
    asked: dict[str, str | list[str]] = {"limit": str(limit), "language": language or []}
    try:
        with ApiClient(address, key=None, patience=_PATIENCE) as client:
            items: list[dict[str, Any]] = client.get(path, asked)["items"]
    except ApiError as error:
        raise SystemExit(str(error)) from None
    table = Table("score", "language", "date", "title", "why")
    for item in items:
        told = (f"{item['score']:.2f}", item["language"], item["date"][:10], item["title"], item["reason"]["text"])
        table.add_row(*map(Text, told))  # as it is: a title may look like markup
    Console().print(table if items else "Nothing related yet.")


@related.command()
def graph(
    article: _Article,
    to: Annotated[Path | None, typer.Option(help="File; one of its own for --open, else the terminal.")] = None,
    form: Annotated[Form, typer.Option("--format", help="What is written.")] = Form.SVG,
    depth: Annotated[int, typer.Option(min=1, max=3, help="Steps away.")] = 2,
    show: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    address: _Address = _ADDRESS,
) -> None:
    """Write the graph around an article: articles, links and themes up to some steps away, with the reasons."""
    asked = {"article": article, "depth": str(depth), "format": form.value}
    try:
        with ApiClient(address, key=None, patience=_PATIENCE) as client:
            drawn = client.text("/v1/graph", asked)
    except ApiError as error:
        raise SystemExit(str(error)) from None
    if to is None and not show:
        typer.echo(drawn)
        return
    file = to or Path(tempfile.mkdtemp(prefix="newsfeed-")) / f"graph.{form.value}"
    try:
        file.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise SystemExit(f"{file} cannot be written: {error.strerror}") from None
    Console(stderr=True).print(f"{file} is written", markup=False, emoji=False)
    if show and not webbrowser.open(file.resolve().as_uri()):
        raise SystemExit(f"There is no browser here. Open {file} yourself.")
