"""The score of a pair and what it makes of it, by itself and over real texts in two languages."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_related.embedding.language_means import centred
from news_related.embedding.model import Embedder, Embedding, Text
from news_related.neighbours import similarity
from news_related.neighbours.similarity import ENOUGH_TEXT, UNITS, kind_of, told_as

_DAY = 86_400_000

# Two events, each told twice in English and once in Ukrainian (the first of them a translation), and two strangers.
_TEXTS = {
    "fire": Text(
        "Three ships burn after drone attack on Odesa port",
        "A fire broke out in the port of Odesa on Tuesday night after an attack by drones, damaging three cargo ships, "
        "the head of the regional administration Oleh Kiper said. Two dock workers were injured.",
        "en",
    ),
    "fire again": Text(
        "Odesa port hit by drones, ships on fire",
        "Oleh Kiper, head of the Odesa administration, said that drones had hit the port overnight and that firemen "
        "were fighting a fire on three cargo ships. Two workers were taken to hospital.",
        "en",
    ),
    "fire in Ukrainian": Text(
        "Три кораблі горять після атаки дронів на порт Одеси",
        "Пожежа спалахнула в порту Одеси у вівторок уночі після атаки дронів, пошкоджено три вантажні кораблі, "
        "повідомив голова обласної адміністрації Олег Кіпер. Двоє портових робітників поранені.",
        "uk",
    ),
    "budget": Text(
        "Parliament passes budget for 2026 at second attempt",
        "The Verkhovna Rada voted for the state budget of 2026 on Wednesday with 257 votes in favour, the speaker "
        "Ruslan Stefanchuk said. Defence takes more than half of all spending.",
        "en",
    ),
    "budget again": Text(
        "Verkhovna Rada approves the state budget of 2026",
        "With 257 votes the Ukrainian parliament approved the budget for 2026 on Wednesday, said Ruslan Stefanchuk. "
        "More than half of the spending goes to defence.",
        "en",
    ),
    "budget in Ukrainian": Text(
        "Парламент з другої спроби ухвалив бюджет на 2026 рік",
        "Верховна Рада у середу проголосувала за державний бюджет на 2026 рік 257 голосами, повідомив спікер "
        "Руслан Стефанчук. Понад половину всіх видатків становить оборона.",
        "uk",
    ),
    "chess": Text(
        "Ukrainian women win world chess championship in teams",
        "The team beat Georgia in the final in Madrid and took gold for the second time in history.",
        "en",
    ),
    "harvest in Ukrainian": Text(
        "Аграрії зібрали рекордний урожай соняшнику",
        "Через теплу осінь господарства півдня закінчили жнива на два тижні раніше, ніж торік.",
        "uk",
    ),
}
_SAME_STORY = {
    ("fire", "fire again"): "same_story",
    ("budget", "budget again"): "same_story",
    ("fire", "fire in Ukrainian"): "translation",
    ("budget", "budget in Ukrainian"): "translation",
}


@cache
def embedded() -> dict[str, Embedding]:
    return dict(zip(_TEXTS, Embedder().embed(list(_TEXTS.values())), strict=True))


def score(one: str, other: str, *, days: float = 0.0) -> int:
    first, second = embedded()[one], embedded()[other]
    dot = np.dot(first.int8.astype(np.float64), second.int8.astype(np.float64))
    apart = np.array([round(days * _DAY)])
    same = np.array([_TEXTS[one].language == _TEXTS[other].language])
    [found] = similarity.scores(np.array([dot]), np.array([first.scale * second.scale]), apart, same)
    return int(found)


def kind(one: str, other: str, *, days: float = 0.0) -> str | None:
    same = _TEXTS[one].language == _TEXTS[other].language
    return kind_of(score(one, other, days=days), round(days * _DAY), same=same)


@pytest.mark.parametrize(("pair", "expected"), _SAME_STORY.items())
def test_reports_of_one_event_are_one_story_in_one_language_and_in_two(pair: tuple[str, str], expected: str) -> None:
    assert kind(*pair) == expected
    assert kind(*reversed(pair)) == expected


def test_other_events_are_nothing_to_each_other() -> None:
    events = ["fire", "budget", "chess", "fire in Ukrainian", "budget in Ukrainian", "harvest in Ukrainian"]
    pairs = [(a, b) for a in events for b in events if a < b and a.split()[0] != b.split()[0]]
    assert [pair for pair in pairs if kind(*pair)] == []


def test_the_language_of_two_texts_brings_them_no_nearer() -> None:
    assert score("fire", "fire in Ukrainian") > score("fire", "budget") + UNITS // 4
    assert score("fire", "fire in Ukrainian") > score("fire in Ukrainian", "harvest in Ukrainian") + UNITS // 4


def test_what_tells_the_same_weeks_later_is_another_report() -> None:
    assert kind("fire", "fire in Ukrainian", days=2) == "translation"
    assert kind("fire", "fire in Ukrainian", days=4) != "translation"


_SCORES = st.integers(3 * UNITS // 10, UNITS)
_CHARACTERS = st.integers(0, 2 * ENOUGH_TEXT)
_STRENGTH = {None: 0, "similar": 1, "same_story": 2, "translation": 3}


def told(score: int, characters: int, *, same: bool = True, days: float = 0.0) -> str | None:
    return told_as(kind_of(score, round(days * _DAY), same=same), score, characters, same=same)


@given(_SCORES, _CHARACTERS, _CHARACTERS, st.booleans(), st.floats(0, 9))
def test_more_text_never_makes_a_pair_less(score: int, one: int, other: int, same: bool, days: float) -> None:
    short, long = sorted((one, other))
    assert _STRENGTH[told(score, short, same=same, days=days)] <= _STRENGTH[told(score, long, same=same, days=days)]


@given(_SCORES, _SCORES, _CHARACTERS, st.booleans(), st.floats(0, 9))
def test_a_higher_score_never_makes_a_pair_less(one: int, other: int, characters: int, same: bool, days: float) -> None:
    low, high = (told(score, characters, same=same, days=days) for score in sorted((one, other)))
    assert _STRENGTH[low] <= _STRENGTH[high]


@given(_SCORES, _CHARACTERS, st.booleans(), st.floats(0, 9))
def test_little_text_makes_a_story_similar_and_changes_nothing_else(
    score: int, characters: int, same: bool, days: float
) -> None:
    by_score = kind_of(score, round(days * _DAY), same=same)
    if by_score == "same_story" and characters < ENOUGH_TEXT:
        assert told(score, characters, same=same, days=days) in {"same_story", "similar"}
    else:
        assert told(score, characters, same=same, days=days) == by_score


@pytest.mark.parametrize(
    ("characters", "least"), [(2_000, 520_000), (400, 520_000), (399, 521_000), (300, 620_000), (50, 870_000)]
)
def test_the_less_text_the_higher_the_score_that_a_story_takes(characters: int, least: int) -> None:
    assert (told(least, characters), told(least - 1, characters)) == ("same_story", "similar")


@given(st.integers(0, 4_000 * _DAY), st.integers(0, 4_000 * _DAY), st.booleans())
def test_further_apart_is_never_nearer_and_costs_a_part_at_the_most(one: int, other: int, same: bool) -> None:
    near, far = sorted((one, other))
    scores = similarity.scores(np.full(2, 10_000.0), np.full(2, 1e-4), np.array([near, far]), np.full(2, same))
    assert scores[0] >= scores[1]
    assert scores[1] >= (1 - similarity.MOST_LOST) * UNITS


def test_a_day_costs_little_and_half_is_lost_when_said() -> None:
    apart = np.array([0, _DAY, similarity.HALF_LOST_MS])
    scores = similarity.scores(np.full(3, 1.0), np.full(3, 1.0), apart, np.full(3, True))
    assert scores.tolist() == [1_000_000, 983_333, 875_000]


def test_a_language_without_a_known_mean_loses_that_of_all() -> None:
    meaning = np.eye(384, dtype=np.float32)[0]
    assert (centred(meaning, "tlh") == centred(meaning, "und")).all()
    assert not np.allclose(centred(meaning, "tlh"), centred(meaning, "uk"))
    assert np.linalg.norm(centred(meaning, "uk")) == pytest.approx(1, abs=1e-6)


def test_no_pair_that_reaches_a_score_is_passed_over_by_its_product_in_single_precision() -> None:
    chance = np.random.default_rng(11)
    dots = chance.integers(-(2**24), 2**24, 100_000).astype(np.float64)
    scales = 10.0 ** chance.uniform(-4, 0, (2, 100_000))
    nothing, is_same = np.zeros(100_000, np.int64), np.zeros(100_000, np.bool_)
    scores = similarity.scores(dots, scales[0] * scales[1], nothing, is_same)
    about = dots.astype(np.float32) * (scales[0].astype(np.float32) * scales[1].astype(np.float32))
    assert (about >= similarity.least_product(scores)).all()
    assert (about < similarity.least_product(scores + 1_000 + np.abs(scores // 1_000))).mean() > 0.5, "it spares work"
