"""``newsfeed views import``: starting totals from a file, through the views service into the log of views."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from news_shared.article_ids import ArticleId
from newsfeed.api_client import ApiClient, ApiError
from newsfeed.named_articles import ArticleFinder, Site
from newsfeed.totals_files import FileTotals, Format, Total, read_totals

_LINES_A_REQUEST: Final = 500
_SHOWN: Final = 20
_PATH: Final = "/v1/views/imports"


class _ArticleAndDay(NamedTuple):
    article: ArticleId
    day: date | None


_Entry = tuple[_ArticleAndDay, Total]


@dataclass
class _Plan:
    """What is to be written, and the names in the file that belong to no article here."""

    totals: dict[_ArticleAndDay, Total] = field(default_factory=dict)
    names: dict[ArticleId, str] = field(default_factory=dict)
    left_out: dict[str, Total] = field(default_factory=dict)


def import_totals(
    file: Annotated[
        Path, typer.Argument(help="CSV, or a GoatCounter export; packed (.gz) or not.", exists=True, dir_okay=False)
    ],
    origin: Annotated[
        str | None, typer.Option(help="A name for the system that counted; the format's when it is left out.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="The source here whose guids the paths or URLs are.")] = None,
    site: Annotated[str | None, typer.Option(help="Put before a path to make it a URL: https://herald.example")] = None,
    form: Annotated[Format | None, typer.Option("--format", help="Without it the first line tells.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    views: Annotated[str, typer.Option(envvar="NEWS_VIEWS_URL", help="The views API.")] = "http://127.0.0.1:8002",
    feed: Annotated[str, typer.Option(envvar="NEWS_FEED_URL", help="The feed API.")] = "http://127.0.0.1:8004",
    key: Annotated[str, typer.Option(envvar="NEWS_ADMIN_KEY", help="A key with the scope admin.")] = "dev",
    patience: Annotated[float, typer.Option(help="Seconds to go on asking a service that is away.")] = 120,
) -> None:
    """Add what another system counted to the views here.

    A CSV file has the columns article (our id, source:guid, or URL) and views, if known also day (UTC) and readers.
    The whole file is checked before anything is written. What an origin says of a day of an article replaces what it
    said before, so importing a file again changes nothing.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    found = read_totals(file, form)
    if found.form is Format.GOATCOUNTER and site is None and source is None:
        found.errors.append("a path alone names no article: give --site https://…, or --source if its guids are paths")
    _refuse(found.errors, file, console)
    address = None if site is None else site.rstrip("/")
    params = {"origin": origin or found.form.value}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with (
            ApiClient(views, key=key, patience=patience) as counts,
            ApiClient(feed, key=key, patience=patience) as articles,
            Progress(*columns, console=console) as progress,
        ):
            plan = _plan(found, ArticleFinder(articles, counts, Site(address, source)), progress)
            errors, unknown = _check(plan, counts, params, progress)
            _refuse(errors, file, console)
            if not dry_run:
                _write(plan, counts, params, progress)
    except ApiError as error:
        console.print(f"[red]{escape(str(error))}[/]")
        console.print("Run the same command again when that is mended: what was written already is not added twice.")
        raise typer.Exit(1) from error
    _summarise(plan, unknown, params["origin"], console)
    if dry_run:
        console.print("Nothing was written, as asked (--dry-run).")


def _refuse(errors: Sequence[str], file: Path, console: Console) -> None:
    if not errors:
        return
    for error in errors[:_SHOWN]:
        console.print(f"[red]{escape(file.name)}[/] {escape(error)}")
    if len(errors) > _SHOWN:
        console.print(f"… and {len(errors) - _SHOWN:,} more")
    console.print("Nothing was written. Mend the file and run the command again.")
    raise typer.Exit(1)


def _plan(found: FileTotals, finder: ArticleFinder, progress: Progress) -> _Plan:
    """Several names may mean one article: their totals are added."""
    names = list(dict.fromkeys(of.name for of in found.totals))
    task = progress.add_task("articles looked up", total=len(names))
    articles = finder.find(names, lambda: progress.advance(task))
    plan = _Plan()
    for of, total in found.totals.items():
        article = articles[of.name]
        if article is None:
            plan.left_out.setdefault(of.name, Total(total.line)).add(total.views, total.readers, total.lines)
        else:
            plan.names.setdefault(article, of.name)
            sum_of = plan.totals.setdefault(_ArticleAndDay(article, of.day), Total(total.line))
            sum_of.add(total.views, total.readers, total.lines)
    return plan


def _check(
    plan: _Plan, counts: ApiClient, params: dict[str, str], progress: Progress
) -> tuple[list[str], dict[ArticleId, Total]]:
    """What the service says is wrong, and the totals of articles that it does not know yet."""
    errors: list[str] = []
    unknown: dict[ArticleId, Total] = {}
    task = progress.add_task("totals checked", total=len(plan.totals))
    for part in _parts(plan):
        answer = counts.post_lines(_PATH, {**params, "dry_run": "1"}, _lines(part))
        for rejected in answer.get("rejected", []):
            _, total = part[rejected["line"] - 1]
            errors.append(f"line {total.line}: {'; '.join(rejected['errors'])}")
        for missing in answer.get("unknown", []):
            of, total = part[missing["line"] - 1]
            unknown.setdefault(of.article, Total(total.line)).add(total.views, total.readers, total.lines)
        progress.advance(task, len(part))
    return errors, unknown


def _write(plan: _Plan, counts: ApiClient, params: dict[str, str], progress: Progress) -> None:
    task = progress.add_task("totals written", total=len(plan.totals))
    for part in _parts(plan):
        answer = counts.post_lines(_PATH, params, _lines(part))
        if "rejected" in answer:
            raise ApiError(f"{_PATH} refuses what it found right before: {answer['rejected'][:1]}")
        progress.advance(task, len(part))


def _parts(plan: _Plan) -> Iterator[list[_Entry]]:
    entries = list(plan.totals.items())
    for start in range(0, len(entries), _LINES_A_REQUEST):
        yield entries[start : start + _LINES_A_REQUEST]


def _lines(part: Iterable[_Entry]) -> bytes:
    lines: list[str] = []
    for of, total in part:
        line: dict[str, Any] = {"article": of.article, "views": total.views, "readers": total.readers}
        lines.append(json.dumps(line if of.day is None else {**line, "day": of.day.isoformat()}))
    return "\n".join(lines).encode()


def _summarise(plan: _Plan, unknown: dict[ArticleId, Total], origin: str, console: Console) -> None:
    days = len({of.day for of in plan.totals if of.day is not None})
    console.print(
        f"{_sums(plan.totals.values())} of {len(plan.names):,} articles on {days:,} days, counted by {origin}"
    )
    if unknown:
        names = {plan.names[article]: total for article, total in unknown.items()}
        console.print(f"{_sums(unknown.values())} of articles that are not known here yet; they show when those come:")
        _show(names, console)
    if plan.left_out:
        console.print(
            f"[yellow]left out[/]: {_sums(plan.left_out.values())} that belong to no article here. "
            "Post the articles and import again if they should:"
        )
        _show(plan.left_out, console)


def _sums(totals: Iterable[Total]) -> str:
    some = list(totals)
    views, readers = sum(total.views for total in some), sum(total.readers for total in some)
    return f"{sum(total.lines for total in some):,} lines with {views:,} views, {readers:,} readers"


def _show(names: dict[str, Total], console: Console) -> None:
    for name, total in list(names.items())[:_SHOWN]:
        console.print(f"  line {total.line}: {name}", markup=False)
    if len(names) > _SHOWN:
        console.print(f"  … and {len(names) - _SHOWN:,} more")
