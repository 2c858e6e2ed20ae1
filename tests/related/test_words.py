"""Words as vectors: names meet across languages, common words count little, unrelated texts come to about nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_related.embedding.words import BEGINNING, DIMENSIONS, spelling, vector, weights

_LANGUAGES = st.sampled_from(["en", "uk", "de", "zh", "und", "xx", ""])


@pytest.mark.parametrize(
    "spelled",
    [
        ["Zelenskyy", "Зеленський", "Зеленский", "Zelensky"],
        ["Kharkiv", "Харків"],
        ["Łukaszenka", "Lukashenko", "Лукашенко"],
        ["Washington", "Вашингтон", "Waszyngton"],
        ["missile", "missiles"],
        ["вибори", "виборів", "виборами"],
    ],
)
def test_one_name_has_one_beginning_in_many_languages(spelled: list[str]) -> None:
    assert len({spelling(word)[:BEGINNING] for word in spelled}) == 1


def test_rare_words_and_names_count_more() -> None:
    counts = weights("Yesterday the senate of Odesa met; the ombudsman spoke", "en")
    assert counts.keys() >= {spelling("Odesa")[:5], spelling("senate")[:5]}
    assert counts.get(spelling("the"), 0) < 0.3 * counts[spelling("senate")[:5]]
    assert counts[spelling("ombudsman")[:5]] < counts[spelling("Odesa")[:5]]


def test_a_word_said_again_counts_more_but_not_twice() -> None:
    [once], [twice] = (list(weights(text, "en").values()) for text in ("ombudsman", "ombudsman, ombudsman"))
    assert once < twice < 2 * once


def test_german_nouns_are_no_names() -> None:
    german, english = (weights("ein Ombudsmann", language)[spelling("ombudsmann")[:5]] for language in ("de", "en"))
    assert german < english


def test_scripts_without_spaces_count_by_pairs_of_characters() -> None:
    assert {"乌克", "克兰"} <= weights("乌克兰总统", "zh").keys()


def test_marks_belong_to_their_letters() -> None:
    elections_in_delhi = weights("दिल्ली में चुनाव", "hi")
    assert elections_in_delhi.keys() == {spelling(word)[:BEGINNING] for word in ("दिल्ली", "चुनाव")}, (
        "'in' is known as too common to count"
    )
    assert weights("กิน", "th").keys() == {"กิ", "ิน"}


def test_texts_without_a_word_in_common_are_about_orthogonal() -> None:
    texts = ["Fire in the port: three vessels burn", "Parliament votes on next year's budget", "Chess final won"]
    vectors = np.array([vector(weights(text, "en")) for text in texts])
    assert np.abs(vectors @ vectors.T - np.eye(3)).max() < 0.2


def test_places_of_words_never_change() -> None:
    """Stored vectors are compared with new ones."""
    hashed = vector({"odesa": 3.0, "#24": -4.0})
    assert {int(place): round(float(hashed[place]), 3) for place in np.flatnonzero(hashed)} == {52: -0.8, 401: 0.6}


@given(st.text(max_size=300), _LANGUAGES)
def test_any_text_has_a_vector_of_length_one_or_no_words(text: str, language: str) -> None:
    words = weights(text, language)
    hashed = vector(words)
    assert hashed.shape == (DIMENSIONS,)
    assert np.linalg.norm(hashed) == pytest.approx(1 if hashed.any() else 0, abs=1e-5)
    assert all(weight > 0 for weight in words.values())
