"""Totals that other systems counted: what stands after some imports.

An import is a statement, not an addition: the last one of an origin about a day of an article holds. So importing a
file twice, or again after a crash in the middle, or a newer export of the same system, needs no memory of files.
Nothing here touches what is counted from beacons: neither sessions nor readers' sketches nor scores.
"""

from collections.abc import Iterable

from news_views.changelog import Imported, day_number
from news_views.counting.counts import UNDATED, Day
from news_views.view_log import PlacedImport

Said = tuple[Day, str]
"""Of which article and day an origin speaks, and the origin."""


def imported_totals(imports: Iterable[PlacedImport]) -> dict[Said, Imported]:
    """What these imports, in the order of the log, say in the end."""
    standing: dict[Said, Imported] = {}
    for _, said in imports:
        day = Day(said.article, UNDATED if said.day is None else day_number(said.day))
        standing[day, said.origin] = Imported(views=said.views, readers=said.readers)
    return standing
