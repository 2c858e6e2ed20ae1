"""``newsfeed rebuild``: fill a new generation of a projection beside the live one, then switch over."""

import subprocess
import sys
from enum import StrEnum

import typer


class Rebuildable(StrEnum):
    """Projections that can be rebuilt; the publisher's state is not served and restores itself."""

    VIEWS = "views"
    RELATED = "related"
    FEED = "feed"


def rebuild(
    projection: Rebuildable,
    recount: bool = typer.Option(False, help="views: ignore the changelog, count the log again as far as it reaches."),
) -> None:
    """Rebuild a projection while the live one goes on answering; shows progress, then switches."""
    command = [sys.executable, "-m", f"news_{projection}", "rebuild", *(["--recount"] if recount else [])]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
