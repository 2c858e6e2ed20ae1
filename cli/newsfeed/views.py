"""``newsfeed views``: counts of views in and out."""

import typer

from newsfeed.views_export import export
from newsfeed.views_import import import_totals

views = typer.Typer(help="Counts of views.", no_args_is_help=True)
views.command()(export)
views.command(name="import")(import_totals)
