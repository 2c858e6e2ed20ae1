"""``newsfeed sources keys``: who may write for a source."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from newsfeed.ingest_calls import INGEST, KEY, Ingest, Key, answer_of, call

keys = typer.Typer(help="Keys of a source: list, add, rotate, revoke.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(help="The source.")]
KeyId = Annotated[str, typer.Argument(help="The key's id, as the list shows it.")]
_DURATION: TypeAdapter[timedelta] = TypeAdapter(timedelta)


@keys.command(name="list")
def list_keys(source: Source, ingest: Ingest = INGEST, key: Key = KEY) -> None:
    """Show the keys of a source; their secrets are kept nowhere."""
    table = Table("Key", "Scopes", "Made", "Ends", "A minute")
    for found in call("GET", ingest, key, f"/v1/sources/{source}/keys")["items"]:
        table.add_row(
            found["id"], ", ".join(found["scopes"]), found["created_at"], _end(found, datetime.now(UTC)), _limits(found)
        )
    Console().print(table)


@keys.command()
def add(
    source: Source,
    scope: Annotated[list[str] | None, typer.Option(help="May be repeated; articles:write without it.")] = None,
    lasts: Annotated[str | None, typer.Option(help="How long, ISO 8601: P90D. Without it until revoked.")] = None,
    requests: Annotated[int | None, typer.Option(help="A minute, instead of the default.")] = None,
    articles: Annotated[int | None, typer.Option(help="A minute, instead of the default.")] = None,
    ingest: Ingest = INGEST,
    key: Key = KEY,
) -> None:
    """Make a key. Its token alone is written to standard output, this once."""
    wanted: dict[str, object] = {"scopes": scope or ["articles:write"]}
    if lasts is not None:
        wanted["expires_at"] = _after(_duration(lasts, "--lasts")).isoformat()
    limits = {"requests_per_minute": requests, "articles_per_minute": articles}
    wanted |= {name: limit for name, limit in limits.items() if limit is not None}
    _show(call("POST", ingest, key, f"/v1/sources/{source}/keys", json=wanted))


@keys.command()
def rotate(
    source: Source,
    key_id: KeyId,
    grace: Annotated[str, typer.Option(help="So long the old key lives on, ISO 8601; PT0S: it ends at once.")] = "PT1H",
    ingest: Ingest = INGEST,
    key: Key = KEY,
) -> None:
    """Replace a key by one that may do the same. The new token is written to standard output, this once."""
    _duration(grace, "--grace")
    made = call("POST", ingest, key, f"/v1/sources/{source}/keys/{key_id}/rotate", json={"grace": grace})
    _show(made)
    Console(stderr=True).print(f"{escape(key_id)} ends at {made['replaces']['expires_at']}", highlight=False)


@keys.command()
def revoke(source: Source, key_id: KeyId, ingest: Ingest = INGEST, key: Key = KEY) -> None:
    """Take a key away, at once."""
    answer_of("DELETE", ingest, key, f"/v1/sources/{source}/keys/{key_id}")
    Console(stderr=True).print(f"{escape(key_id)} opens nothing any more", highlight=False)


def _show(made: dict[str, Any]) -> None:
    limits = _limits(made)
    Console(stderr=True).print(
        f"key {made['id']}: {', '.join(made['scopes'])}; {_end(made, datetime.now(UTC)) or 'no end'}"
        + (f"; {limits}" if limits else ""),
        highlight=False,
    )
    typer.echo(made["token"])


def _end(key: dict[str, Any], now: datetime) -> str:
    if key["expires_at"] is None:
        return ""
    return ("ended " if datetime.fromisoformat(key["expires_at"]) <= now else "ends ") + str(key["expires_at"])


def _limits(key: dict[str, Any]) -> str:
    named = (("requests_per_minute", "requests"), ("articles_per_minute", "articles"))
    return ", ".join(f"{key[name]:,} {what}" for name, what in named if name in key)


def _after(lasts: timedelta) -> datetime:
    try:
        return datetime.now(UTC) + lasts
    except OverflowError as error:
        raise typer.BadParameter("--lasts: no calendar goes so far; leave it out for a key without an end") from error


def _duration(text: str, option: str) -> timedelta:
    try:
        return _DURATION.validate_python(text)
    except ValidationError as error:
        raise typer.BadParameter(f"{option}: {text!r} is no duration; write for example PT1H or P90D") from error
