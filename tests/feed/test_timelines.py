"""Lists and revisions, without I/O."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from news_feed.ordering import Position
from news_feed.timelines import Entry, Selection, after, lists_of
from news_shared.clock import epoch_ms
from news_shared.themes import theme_slug
from tests.feed.builders import NOON, an_article, published, withdrawn


def test_an_article_stands_in_every_list_that_can_be_asked_for() -> None:
    article = an_article("a", language="en-GB", tags=("Port Morrow", "Порт"), source="herald")
    lists = set(lists_of(article))
    assert {
        "all",
        "theme=port-morrow",
        "theme=порт&language=en",
        "language=en-gb",
        "source=herald",
        "theme=port-morrow&language=en&source=herald",
    } <= lists
    assert len(lists) == 3 * 3 * 2
    assert "language=e" not in lists


def test_name_and_slug_of_a_theme_mean_the_same_list() -> None:
    assert Selection(theme="Middle  East!").name == Selection(theme="middle-east").name == "theme=middle-east"
    assert Selection(theme="Близький Схід").name == "theme=близький-схід"


@given(st.text())
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert theme_slug(theme_slug(text)) == theme_slug(text)


def test_a_tag_without_letters_makes_no_list() -> None:
    assert lists_of(an_article("a", tags=("!!!",))) == lists_of(an_article("a"))


def test_an_equal_or_older_revision_says_nothing_new() -> None:
    known = after(None, published("a", 3))
    assert known is not None
    assert after(known.entry, published("a", 3, title="another")) is None
    assert after(known.entry, withdrawn("a", 2)) is None
    assert after(known.entry, published("a", 4)) is not None


def test_a_withdrawal_leaves_reason_and_time_and_no_text() -> None:
    state = after(None, withdrawn("a", 2, reason="libel"))
    assert state is not None
    assert (state.entry.revision, state.entry.position, state.entry.url) == (2, None, None)
    assert state.entry.lists == ("withdrawn", "withdrawn&source=herald")
    assert state.entry.gone_at == Position(epoch_ms(NOON), published("a").id).encode()
    assert b"libel" in state.body
    assert b"2026-01-15T12:00:00Z" in state.body
    assert b"title" not in state.body


PLACE = st.none() | st.binary(min_size=23, max_size=23)


@given(st.integers(1), PLACE, st.none() | st.text(), st.lists(st.text()), PLACE)
def test_an_entry_survives_storing(
    revision: int, position: bytes | None, url: str | None, lists: list[str], gone_at: bytes | None
) -> None:
    entry = Entry(revision, position, url, tuple(lists), gone_at)
    assert Entry.decode(entry.encode()) == entry
    former = json.dumps(json.loads(entry.encode())[:4]).encode()
    assert Entry.decode(former) == replace(entry, gone_at=None)
