"""Theme slugs, reasons in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_related.graph.positions import Position
from news_related.graph.themes import themes_of
from news_related.lists.reasons import Reason, Words, text_of, words_for
from news_shared.themes import theme_slug
from tests.related.builders import id_of


@pytest.mark.parametrize(
    ("theme", "slug"),
    [
        ("Middle East", "middle-east"),
        ("  MIDDLE__EAST! ", "middle-east"),
        ("Вибори 2026", "вибори-2026"),
        ("Straße", "strasse"),
        ("ﬁnance", "finance"),
        ("Об’єднані Нації", "об-єднані-нації"),
        ("中东 局势", "中东-局势"),
        ("😀", ""),
        ("⚡️", ""),
        ("1️⃣", "1"),
        ("İSTANBUL", "istanbul"),
        ("काल", "काल"),
        ("हिन्दी समाचार", "हिन्दी-समाचार"),
        ("क्\u200dष", "क्ष"),
        ("กิน", "กิน"),
        ("e\u0301te\u0301", "été"),
        ("\u0301x \u0301y", "x-y"),
        ("C++ / C#", "c-c"),
    ],
)
def test_a_theme_has_one_slug_however_it_is_spelled(theme: str, slug: str) -> None:
    assert theme_slug(theme) == slug


@given(st.text())
def test_a_slug_finds_its_own_theme_and_breaks_no_key(theme: str) -> None:
    slug = theme_slug(theme)
    assert theme_slug(slug) == slug
    assert not {"@", "\0", "/", " "} & set(slug)


def test_themes_keep_their_order_and_first_spelling() -> None:
    assert themes_of(["Energy", "ENERGY", "?", "Port  Morrow"], at_most=5) == (
        ("energy", "Energy"),
        ("port-morrow", "Port Morrow"),
    )


@pytest.mark.parametrize(
    ("reason", "english", "ukrainian"),
    [
        (Reason("cites", paragraph=2), "linked from the third paragraph", "посилання у третьому абзаці"),
        (Reason("cites", paragraph=10), "linked from the 11th paragraph", "посилання в абзаці 11"),
        (Reason("cites", paragraph=21), "linked from the 22nd paragraph", "посилання в абзаці 22"),
        (Reason("backlink", paragraph=0), "links to this article", "посилається на цю статтю"),
        (Reason("translation"), "translation of this article", "переклад цієї статті"),
        (Reason("translation", original=True), "original of this article", "оригінал цієї статті"),
        (Reason("same_story", via="Fire"), "both link to “Fire”", "обидві посилаються на «Fire»"),
        (Reason("theme", themes=("Energy",)), "both about Energy", "спільна тема: Energy"),
        (
            Reason("theme", themes=("A", "B", "Elections")),
            "both about A, B and Elections",
            "спільні теми: A, B і Elections",
        ),
        (Reason("pinned"), "chosen by the editors", "вибір редакції"),
    ],
)
def test_reasons_are_said_in_words(reason: Reason, english: str, ukrainian: str) -> None:
    assert (text_of(reason, "en"), text_of(reason, "uk")) == (english, ukrainian)
    assert reason.shown("en")["kind"] == reason.kind


@pytest.mark.parametrize(
    ("languages", "header", "words"),
    [
        ([], None, "en"),
        (["uk"], "en", "uk"),
        (["uk", "en"], None, "en"),
        (["de"], "uk-UA,uk;q=0.9", "uk"),
        ([], "de, uk;q=0.5, en;q=0.7", "en"),
        ([], "uk;q=0", "en"),
        ([], ";;q=,=,\0", "en"),
    ],
)
def test_reasons_are_in_the_readers_language(languages: list[str], header: str | None, words: Words) -> None:
    assert words_for(languages, header) == words


@given(st.text(max_size=100))
def test_no_header_breaks_the_choice_of_words(header: str) -> None:
    assert words_for([], header) in {"en", "uk"}


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999), st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_positions_order_as_their_bytes(one: int, other: int) -> None:
    first, second = Position(one, id_of("a")), Position(other, id_of("b"))
    assert (first < second) == (first.encode() < second.encode())
    assert Position.decode(first.encode()) == first
