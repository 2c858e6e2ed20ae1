"""The stream's pure rules: ids, what is said to whom, and the window of recent events."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_feed.recent_events import RecentEvents
from news_feed.stream_events import Announcement, announcement
from news_feed.stream_position import LONGEST_POSITION, parse_position, position_text
from news_feed.timelines import Selection
from news_shared.articles import ArticleEvent
from news_shared.errors import PoisonError
from tests.feed.builders import published, withdrawn

OFFSETS = st.integers(0, 2**63 - 1)


@given(st.lists(OFFSETS, min_size=1, max_size=40))
def test_an_id_brings_back_every_offset(offsets: list[int]) -> None:
    text = position_text(offsets)
    assert parse_position(text, len(offsets)) == tuple(offsets)
    assert text.isascii()
    assert not set(text) & set("\r\n\0 ")


def test_the_longest_id_there_can_be_is_taken_and_usual_ones_pass_proxies() -> None:
    assert len(position_text([2**63 - 1] * 1024)) == LONGEST_POSITION
    assert len(position_text([2**35 - 1] * 1024)) < 7_000


@given(st.text() | st.lists(OFFSETS, max_size=20).map(position_text), st.integers(1, 12))
def test_any_other_text_is_refused_or_is_offsets(text: str, partitions: int) -> None:
    try:
        offsets = parse_position(text, partitions)
    except PoisonError:
        return
    assert len(offsets) == partitions
    assert min(offsets) >= 0


def test_an_id_of_other_partitions_is_refused() -> None:
    for text in (
        "",
        "A",
        "gA",
        position_text([1] * 11),
        position_text([1] * 13),
        "_" * 500,
        position_text([2**70] * 12),
    ):
        with pytest.raises(PoisonError):
            parse_position(text, 12)


def said(event: ArticleEvent, *, replayed: bool = False) -> Announcement:
    return announcement(event, replayed=replayed)


def read(said: Announcement) -> tuple[str, dict[str, Any]]:
    name, data, rest = said.text.decode().split("\n", 2)
    assert rest == ""
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_an_article_is_said_as_lists_show_it() -> None:
    event = published("a", tags=("Port Morrow",), content_text="two\nlines", summary="In\nshort\r\ndata: x")
    name, data = read(said(event))
    assert name == "published"
    assert data["title"] == "Title of a"
    assert data["summary"] == "In\nshort\r\ndata: x"
    assert not {"content_html", "content_text", "links", "replayed"} & set(data)
    assert read(said(published("a", 2)))[0] == "updated"
    assert read(said(event, replayed=True))[1]["replayed"] is True


def test_a_withdrawal_says_which_article_and_why() -> None:
    name, data = read(said(withdrawn("a", 2, "libel")))
    assert name == "withdrawn"
    assert data == {
        "id": published("a").id,
        "revision": 2,
        "url": None,
        "time": "2026-01-15T12:00:00Z",
        "reason": "libel",
    }


def test_readers_of_a_selection_hear_of_its_articles_and_of_every_withdrawal_that_may_be_theirs() -> None:
    article = said(published("a", language="en-GB", tags=("Port Morrow",)))
    gone = said(withdrawn("a", 2))
    for selection, hears, hears_of_the_end in (
        (Selection(), True, True),
        (Selection(theme="port morrow"), True, True),
        (Selection(theme="other"), False, True),
        (Selection(language="en"), True, True),
        (Selection(language="uk"), False, True),
        (Selection(theme="port-morrow", language="en-gb", source="herald"), True, True),
        (Selection(source="other"), False, False),
    ):
        assert article.concerns(selection) == hears, selection
        assert gone.concerns(selection) == hears_of_the_end, selection


def test_the_window_says_how_far_one_has_come() -> None:
    recent = RecentEvents([5, 0], most_bytes=1_000_000)
    recent.add(said(published("a")), 0, 5)
    recent.pass_over(0, 9)
    recent.add(said(published("b")), 1, 3)
    assert [recent[number].after for number in range(recent.first, recent.end)] == [(6, 0), (9, 4)]
    assert parse_position(recent[1].id.decode(), 2) == (9, 4) == recent.head
    assert recent.start == [5, 0]


def test_the_window_forgets_the_oldest_and_knows_where_it_begins() -> None:
    recent = RecentEvents([0, 0], most_bytes=5_000)
    for offset in range(20):
        recent.add(said(published(f"a{offset}")), offset % 2, offset)
    assert 2 <= recent.end - recent.first <= 5
    assert recent.end == 20
    first = recent[recent.first]
    assert recent.start[first.partition] <= first.offset
    assert sum(recent.start) == first.offset + (first.offset - 1)


def test_nothing_is_said_any_more_of_what_was_withdrawn_since() -> None:
    recent = RecentEvents([0], most_bytes=1_000_000)
    for offset, event in enumerate([published("a"), published("b"), published("a", 2), withdrawn("a", 3)]):
        recent.add(said(event), 0, offset)
    texts = [recent[number].announcement.text for number in range(4)]
    assert [bool(text) for text in texts] == [False, True, False, True]
