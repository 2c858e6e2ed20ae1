"""The ``newsfeed`` command. Each of its commands is imported when it is asked for: all together take a second."""

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

_COMMANDS: Final = (
    *("up", "topics", "post", "rebuild", "backup", "restore", "doctor"),
    *("sources", "related", "dead-letters", "views"),  # with commands of their own
)
"""In the order of the help; each is in a module of its name, under its name."""


class _Commands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        """All names; of `click.Group`."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, None if there is none; of `click.Group`."""
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        made = getattr(import_module(f"newsfeed.{name}"), name)
        if isinstance(made, typer.Typer):
            command: Any = get_group(made)
        else:
            one = typer.Typer(add_completion=False)
            one.command()(made)
            command = get_command(one)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they may hold keys
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"newsfeed {version('newsfeed')}")
        raise typer.Exit


@app.callback()
def newsfeed(
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version and stop.")
    ] = False,
) -> None:
    """A news feed as services: run it here, post to it, look after it."""


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
