"""The ``newsfeed`` command."""

import typer

from newsfeed.backup import backup
from newsfeed.dead_letters import dead_letters
from newsfeed.doctor import doctor
from newsfeed.post import post
from newsfeed.rebuild import rebuild
from newsfeed.related import related
from newsfeed.restore import restore
from newsfeed.sources import sources
from newsfeed.topics import topics
from newsfeed.up import up
from newsfeed.views import views

app = typer.Typer(
    help="A news feed as services: run it here, post to it, look after it.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they may hold keys
)
app.command()(up)
app.command()(topics)
app.command()(post)
app.command()(rebuild)
app.add_typer(sources, name="sources")
app.add_typer(related, name="related")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(views, name="views")
app.command()(backup)
app.command()(restore)
app.command()(doctor)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
