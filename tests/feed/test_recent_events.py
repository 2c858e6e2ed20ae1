"""The window of the last events: what it weighs."""

import gc
import tracemalloc

import pytest

from news_feed.recent_events import RecentEvents
from news_feed.stream_events import announcement
from tests.feed.builders import published

BUDGET = 2**18
FAR = 10**9


@pytest.mark.parametrize(("partitions", "tags", "events"), [(12, 0, 300), (12, 5, 300), (12, 100, 30), (1024, 1, 300)])
def test_the_window_keeps_to_its_bytes_whatever_is_kept_of_an_event(partitions: int, tags: int, events: int) -> None:
    tracemalloc.start()
    try:
        recent = RecentEvents([FAR] * partitions, most_bytes=BUDGET)
        for number in range(events):
            event = published(f"a{number}", language="en-GB", tags=tuple(f"topic {number} {n}" for n in range(tags)))
            recent.add(announcement(event, replayed=False), number % partitions, FAR + number)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert recent.end - recent.first < events
    assert 0.7 * BUDGET < kept < 1.4 * BUDGET
