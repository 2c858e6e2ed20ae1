"""The last events of ``news.articles`` in memory, once for all who read the stream, whatever their number."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from sys import getsizeof

from news_feed.stream_events import Announcement
from news_feed.stream_position import Offsets, position_text

_FIELDS_BYTES = 150
"""Of an event: the object, its offset and its place in the window."""


@dataclass(slots=True)
class RecentEvent:
    """An announcement, and how far one has come who has heard it and all before it."""

    announcement: Announcement
    partition: int
    offset: int
    after: Offsets
    id: bytes

    @property
    def weight(self) -> int:
        """Bytes in memory, roughly: the names of an article's lists can be more than its text."""
        return _FIELDS_BYTES + self.announcement.weight + getsizeof(self.after) + getsizeof(self.id)


class RecentEvents:
    """A numbered window: who has heard all before a number asks for what follows it.

    Nobody has a queue of his own, so that a slow reader costs nothing; one whose number has left the window is to be
    cut off, and may come back with the id of the last event that he heard.

    Args:
        start: the next offset of each partition.
        most_bytes: of the window.
        known: of each partition, before which offset all is old news at the window's beginning; ``start`` unless told.
    """

    def __init__(self, start: Sequence[int], *, most_bytes: int, known: Sequence[int] | None = None) -> None:
        self.start = list(start)  # of each partition the window has everything from here on
        self._known = tuple(start if known is None else known)
        self._head = list(start)
        self._events: deque[RecentEvent] = deque()
        self._most_bytes = most_bytes
        self._bytes = 0
        self.first = 0

    @property
    def end(self) -> int:
        """The number of the event that comes next."""
        return self.first + len(self._events)

    @property
    def head(self) -> Offsets:
        """How far one has come who has heard everything."""
        return tuple(self._head)

    @property
    def present(self) -> Offsets:
        """Where somebody begins who is told only what comes: old news that is still being read is behind him."""
        return tuple(map(max, self._head, self._known))

    def __getitem__(self, number: int) -> RecentEvent:
        """The event with this number, from `first` up to, not including, `end`."""
        return self._events[number - self.first]

    def add(self, said: Announcement, partition: int, offset: int) -> None:
        """Append an event. A withdrawal takes the text of what was said of its article before."""
        if said.lists is None:
            self._silence(said)
        self._head[partition] = offset + 1
        after = self.head
        event = RecentEvent(said, partition, offset, after, position_text(after).encode())
        self._events.append(event)
        self._bytes += event.weight
        while self._bytes > self._most_bytes and len(self._events) > 1:
            gone = self._events.popleft()
            self._bytes -= gone.weight
            self.first += 1
            self.start[gone.partition] = gone.offset + 1

    def pass_over(self, partition: int, next_offset: int) -> None:
        """There was nothing to say before this offset."""
        self._head[partition] = max(self._head[partition], next_offset)

    def _silence(self, withdrawal: Announcement) -> None:
        for event in self._events:
            if event.announcement.article == withdrawal.article:
                self._bytes -= event.weight
                event.announcement = replace(event.announcement, text=b"")
                self._bytes += event.weight
