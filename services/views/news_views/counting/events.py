"""What the projection takes from records of ``news.views``: beacons and markers to count, and imported totals."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TypeAlias

from aiokafka import ConsumerRecord

from news_shared.article_ids import ArticleId
from news_shared.errors import PoisonError
from news_views.counting.received import Beacons
from news_views.counting.singles import may_be_single, read_singles
from news_views.view_log import Batch, PlacedImport, PlacedMarker, decode

Counted: TypeAlias = Beacons | PlacedMarker
ViewEvent: TypeAlias = Batch | PlacedMarker | PlacedImport | ConsumerRecord
"""What a record says; a single beacon's stays as it is, to be read together with others."""


def event_of(record: ConsumerRecord) -> ViewEvent | None:
    """What a record says, as far as it is worth reading it by itself; None for a type that nobody here knows.

    Raises:
        PoisonError: it cannot be read.
    """
    return record if may_be_single(record) else decode(record)


def weight(event: ViewEvent) -> int:
    """The beacons of an event; 1 for anything else."""
    return event.size if isinstance(event, Batch) else 1


def told_apart(events: Sequence[ViewEvent], *, together: bool) -> tuple[list[Counted], list[PlacedImport]]:
    """What is counted, and what was imported; neither touches the other's numbers.

    Args:
        events: ascending.
        together: read single beacons that follow one another together; else each record stays an event.

    Raises:
        PoisonError: one of them cannot be read.
    """
    counted: list[Counted] = []
    imports: list[PlacedImport] = []
    for kind, run in groupby(events, key=type):
        if kind is ConsumerRecord:
            records = list(run)
            counted += _read_together(records) if together else map(_read_alone, records)
            continue
        for event in run:
            if isinstance(event, PlacedImport):
                imports.append(event)
            else:
                counted.append(event)
    return counted, imports


def counted_before(records: Sequence[ConsumerRecord]) -> list[Counted]:
    """What was counted of records that were applied: all that can be read."""
    try:
        events = [event for record in records if (event := event_of(record)) is not None]
        return told_apart(events, together=True)[0]
    except PoisonError:  # it was parked when it was applied
        return told_apart(_readable(records), together=False)[0]


def articles_of(events: Iterable[Counted]) -> set[ArticleId]:
    """Every article that these speak of."""
    articles: set[ArticleId] = set()
    for event in events:
        if isinstance(event, PlacedMarker):
            articles.add(event.marker.id)
        else:
            articles.update(event.articles)
    return articles


def _read_together(records: Sequence[ConsumerRecord]) -> Iterable[Counted]:
    singles = read_singles(records)
    return map(_read_alone, records) if singles is None else (singles,)


def _read_alone(record: ConsumerRecord) -> Counted:
    event = decode(record)
    assert isinstance(event, Batch)  # its header says so
    return event


def _readable(records: Sequence[ConsumerRecord]) -> list[ViewEvent]:
    events: list[ViewEvent] = []
    for record in records:
        try:
            event = decode(record)
        except PoisonError:
            continue
        if event is not None:
            events.append(event)
    return events
