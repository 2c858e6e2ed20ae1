"""``newsfeed sources``: where articles come from, how each feed does, and how it is added."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from newsfeed.ingest_calls import INGEST, KEY, Ingest, Key, answer_of, call, failure
from newsfeed.source_keys import keys

sources = typer.Typer(help="Sources of articles and their feeds.", invoke_without_command=True)

sources.add_typer(keys, name="keys")
_COLOURS = {"ok": "green", "failing": "red", "gone": "red", "unknown": "yellow", "waiting": "yellow", "paused": "dim"}
_DURATION: TypeAdapter[timedelta] = TypeAdapter(timedelta)


@sources.callback()
def table(
    context: typer.Context,
    ingest: Ingest = INGEST,
    key: Key = KEY,
    trouble: Annotated[bool, typer.Option("--trouble", help="Only those that a person should look at.")] = False,
) -> None:
    """Show every source: its last success, its next poll and why then, its items, its last error."""
    if context.invoked_subcommand is not None:
        return
    found = _all(ingest, key)
    now = datetime.now(UTC)
    shown = [source for source in found if not trouble or _health(source) in {"failing", "gone", "unknown"}]
    Console().print(sources_table(shown, now))
    if trouble and shown:
        raise typer.Exit(1)


@sources.command()
def add(
    url: Annotated[str, typer.Argument(help="Of a feed, or of a site whose feed is to be found.")],
    name: Annotated[str | None, typer.Option("--id", help="Of the new source; made of its title without it.")] = None,
    title: Annotated[str | None, typer.Option(help="Without it the feed's.")] = None,
    language: Annotated[str | None, typer.Option(help="Of all items, whatever the feed says (BCP 47).")] = None,
    theme: Annotated[list[str] | None, typer.Option(help="Added to the tags of all items; may be repeated.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the feed, whatever it says of itself.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every feed of the site, not only its first.")] = False,
    ingest: Ingest = INGEST,
    key: Key = KEY,
) -> None:
    """Find the feed of a site, and poll it from now on."""
    console = Console()
    feeds = call("POST", ingest, key, "/v1/sources/discover", params={"url": url})["feeds"]
    if not feeds:
        raise failure(f"{url} names no feed, and none is at the usual places. Name the feed's own address.")
    chosen = feeds if every else feeds[:1]
    if name and len(chosen) > 1:
        raise typer.BadParameter("--id names one source; leave it out with --all")
    for feed in chosen:
        settings: dict[str, object] = {"feed_url": feed["url"], "title": title or feed["title"], "url": url}
        settings |= {"language": language, "themes": theme or [], "encoding": encoding} | ({"id": name} if name else {})
        made = call("POST", ingest, key, "/v1/sources", json=settings)
        console.print(
            f"[green]{made['id']}[/] polls {escape(feed['url'])} ({feed['items']} items now)", highlight=False
        )
    for feed in feeds[len(chosen) :]:
        console.print(f"[dim]also there: {escape(feed['url'])} {escape(feed['title'])}[/]", highlight=False)


@sources.command(name="import")
def import_list(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="OPML, as feed readers export it.")],
    ingest: Ingest = INGEST,
    key: Key = KEY,
) -> None:
    """Make a source of every feed of an OPML list that none has yet."""
    console = Console()
    answer = call("POST", ingest, key, "/v1/sources.opml", content=file.read_bytes())
    for refused in answer["rejected"]:
        told = f"{refused['title']} {refused['feed_url']}: {refused['error']}"
        console.print(f"[red]rejected[/] {escape(told)}")
    console.print(f"{len(answer['created'])} made, {len(answer['existing'])} there already", highlight=False)
    if answer["rejected"]:
        raise typer.Exit(1)


@sources.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="File; the terminal when it is left out.")] = None,
    ingest: Ingest = INGEST,
    key: Key = KEY,
) -> None:
    """Write the polled sources as OPML."""
    listed = answer_of("GET", ingest, key, "/v1/sources.opml").text
    if file is None:
        typer.echo(listed)
    else:
        try:
            file.write_text(listed, encoding="utf-8")
        except OSError as error:
            told = f"{file} cannot be written: {error.strerror}. Name a file in a folder that is there."
            raise failure(told) from error


@sources.command()
def poll(name: Annotated[str, typer.Argument(help="The source.")], ingest: Ingest = INGEST, key: Key = KEY) -> None:
    """Poll a source's feed now, also one that was gone (410)."""
    call("POST", ingest, key, f"/v1/sources/{name}/poll")
    Console().print(f"{escape(name)} is polled as soon as its host may be asked")


def sources_table(found: list[dict[str, Any]], now: datetime) -> Table:
    """One row a source.

    Args:
        found: as the API tells them.
        now: aware.
    """
    table = Table("Source", "Health", "Last success", "Next poll", "Why then", "Items", "Last error")
    for source in found:
        polling: Mapping[str, Any] = source.get("polling") or {}
        items = polling.get("items")
        table.add_row(
            escape(f"{source['id']}\n{source['feed_url']}" if source.get("feed_url") else str(source["id"])),
            _health_shown(source),
            _ago(polling.get("last_success"), now),
            _next(polling, now),
            escape(str(polling.get("why") or "")),
            f"{items['new']} new, {items['changed']} changed\n{items['rejected']} rejected" if items else "",
            escape(_last_error(polling)),
        )
    return table


def _health(source: Mapping[str, Any]) -> str:
    return str((source.get("polling") or {}).get("health", "posts"))


def _health_shown(source: Mapping[str, Any]) -> str:
    health = _health(source)
    failures = (source.get("polling") or {}).get("failures", 0)
    times = f" ({failures})" if failures and health == "failing" else ""
    return f"[{_COLOURS.get(health, 'dim')}]{escape(health)}{times}[/]"


def _last_error(polling: Mapping[str, Any]) -> str:
    if polling.get("health") in {"gone", "unknown"}:
        return str(polling.get("reason") or "")
    errors = polling.get("errors") or []
    if not errors:
        return ""
    error = errors[0]
    where = [f"item {error['item']}" if error.get("item") is not None else "", error.get("guid"), error.get("field")]
    return ": ".join(part for part in (" ".join(filter(None, where)), str(error["detail"])) if part)


def _ago(moment: str | None, now: datetime) -> str:
    return f"{_length(now - datetime.fromisoformat(moment))} ago" if moment else "never"


def _next(polling: Mapping[str, Any], now: datetime) -> str:
    if not polling.get("next_poll"):
        return ""
    every = f"\nevery {_length(_DURATION.validate_python(polling['interval']))}" if polling.get("interval") else ""
    left = datetime.fromisoformat(polling["next_poll"]) - now
    return ("now" if left <= timedelta(0) else f"in {_length(left)}") + every


def _length(period: timedelta) -> str:
    minutes = round(period.total_seconds() / 60)
    if minutes < 1:
        return f"{max(round(period.total_seconds()), 0)} s"
    if minutes < 120:
        return f"{minutes} min"
    return f"{round(minutes / 60)} h" if minutes < 2880 else f"{round(minutes / 1440)} days"


def _all(ingest: str, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = call("GET", ingest, key, "/v1/sources", params={"after": after})
        found += page["items"]
        after = page.get("next")
    return found
