"""Going on after an interruption, whatever the order in which a process heard of the partitions; and slow readers."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from news_feed.article_store import ArticleStore, Revisions
from news_feed.article_stream import ArticleStream
from news_feed.recent_events import RecentEvents
from news_feed.stream_events import announcement
from news_feed.stream_log import StreamLog
from news_feed.stream_position import Offsets, parse_position, position_text
from news_feed.timelines import Selection
from news_shared.article_ids import ArticleId
from news_shared.articles import encode_event
from news_shared.errors import OverloadError, TransientError
from news_shared.event_streams import Patience
from news_shared.projection.log import Bounds
from news_shared.topics import ARTICLES
from tests.feed.builders import published

LONG = Patience(timedelta(hours=1), timedelta(hours=1))
PARTITIONS = 3
Place = tuple[int, int]  # partition and offset


class Log:
    """What a process has heard so far; nothing more comes."""

    def __init__(self, recent: RecentEvents | None) -> None:
        self.recent = recent
        self.is_at_its_end = False

    def is_over(self, recent: RecentEvents) -> bool:
        return self.is_at_its_end

    async def news(self, within: timedelta) -> None:
        self.is_at_its_end = True

    def of(self, partition: int) -> "Partition":
        return Partition(partition)


class Partition:
    """Ten articles, ``partition/offset``."""

    def __init__(self, partition: int) -> None:
        self._partition = partition

    async def bounds(self) -> Bounds:
        return Bounds(0, 10)

    async def read(self, start: int, stop: int) -> AsyncGenerator[Sequence[ConsumerRecord], None]:
        records = []
        for offset in range(start, stop):
            key, value, headers = encode_event(published(f"{self._partition}/{offset}"))
            records.append(
                ConsumerRecord(ARTICLES, self._partition, offset, 0, 0, key, value, None, 0, 0, tuple(headers))
            )
        yield records


class Applying:
    """A store whose projector applies four more articles between two looks."""

    def __init__(self) -> None:
        self._reached = 0

    async def revisions(self, partition: int, ids: Sequence[ArticleId]) -> Revisions:
        applied = {published(f"{partition}/{offset}").id for offset in range(self._reached)}
        found = Revisions({article: 1 for article in ids if article in applied}, self._reached)
        self._reached += 4
        return found


def stream_of(recent: RecentEvents | None, *, most: int = 10) -> ArticleStream:
    return ArticleStream(cast("StreamLog", Log(recent)), cast("ArticleStore", None), most=most)


def heard(places: list[Place], *, most_bytes: int = 10**9) -> RecentEvents:
    recent = RecentEvents([0] * PARTITIONS, most_bytes=most_bytes)
    for partition, offset in places:
        recent.add(announcement(published(f"{partition}/{offset}"), replayed=False), partition, offset)
    return recent


def told(pieces: list[bytes]) -> list[tuple[str, str]]:
    """Guid and id of each event."""
    events = []
    for event in b"".join(pieces).decode().split("\n\n"):
        lines = dict(line.partition(": ")[::2] for line in event.split("\n"))
        if "data" in lines:
            events.append((lines["data"].partition('"guid":"')[2].partition('"')[0], lines.get("id", "")))
    return events


async def _read(recent: RecentEvents, begin: Offsets | None) -> list[tuple[str, str]]:
    stream = stream_of(recent)
    return told([piece async for piece in stream.messages(recent, Selection(), begin, LONG)])


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[Place], list[Place]]:
    """The same logs, offsets with gaps, as two processes heard of them."""
    logs = [
        [(partition, offset) for offset in sorted(draw(st.sets(st.integers(0, 200), max_size=8)))]
        for partition in range(PARTITIONS)
    ]

    def shuffled() -> list[Place]:
        left = [list(log) for log in logs]
        order = []
        while any(left):
            log = draw(st.sampled_from([log for log in left if log]))
            order.append(log.pop(0))
        return order

    return shuffled(), shuffled()


@given(interleavings(), st.integers(0, 24), st.integers(0, 24))
def test_who_goes_on_elsewhere_hears_each_event_once(
    orders: tuple[list[Place], list[Place]], first: int, second: int
) -> None:
    async def listen() -> None:
        here, there = map(heard, orders)
        everything = [f"{partition}/{offset}" for partition, offset in orders[0]]
        begin: Offsets = (0,) * PARTITIONS
        got: list[str] = []
        for recent, number in ((here, first), (there, second), (here, 100), (there, 100)):
            events = (await _read(recent, begin))[:number]
            got += [guid for guid, _ in events]
            if events:
                begin = parse_position(events[-1][1], PARTITIONS)
        assert sorted(got) == sorted(everything)

    asyncio.run(listen())


async def test_who_begins_while_old_news_are_still_being_read_hears_only_what_comes() -> None:
    recent = RecentEvents([0] * PARTITIONS, known=[3, 0, 2], most_bytes=10**9)
    stream = stream_of(recent)
    messages = stream.messages(recent, Selection(), None, LONG)
    [(_, begun_at)] = told([await anext(messages)])
    for partition, offset in ((0, 0), (2, 0), (0, 1), (1, 0), (0, 2), (2, 1), (0, 3), (2, 2)):
        recent.add(announcement(published(f"{partition}/{offset}"), replayed=True), partition, offset)
    events = told([piece async for piece in messages])
    assert [guid for guid, _ in events] == ["1/0", "0/3", "2/2"]
    assert parse_position(begun_at, PARTITIONS) == (3, 0, 2)
    assert parse_position(events[0][1], PARTITIONS) == (3, 1, 2)


async def test_who_falls_behind_what_is_in_memory_is_cut_off_and_not_told_with_a_hole() -> None:
    recent = heard([(0, 0)], most_bytes=4_000)
    stream = stream_of(recent)
    messages = stream.messages(recent, Selection(), (0, 0, 0), LONG)
    assert [guid for guid, _ in told([await anext(messages)])] == ["0/0"]
    for offset in range(1, 50):
        recent.add(announcement(published(f"0/{offset}"), replayed=False), 0, offset)
    assert [piece async for piece in messages] == []


async def test_what_is_not_applied_yet_is_waited_for_and_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("news_feed.article_stream._UNAPPLIED_PAUSE", timedelta())
    recent = RecentEvents([10, 0, 0], most_bytes=10**9)
    stream = ArticleStream(cast("StreamLog", Log(recent)), cast("ArticleStore", Applying()), most=10)
    pieces = [piece async for piece in stream.messages(recent, Selection(), (2, 0, 0), LONG)]
    assert [guid for guid, _ in told(pieces) if guid] == [f"0/{offset}" for offset in range(2, 10)]


async def test_a_reader_who_has_heard_everything_is_told_where_he_is() -> None:
    recent = heard([(0, 4), (2, 7)])
    stream = stream_of(recent)
    patience = Patience(timedelta(hours=1), timedelta())
    messages = stream.messages(recent, Selection(source="nobody"), None, patience)
    id_line = f"id: {position_text((5, 0, 8))}\n"
    expected = f'{id_line}event: heartbeat\ndata: {{"next_within_seconds":0.0}}\n\n'.encode()
    assert [await anext(messages), await anext(messages)] == [expected, expected]


def test_one_reader_too_many_and_one_before_the_log_is_reached_are_refused() -> None:
    stream = stream_of(heard([]), most=1)
    with stream.reading():
        with pytest.raises(OverloadError), stream.reading():
            pass
        assert stream.readers == 1
    assert stream.readers == 0
    nothing: Any = stream_of(None)
    with pytest.raises(TransientError), nothing.reading():
        pass
