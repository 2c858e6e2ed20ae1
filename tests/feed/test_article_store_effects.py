"""The read model does not depend on how events were batched, repeated or compacted away before they came."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from news_feed.article_store import effects_of
from news_feed.timelines import Entry, State, after
from news_shared.articles import ArticleEvent
from news_shared.projection.contract import Effects
from tests.feed.builders import NOON, published, withdrawn

GUIDS = ("a", "b", "c")
Model = dict[str, dict[str | bytes, str | bytes]]


def test_the_effects_of_nothing_are_nothing() -> None:
    assert effects_of("{feed-0}:1:", {}, {}) == Effects([], [])


def project(batches: Sequence[Sequence[ArticleEvent]]) -> Model:
    """What Redis would hold: the operations of `effects_of`, applied to dictionaries."""
    model: Model = {}
    for batch in batches:
        stored = model.get("entries", {})
        before: dict[str, Entry | None] = {}
        now: dict[str, State] = {}
        for event in batch:
            raw = stored.get(event.id)
            before[event.id] = Entry.decode(raw) if isinstance(raw, bytes) else None
            known = now[event.id].entry if event.id in now else before[event.id]
            if (state := after(known, event)) is not None:
                now[event.id] = state
        apply(model, effects_of("", before, now))  # type: ignore[arg-type]  # an id is a str
    return {key: members for key, members in model.items() if members}


def apply(model: Model, effects: Effects) -> None:
    args = list(effects.args)
    while args:
        operation, number = args.pop(0), args.pop(0)
        members = model.setdefault(str(effects.keys[int(number) - 1]), {})
        member = args.pop(0)
        assert isinstance(member, str | bytes)
        if operation == "set":
            value = args.pop(0)
            assert isinstance(value, str | bytes)
            members[member] = value
        elif operation == "add":
            members[member] = b""
        else:
            assert operation in {"remove", "forget"}
            members.pop(member, None)


@st.composite
def histories(draw: st.DrawFn) -> list[ArticleEvent]:
    """Events of a few articles in log order; revisions rise within an article."""
    revisions = dict.fromkeys(GUIDS, 0)
    events = []
    for guid in draw(st.lists(st.sampled_from(GUIDS), max_size=12)):
        revisions[guid] += draw(st.integers(1, 2))
        if draw(st.booleans()):
            fields = {
                "language": draw(st.sampled_from(["en", "en-GB", "uk"])),
                "tags": tuple(draw(st.lists(st.sampled_from(["One", "one", "Two"]), max_size=3))),
                "url": draw(st.sampled_from([None, "https://a.example/", "https://b.example/"])),
                "date_published": NOON.replace(minute=draw(st.integers(0, 3))),
                "first_published_at": NOON.replace(hour=13),
            }
            events.append(published(guid, revisions[guid], **fields))
        else:
            events.append(withdrawn(guid, revisions[guid]))
    return events


@given(histories(), st.data())
def test_batches_and_repeats_do_not_matter(events: list[ArticleEvent], data: st.DataObject) -> None:
    one_by_one = project([[event] for event in events])
    cut = data.draw(st.integers(0, len(events)))
    again = data.draw(st.integers(0, cut))
    assert project([events]) == one_by_one
    assert project([events[:cut], events[again:]]) == one_by_one


@given(histories())
def test_a_compacted_log_gives_the_same_lists(events: list[ArticleEvent]) -> None:
    last = {event.id: event for event in events}
    compacted = [event for event in events if last[event.id] is event]
    assert project([compacted]) == project([events])
