"""Words, numbers, plurals and dates of the interface."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_web.interface import Interface, negotiate, own_name
from news_web.messages import LANGUAGES, MESSAGES, PLURALS

UK = Interface("uk", False, ZoneInfo("Europe/Kyiv"))
EN = Interface("en", False, ZoneInfo("UTC"))
NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 переглядів"),
        (1, "1 перегляд"),
        (2, "2 перегляди"),
        (5, "5 переглядів"),
        (11, "11 переглядів"),
        (12, "12 переглядів"),
        (21, "21 перегляд"),
        (104, "104 перегляди"),
        (21478, f"21{NBSP}478 переглядів"),
        (1_000_001, f"1{NBSP}000{NBSP}001 перегляд"),
    ],
)
def test_ukrainian_counts_have_the_right_word_and_a_space_that_does_not_break(number: int, text: str) -> None:
    assert f"{UK.number(number)} {UK.views(number)}" == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 views"), (1, "1 view"), (2, "2 views"), (21478, "21,478 views")])
def test_english_counts_have_the_right_word(number: int, text: str) -> None:
    assert f"{EN.number(number)} {EN.views(number)}" == text


def test_dates_are_in_the_papers_time_zone() -> None:
    moment = datetime(2026, 1, 15, 22, 5, tzinfo=UTC)
    assert UK.moment(moment).replace("\u202f", " ") == "16 січня 2026 р., 00:05"
    assert EN.moment(moment) == "15 January 2026, 22:05"


def test_every_language_says_everything() -> None:
    assert set(MESSAGES) == set(PLURALS) == set(LANGUAGES)
    assert all(set(said) == set(MESSAGES["en"]) for said in MESSAGES.values())
    assert all(set(words) == set(PLURALS["en"]) for words in PLURALS.values())


@pytest.mark.parametrize(
    ("wanted", "accepted", "fallback", "language"),
    [
        ("uk", "en", None, ("uk", True)),
        ("fr", "uk;q=0.3, en;q=0.2", None, ("uk", False)),
        (None, "de, en-US;q=0.8, uk;q=0.9", None, ("uk", False)),
        (None, "uk;q=0, en;q=0.1", None, ("en", False)),
        (None, "", "uk-UA", ("uk", False)),
        (None, "fr", "fr", ("en", False)),
        (None, ";;q=,uk;q=nan,en;q=2", None, ("en", False)),
    ],
)
def test_the_language_is_what_the_reader_asked_for(
    wanted: str | None, accepted: str, fallback: str | None, language: tuple[str, bool]
) -> None:
    assert negotiate(wanted, accepted, fallback) == language


@given(st.text(), st.text(), st.text())
def test_no_header_and_no_tag_is_an_error(wanted: str, accepted: str, tag: str) -> None:
    assert negotiate(wanted, accepted, tag)[0] in LANGUAGES
    assert isinstance(UK.language_name(tag), str)


def test_languages_have_their_names() -> None:
    assert UK.language_name("en-GB") == "англійська"
    assert own_name("uk") == "українська"
    assert UK.language_name("xx-nonsense") == "xx-nonsense"
