"""``newsfeed doctor``: one screen that says whether every part works, and what to do where one does not."""

import httpx
import typer
from rich.console import Console
from rich.table import Table

_WHERE = "Addresses of the processes to ask, name=URL."
_DEFAULT = [
    "web=http://127.0.0.1:8000",
    "ingest=http://127.0.0.1:8001",
    "views=http://127.0.0.1:8002",
    "related=http://127.0.0.1:8003",
    "feed=http://127.0.0.1:8004",
]


def doctor(where: list[str] = typer.Argument(_DEFAULT, help=_WHERE)) -> None:  # typer's way
    """Ask every process whether it is ready, and why not."""
    table = Table("Part", "State", "Why, and what to do")
    well = True
    for pair in where:
        name, _, url = pair.partition("=")
        state, reasons = _ask(url)
        well = well and state == "ready"
        table.add_row(name, f"[green]{state}[/]" if state == "ready" else f"[red]{state}[/]", "\n".join(reasons))
    Console().print(table)
    if not well:
        raise typer.Exit(1)


def _ask(url: str) -> tuple[str, list[str]]:
    try:
        answer = httpx.get(f"{url}/readyz", timeout=3)
        reasons = answer.json().get("reasons", [])
    except (httpx.HTTPError, ValueError) as error:
        return "away", [f"{url} does not answer ({error}). Start it with: newsfeed up, or docker compose up"]
    return ("ready" if answer.status_code == httpx.codes.OK else "not ready"), [str(reason) for reason in reasons]
