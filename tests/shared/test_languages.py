"""Language tags: what is one, what finds what, what a reader prefers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from news_shared.language_fields import LanguageRange, LanguageTag
from news_shared.languages import (
    LONGEST_TAG,
    is_in,
    language_key,
    language_ranges,
    language_tag,
    preferred_language,
    primary_language,
)

LONG = "en" + "-abcdefgh" * 4


@pytest.mark.parametrize(
    ("said", "tag"),
    [
        ("uk", "uk"),
        (" en_GB ", "en-GB"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("en", "en"),
        (LONG, None),
        ("", None),
        ("English", None),
        ("en-", None),
        ("en us", None),
        ("і", None),
    ],
)
def test_a_document_says_a_tag_or_none(said: str, tag: str | None) -> None:
    assert language_tag(said) == tag


def test_what_is_asked_for_may_have_underscores_and_what_is_stored_may_not() -> None:
    asked, stored = TypeAdapter(LanguageRange), TypeAdapter(LanguageTag)
    assert asked.validate_python("en_GB") == "en_GB"
    for adapter, wrong in ((stored, "en_GB"), (stored, LONG), (asked, LONG), (asked, " "), (asked, "en*")):
        with pytest.raises(ValidationError, match="for example uk or en-GB"):
            adapter.validate_python(wrong)


@given(st.one_of(st.text(), st.from_regex(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*", fullmatch=True)))
def test_a_language_is_found_by_each_of_its_few_ranges(language: str) -> None:
    key = language_key(language)
    assert key == language_key(key)
    assert len(key) <= LONGEST_TAG
    assert not {"@", "\0", "&", "="} & set(key)
    ranges = language_ranges(language)
    assert (ranges[0], ranges[-1]) == (primary_language(language), key)
    assert len(ranges) <= LONGEST_TAG // 2
    assert all(is_in(language, [one]) for one in ranges)


def test_a_region_is_found_by_its_language_and_not_by_another_region() -> None:
    assert is_in("en-GB", ["uk", "EN"])
    assert is_in("en", [])
    assert not is_in("en-GB", ["en-US"])
    assert not is_in("en", ["en-GB"])


@pytest.mark.parametrize(
    ("header", "preferred"),
    [
        ("", None),
        ("de", None),
        ("uk-UA,uk;q=0.9", "uk"),
        ("de, uk;q=0.5, en;q=0.7", "en"),
        ("en;q=0.5, uk;q=0.5", "en"),
        ("uk;q=0", None),
        ("uk;q=2, en;q=x", None),
        (";;q=,=,\0", None),
        ("*", None),
        ("de," * 200 + "uk", None),  # nobody's browser says so much
    ],
)
def test_the_weightiest_language_that_is_spoken_is_preferred(header: str, preferred: str | None) -> None:
    assert preferred_language(header, {"en", "uk"}) == preferred
