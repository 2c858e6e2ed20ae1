"""Counts in words and as a badge: right in every language, and a picture whatever happens."""

import re
from xml.etree import ElementTree

import pytest
from babel import Locale, localedata
from hypothesis import given
from hypothesis import strategies as st

from news_views.embeds.badge import badge
from news_views.embeds.wording import FORMS, Wording, worded

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("language", "views", "words"),
    [
        ("uk", 0, "0 переглядів"),
        ("uk", 1, "1 перегляд"),
        ("uk", 3, "3 перегляди"),
        ("uk", 11, "11 переглядів"),
        ("uk", 21, "21 перегляд"),
        ("uk", 21478, "21 478 переглядів"),
        ("en", 1, "1 view"),
        ("en-GB", 21478, "21,478 views"),
        ("de-AT", 2, "2 Aufrufe"),
        ("fr", 0, "0 vue"),
        ("fr", 2_000_000, "2\u202f000\u202f000 de vues"),
        ("es", 1_000_000, "1.000.000 de visualizaciones"),
        ("pl", 22, "22 wyświetlenia"),
        ("pl", 112, "112 wyświetleń"),
        ("pt-BR", 1, "1 visualização"),
        ("it", 8, "8 visualizzazioni"),
        ("cs", 3, "3 zhlédnutí"),
        ("ro", 1, "1 vizualizare"),
        ("ro", 19, "19 vizualizări"),
        ("ro", 20, "20 de vizualizări"),
        ("tr", 5, "5 görüntüleme"),
        ("ar-EG", 2, "مشاهدتان"),
        ("ar-EG", 3, "٣ مشاهدات"),
        ("ar-EG", 1234, "١٬٢٣٤ مشاهدة"),
    ],
)
def test_a_count_has_the_right_plural_and_digits(language: str, views: int, words: str) -> None:
    said = worded(views, language).words
    assert said == words.replace(" ", "\u00a0")


def test_every_form_belongs_to_a_plural_of_its_language() -> None:
    for language, forms in FORMS.items():
        assert "other" in forms
        assert set(forms) <= {*Locale(language).plural_form.tags, "other"}, language


@pytest.mark.parametrize("language", ["ja", "he", "sw", "und", "", "x-private", "../../etc", "tlh"])
def test_where_there_is_no_word_there_is_the_plain_number(language: str) -> None:
    said = worded(21478, language)
    assert said.words is None
    assert re.sub(r"\D", "", said.number) == "21478"


@given(st.one_of(st.sampled_from(sorted(localedata.locale_identifiers())), st.text(max_size=60)), st.integers(0, 2**53))
def test_any_language_and_any_count_make_a_well_formed_badge_with_its_title(language: str, views: int) -> None:
    said = worded(views, language)
    picture = ElementTree.fromstring(badge(said))
    assert picture.tag == f"{SVG}svg"
    title, text = picture.find(f"{SVG}title"), picture.find(f"{SVG}text")
    assert title is not None
    assert text is not None
    assert title.text == text.text == (said.words or said.number)
    assert (picture.get("direction") == "rtl") is said.is_right_to_left
    assert (picture.find(f"{SVG}path") is None) is (said.words is not None)


def test_words_are_text_in_the_picture_never_markup() -> None:
    picture = ElementTree.fromstring(badge(Wording("1", "<script>&\"'", 'x" onload="y', is_right_to_left=False)))
    assert picture.findtext(f"{SVG}title") == "<script>&\"'"
    assert picture.get("onload") is None
    assert {element.tag for element in picture} == {f"{SVG}{name}" for name in ("title", "rect", "text")}
