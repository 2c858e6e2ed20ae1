"""What ``newsfeed up`` shows: one log of all roles, and where everything is."""

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from itertools import cycle

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from newsfeed.roles import PEERS, Places, without_password

_COLOURS = (
    *("cyan", "green", "yellow", "blue", "magenta", "red"),
    *("bright_cyan", "bright_green", "bright_yellow", "bright_blue", "bright_magenta"),
)
_OURS = "newsfeed"
_WIDTH = len("ingest-publisher")
_TITLES = {"ingest": "post articles", "views": "count views", "related": "related stories", "feed": "lists and feeds"}


class Screen:
    """Writes to a terminal in colour, to anything else plainly."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # our lines and those of roles have signs that ASCII has not
        self.on_lost: Callable[[], None] = lambda: None
        """Called once when nobody reads any more, for example ``newsfeed up | head``; later lines are dropped."""
        self._console = _Output(self._lose)
        self._colours = cycle(_COLOURS)
        self._styles = {_OURS: "bold"}

    def line(self, name: str, line: str) -> None:
        """A line of the log, headed with who wrote it."""
        if name not in self._styles:
            self._styles[name] = next(self._colours)
        try:
            self._console.print(Text.assemble((f"{name:<{_WIDTH}} │ ", self._styles[name]), line))
        except OSError:  # a terminal that was closed
            self._lose()

    def _lose(self) -> None:
        if not self._console.quiet:
            self._console.quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at our exit would fail too
            self.on_lost()

    def say(self, line: str) -> None:
        """A line of our own."""
        self.line(_OURS, line)

    def starting(self, places: Places) -> None:
        """Say what will be started and what will be lost."""
        self.say(f"starting: Kafka {places.kafka}, Redis {without_password(places.redis)}")
        if places.kafka_is_ours:
            self.say("the embedded Kafka keeps everything in memory: ALL IS FORGOTTEN when this stops")
        if places.kafka_is_ours and not places.redis_is_ours:
            self.say("your Redis may remember another log than the new, empty one; its partitions would stop then")

    def ready(self, places: Places, admin_key: str) -> None:
        """Show where everything is and how to post an article."""
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_row("[bold]read[/]", f"[bold]{places.url('web')}[/]")
        for peer in PEERS:
            table.add_row(_TITLES[peer], f"{places.url(f'{peer}-api')}  (reference: /docs)")
        table.add_row("Kafka", escape(places.kafka))
        table.add_row("Redis", escape(without_password(places.redis)))
        self._console.print()
        self._console.print(Panel(table, title="newsfeed is ready", expand=False))
        self._console.print("\nPost an article:\n")
        self._console.print(_curl(places.url("ingest-api"), admin_key), markup=False)
        if places.kafka_is_ours:
            self._console.print("\n[bold red]Everything is forgotten when this stops.[/]", end="")
        if admin_key == "dev":
            self._console.print(" [bold red]The admin key is dev: anybody who reaches the ports may post.[/]", end="")
        self._console.print(" Ctrl-C stops it.\n")

    def stopped(self) -> None:
        """Say that it is over."""
        self.say("stopped")

    def fail(self, message: str) -> None:
        """Say why it could not go on."""
        self._console.print(f"\n{message}", style="bold red", markup=False)


class _Output(Console):
    """Standard output; a console raises SystemExit when its reader is gone, in whatever task happens to write."""

    def __init__(self, lost: Callable[[], None]) -> None:
        super().__init__(highlight=False, soft_wrap=True)
        self._lost = lost

    def on_broken_pipe(self) -> None:
        self._lost()


def _curl(ingest: str, admin_key: str) -> str:
    shown = admin_key if admin_key == "dev" else "$NEWS_ADMIN_KEY"
    return (
        f"  curl '{ingest}/v1/articles?source=my-desk' -H \"Authorization: Bearer {shown}\" \\\n"
        "    -H 'Content-Type: application/json' \\\n"
        '    -d \'{"id": "hello", "url": "https://example.org/hello", "language": "en",\n'
        '         "title": "Hello, newsroom", "content_text": "The first article."}\''
    )
