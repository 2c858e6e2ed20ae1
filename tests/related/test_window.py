"""The neighbours kept against those that a plain search finds, whatever came and went in which order."""

import random
from collections.abc import Iterable, Iterator
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from news_related.graph.positions import Position
from news_related.neighbours import similarity
from news_related.neighbours import window as window_module
from news_related.neighbours.meanings import PACKED, Meaning, decode_neighbours
from news_related.neighbours.window import Window
from news_related.queries.routes import MAX_RAW
from news_shared.article_ids import ArticleId
from tests.testbed.effort import often

_DIMENSIONS = 3
_HOUR_MS = 3_600_000


def key(n: int) -> ArticleId:
    return ArticleId(str(UUID(int=(n % 3) << 64 | n)))


def a_meaning(
    n: int, vector: tuple[int, ...], *, hours: int = 0, language: str = "en", scale: float = 0.008
) -> Meaning:
    packed = b"".join(part.to_bytes(1, signed=True) for part in vector)
    return Meaning(Position(hours * _HOUR_MS, key(n)), language, "m", scale, packed)


def rankings(meanings: list[Meaning]) -> dict[ArticleId, list[tuple[ArticleId, int]]]:
    """All others of each, every pair scored one by one with Python's own numbers."""
    lists = {}
    for one in meanings:
        ranked = sorted((-plain_score(one, other), other.id) for other in meanings if other.id != one.id)
        lists[one.id] = [(other, -score) for score, other in ranked]
    return lists


def expected(meanings: list[Meaning], shown: int) -> dict[ArticleId, list[tuple[ArticleId, int]]]:
    return {article: ranked[:shown] for article, ranked in rankings(meanings).items()}


def plain_score(one: Meaning, other: Meaning) -> int:
    signed = [memoryview(m.vector).cast("b") for m in (one, other)]
    dot: int = sum(a * b for a, b in zip(*signed, strict=True))
    apart = abs(one.position.date_ms - other.position.date_ms)
    off = apart / (apart + similarity.HALF_LOST_MS) * similarity.MOST_LOST
    added = 0.0 if one.language == other.language else similarity.ADDED_ACROSS_LANGUAGES
    furthest = 2_000 * similarity.UNITS
    return max(-furthest, min(furthest, round((dot * (one.scale * other.scale) - off + added) * similarity.UNITS)))


def lists_of(window: Window, shown: int = similarity.SHOWN_NEIGHBOURS) -> dict[ArticleId, list[tuple[ArticleId, int]]]:
    lists = window.neighbours(list(window))
    return {article: decode_neighbours(packed, most=shown) for article, packed in lists.items()}


def read_back(stored: dict[ArticleId, bytes], here: Iterable[Meaning], *, shown: int, spare: int) -> Window:
    """A window as a linker takes it over."""
    window = Window(shown=shown, spare=spare)
    window.put(list(here))
    for half in sorted(stored)[::2], sorted(stored)[1::2]:
        window.put_neighbours({article: stored[article] for article in half})
    return window


# Few different values, so that many scores are equal and ids decide.
_MEANINGS = st.builds(
    a_meaning,
    st.integers(0, 14),
    st.tuples(*[st.sampled_from([-128, -1, 0, 1, 90, 127])] * _DIMENSIONS),
    hours=st.sampled_from([0, 1, 400, 9000]),
    language=st.sampled_from(["en", "uk"]),
    scale=st.sampled_from([0.008, 0.00123456789, 1.0]),  # of the last, scores go beyond what is told apart
)
_CHANGES = st.lists(st.tuples(st.lists(st.integers(0, 14), max_size=4), st.lists(_MEANINGS, max_size=6)), max_size=8)


@pytest.fixture(params=[2, 512], ids=["2 columns", "512 columns"])
def _columns(request: pytest.FixtureRequest) -> Iterator[None]:
    with patch.multiple(window_module, _COLUMNS=request.param):
        yield


@pytest.mark.usefixtures("_columns")
@settings(max_examples=often(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=_CHANGES, shown=st.integers(1, 6), spare=st.integers(0, 3), chance=st.randoms(use_true_random=False))
def test_the_lists_are_those_of_a_plain_search_after_any_arrivals_updates_and_withdrawals(
    changes: list[tuple[list[int], list[Meaning]]], shown: int, spare: int, chance: random.Random
) -> None:
    window = Window(shown=shown, spare=spare)
    here: dict[ArticleId, Meaning] = {}
    for removed, added in changes:
        before = lists_of(window, shown + spare)
        latest = {meaning.id: meaning for meaning in added}
        gone = [*map(key, removed), *latest]
        changed = window.change(map(key, removed), list(latest.values()))
        here = {**{k: m for k, m in here.items() if k not in gone}, **latest}
        now = lists_of(window, shown + spare)
        assert lists_of(window, shown) == expected(list(here.values()), shown)
        assert window.oldest(3) == sorted(meaning.position for meaning in here.values())[:3]
        assert {article for article in now if now[article] != before.get(article)} <= changed <= now.keys()
    again = Window(shown=shown, spare=spare)
    shuffled = list(here.values())
    chance.shuffle(shuffled)
    for meaning in shuffled:
        again.change([], [meaning])
    assert lists_of(again, shown) == lists_of(window, shown)


@pytest.mark.usefixtures("_columns")
@settings(max_examples=often(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=_CHANGES, shown=st.integers(1, 6), spare=st.integers(0, 6), chance=st.randoms(use_true_random=False))
def test_a_window_that_is_read_back_now_and_then_goes_on_as_one_that_never_was(
    changes: list[tuple[list[int], list[Meaning]]], shown: int, spare: int, chance: random.Random
) -> None:
    lasting, window = (Window(shown=shown, spare=spare) for _ in range(2))
    here: dict[ArticleId, Meaning] = {}
    stored: dict[ArticleId, bytes] = {}
    for removed, added in changes:
        latest = {meaning.id: meaning for meaning in added}
        gone = [*map(key, removed), *latest]
        here = {**{k: m for k, m in here.items() if k not in gone}, **latest}
        lasting.change(map(key, removed), list(latest.values()))
        changed = window.change(map(key, removed), list(latest.values()))
        stored = {article: packed for article, packed in stored.items() if article in here}
        stored.update(window.neighbours(changed))
        assert stored == lasting.neighbours(list(lasting))
        for article, ranked in rankings(list(here.values())).items():
            kept = decode_neighbours(stored[article], most=len(stored[article]))
            assert kept == ranked[: len(kept)]
            assert min(shown, len(ranked)) <= len(kept) <= shown + spare
        if chance.random() < 0.4:
            shuffled = list(here.values())
            chance.shuffle(shuffled)
            window = read_back(stored, shuffled, shown=shown, spare=spare)


@settings(max_examples=often(60), deadline=None)
@given(changes=_CHANGES, shown=st.integers(1, 5), spare=st.integers(1, 3), data=st.data())
def test_lists_stored_with_less_to_spare_are_read_back_too(
    changes: list[tuple[list[int], list[Meaning]]], shown: int, spare: int, data: st.DataObject
) -> None:
    window = Window(shown=shown, spare=spare)
    here: dict[ArticleId, Meaning] = {}
    for removed, added in changes:
        latest = {meaning.id: meaning for meaning in added}
        gone = [*map(key, removed), *latest]
        here = {**{k: m for k, m in here.items() if k not in gone}, **latest}
        window.change(map(key, removed), list(latest.values()))
        cut = data.draw(st.integers(shown, shown + spare)) * PACKED.itemsize
        stored = {article: packed[:cut] for article, packed in window.neighbours(list(window)).items()}
        window = read_back(stored, here.values(), shown=shown, spare=spare)
    assert lists_of(window, shown) == expected(list(here.values()), shown)


def test_what_ties_with_the_last_of_a_list_does_not_come_to_stand_behind_one_that_is_left_out() -> None:
    one, nearest, last, left_out, late = (
        a_meaning(n, (part, 0, 0)) for n, part in zip((3, 6, 9, 12, 15), (100, 100, 50, 50, 50), strict=True)
    )
    window = Window(shown=1, spare=1)
    window.change([], [one, nearest, last, left_out])
    window.change([nearest.id], [])
    window.change([], [late])
    assert [other for other, _ in decode_neighbours(window.neighbours([one.id])[one.id])] == [last.id]
    window.change([last.id], [])
    assert decode_neighbours(window.neighbours([one.id])[one.id], most=1) == [(left_out.id, plain_score(one, left_out))]


def test_only_what_is_shown_of_a_stored_list_is_decoded() -> None:
    window = Window()
    window.change([], [a_meaning(n, (n, n % 7, 1)) for n in range(100)])
    kept = window.neighbours([key(1)])[key(1)]
    assert len(kept) == (similarity.SHOWN_NEIGHBOURS + similarity.SPARE) * PACKED.itemsize
    assert decode_neighbours(kept) == decode_neighbours(kept, most=99)[: similarity.SHOWN_NEIGHBOURS]
    assert len(decode_neighbours(kept)) == similarity.SHOWN_NEIGHBOURS == MAX_RAW


@pytest.mark.parametrize("stranger", [0, 4, 1 << 64, 1 << 64 | 9, 9 << 64])
def test_a_list_that_names_a_stranger_is_refused(stranger: int) -> None:
    here = [a_meaning(n, (n, 1, 1)) for n in (1, 2, 4, 7)]
    window = Window()
    window.put(list(here))
    with pytest.raises(KeyError):
        window.put_neighbours({key(1): UUID(int=stranger).bytes + bytes(4)})
    with pytest.raises(KeyError):
        window.put_neighbours({key(99): b""})


def test_scores_of_long_vectors_are_exact() -> None:
    chance = random.Random(3)
    one, other = (
        a_meaning(n, tuple(chance.choice([-128, 127, 126]) for _ in range(3000)), scale=0.0002) for n in (1, 2)
    )
    window = Window()
    window.change([], [one, other])
    assert lists_of(window) == expected([one, other], 1)


def test_an_article_that_leaves_and_comes_back_finds_its_place_in_hundreds_of_lists() -> None:
    chance = random.Random(5)
    here = [
        a_meaning(n, tuple(chance.randrange(-128, 128) for _ in range(8)), hours=chance.randrange(2000))
        for n in range(250)
    ]
    window = Window(shown=20, spare=5)
    window.change([], here)
    whole = expected(here, 20)
    assert lists_of(window, 20) == whole
    window.change([m.id for m in here[::3]], [])
    assert lists_of(window, 20) == expected([m for n, m in enumerate(here) if n % 3], 20)
    for meaning in here[::3]:
        window.change([], [meaning])
    assert lists_of(window, 20) == whole
