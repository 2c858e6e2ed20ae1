"""Where the log's own time goes back: a broker's clock was ahead, and from there on it is right.

Were the time held, as it is within a stretch, every reader who comes back before the clock has caught up would be a
repeat, for a day if it was a day ahead. So each stretch is counted as if nothing had been before it (docs/adr/0022).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from news_views.counting.received import Beacons
from news_views.counting.singles import Singles
from news_views.view_log import PlacedMarker

SETBACK_MS: Final = 3_600_000
"""Clocks of brokers that lead a partition in turn differ by little; only what is further back is a clock that was set.
"""

_Event = Beacons | PlacedMarker


class Stretch(NamedTuple):
    """Records between two setbacks.

    Attributes:
        set_back_to: append time of the first of them in ms; None where they go on from what was before.
    """

    set_back_to: int | None
    events: Sequence[_Event]


def stretches(events: Sequence[_Event], log_ms: int) -> Iterator[Stretch]:
    """Cut records, ascending, where one was appended more than `SETBACK_MS` before the newest of its stretch.

    Args:
        log_ms: newest append time of the stretch that they go on from.
    """
    set_back_to: int | None = None
    going_on: list[_Event] = []
    for event in events:
        for piece in _pieces(event, log_ms):
            first_ms, newest_ms = _append_times(piece)
            if first_ms < log_ms - SETBACK_MS:
                if going_on:
                    yield Stretch(set_back_to, going_on)
                set_back_to, going_on, log_ms = first_ms, [], first_ms
            going_on.append(piece)
            log_ms = max(log_ms, newest_ms)
    if going_on:
        yield Stretch(set_back_to, going_on)


def _pieces(event: _Event, log_ms: int) -> Sequence[_Event]:
    """An event of one record is one piece; of many, each setback begins another."""
    if not isinstance(event, Singles):
        return (event,)
    appended = event.appended_ms
    if appended.min() >= max(log_ms, appended.max()) - SETBACK_MS:
        return (event,)
    begins = [0]
    for place, appended_ms in enumerate(appended.tolist()):
        if appended_ms < log_ms - SETBACK_MS:
            begins.append(place)
            log_ms = appended_ms
        log_ms = max(log_ms, appended_ms)
    return [event.part(start, stop) for start, stop in pairwise((*begins, len(appended))) if start < stop]


def _append_times(event: _Event) -> tuple[int, int]:
    """Of the first record, and the newest."""
    if isinstance(event, Singles):
        return int(event.appended_ms[0]), int(event.appended_ms.max())
    return event.appended_ms, event.appended_ms
