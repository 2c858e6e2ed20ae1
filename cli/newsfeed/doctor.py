"""``newsfeed doctor``: one screen that says whether every part works, and what to do where one does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_WHERE = "Addresses of the processes to ask, name=URL."
_DEFAULT = [
    "web=http://127.0.0.1:8000",
    "ingest=http://127.0.0.1:8001",
    "views=http://127.0.0.1:8002",
    "related=http://127.0.0.1:8003",
    "feed=http://127.0.0.1:8004",
]

_LATE = timedelta(minutes=2)


def doctor(
    where: list[str] = typer.Argument(_DEFAULT, help=_WHERE),  # typer's way
    key: str = typer.Option("dev", envvar="NEWS_ADMIN_KEY", help="The admin key; feeds are looked at with it."),
) -> None:
    """Ask every process whether it is ready, and why not, and whether feeds are polled."""
    table = Table("Part", "State", "Why, and what to do")
    well = True
    for pair in where:
        name, _, url = pair.partition("=")
        state, reasons = _ask(url)
        well = well and state == "ready"
        table.add_row(name, f"[green]{state}[/]" if state == "ready" else f"[red]{state}[/]", "\n".join(reasons))
        if name == "ingest" and state == "ready":
            trouble = _feeds_in_trouble(url, key)
            state = "[yellow]look at them[/]" if trouble else "[green]polled[/]"
            table.add_row("feeds", state, escape("\n".join(trouble)))
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


def _feeds_in_trouble(url: str, key: str) -> list[str]:
    found: list[dict[str, Any]] = []
    after: str | None = ""
    headers = {"Authorization": f"Bearer {key}"}
    try:
        while after is not None:
            answer = httpx.get(f"{url}/v1/sources", params={"after": after}, headers=headers, timeout=10)
            page = answer.raise_for_status().json()
            found += page["items"]
            after = page.get("next")
    except httpx.HTTPError as error:
        return [f"The sources cannot be read ({error})."]
    return feeds_in_trouble(found, datetime.now(UTC))


def feeds_in_trouble(sources: list[dict[str, Any]], now: datetime) -> list[str]:
    """What a person should look at, a line a kind; nothing when every feed is polled and answers.

    Args:
        sources: as the API tells them.
        now: aware.
    """
    polled = [source["polling"] | {"id": source["id"]} for source in sources if source.get("polling")]
    said = []
    for health, what in (("failing", "fail"), ("gone", "are gone and polled no more"), ("unknown", "are unknown")):
        names = [polling["id"] for polling in polled if polling["health"] == health]
        if names:
            said.append(f"{len(names)} {what}: {_some(names)}. See: newsfeed sources --trouble")
    late = [p["id"] for p in polled if p.get("next_poll") and now - datetime.fromisoformat(p["next_poll"]) > _LATE]
    if late:
        said.append(f"{len(late)} are overdue: {_some(late)}. Is a poller running?")
    return said


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
