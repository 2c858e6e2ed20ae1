"""What the log has said of an article so far: known or withdrawn, and since which offset."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from news_views.view_log import Marker, State

_KEPT_TRANSITIONS = 8


class Transition(NamedTuple):
    """From this offset on the article was in this state."""

    offset: int
    state: State
    clock_ms: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An article's place in the log's view of the world; a state of its own for each offset, so that the past can be
    counted again after a restart. Without transitions: never announced.
    """

    revision: int = 0
    language: str = "und"
    themes: tuple[str, ...] = ()
    transitions: tuple[Transition, ...] = ()

    @property
    def state(self) -> State | None:
        """The state after the last marker."""
        return self.transitions[-1].state if self.transitions else None

    def at(self, offset: int) -> State | None:
        """The state that a beacon at this offset met; None when the article was not announced by then."""
        for transition in reversed(self.transitions):
            if transition.offset <= offset:
                return transition.state
        return None

    def is_announced_at(self, offset: int) -> bool:
        """Whether the marker at this offset was the article's first."""
        return bool(self.transitions) and self.transitions[0].offset == offset

    def after(self, marker: Marker, offset: int, clock_ms: int, *, forget_before_ms: int) -> "Standing":
        """The standing once a marker is applied; the same object when the marker says nothing new.

        Args:
            marker: at least once in the log; an older revision, and the same again, are ignored.
            offset: its place.
            clock_ms: the partition's clock there.
            forget_before_ms: transitions before this clock are only kept as far as they are few.
        """
        if marker.revision <= self.revision:
            return self
        transitions = self.transitions
        if marker.state != self.state:
            transitions = (*transitions, Transition(offset, marker.state, clock_ms))
            while len(transitions) > _KEPT_TRANSITIONS and transitions[1].clock_ms < forget_before_ms:
                transitions = transitions[1:]
        return replace(
            self,
            revision=marker.revision,
            language=marker.language if marker.state == "known" else self.language,
            themes=marker.themes if marker.state == "known" else self.themes,
            transitions=transitions,
        )
