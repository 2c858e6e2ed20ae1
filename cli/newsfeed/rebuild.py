"""``newsfeed rebuild``: fill a new generation of a projection beside the live one, then switch over."""

import subprocess
import sys
from collections.abc import Mapping
from enum import StrEnum
from importlib.util import find_spec
from typing import Final

import typer


class Rebuildable(StrEnum):
    """Projections that can be rebuilt; the publisher's state is not served and restores itself."""

    VIEWS = "views"
    RELATED = "related"
    FEED = "feed"


_ON_COMPOSE: Final[Mapping[Rebuildable, str]] = {
    Rebuildable.VIEWS: "views-projector",
    Rebuildable.RELATED: "related-linker",
    Rebuildable.FEED: "feed-projector",
}
"""A service with the image that can."""


def rebuild(
    projection: Rebuildable,
    recount: bool = typer.Option(False, help="views: ignore the changelog, count the log again as far as it reaches."),
) -> None:
    """Rebuild a projection while the live one goes on answering; shows progress, then switches."""
    if find_spec(f"news_{projection}") is None:
        typer.echo(
            f"news_{projection} is not installed here, and it knows how. On compose: "
            f"docker compose run --rm {_ON_COMPOSE[projection]} rebuild",
            err=True,
        )
        raise typer.Exit(1)
    command = [sys.executable, "-m", f"news_{projection}", "rebuild", *(["--recount"] if recount else [])]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
