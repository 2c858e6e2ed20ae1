"""Support: what those that are nearest to a neighbour say of it."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from news_related.neighbours.support import NEAREST, supports

ME = b"me"


def names(text: str) -> list[bytes]:
    return [letter.encode() for letter in text]


def neighbours(**scores: int) -> list[tuple[bytes, int]]:
    return [(key.encode(), score) for key, score in scores.items()]


def test_a_neighbour_whose_nearest_are_near_too_has_more_support_than_one_that_is_alone() -> None:
    mine = neighbours(alone=900, a=800, b=790, c=780, d=770, e=760, f=750, last=100)
    nearest = [names("uvwxy"), names("bcdef"), names("acdef")]
    first = [100, (790 + 780 + 770 + 760 + 750) // 5, (800 + 780 + 770 + 760 + 750) // 5]
    assert supports(ME, mine, nearest) == [*first, *[100] * 5]


def test_the_article_itself_does_not_count_and_no_more_than_the_nearest_do() -> None:
    mine = neighbours(a=900, b=500, c=400, d=300, e=200, f=100, g=50)
    with_me = [[ME, *names("bcdefg")]]
    assert supports(ME, mine, with_me) == supports(ME, mine, [names("bcdef")]) == [300, *[50] * 6]


def test_among_a_handful_of_articles_the_own_score_stands_for_those_that_are_missing() -> None:
    mine = neighbours(near=600, far=100)
    assert supports(ME, mine, [[ME, b"far"], [ME, b"near"]]) == [500, 200]
    assert supports(ME, neighbours(only=600), [[ME]]) == [600]
    assert supports(ME, [], []) == []


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_support_lies_between_the_least_and_the_greatest_score(scores: list[int], chance: Random) -> None:
    mine = [(str(n).encode(), score) for n, score in enumerate(sorted(scores, reverse=True))]
    keys = [key for key, _ in mine] + [b"stranger", ME]
    nearest = [chance.sample(keys, min(len(keys), NEAREST + 1)) for _ in mine]
    assert all(min(scores) <= support <= max(scores) for support in supports(ME, mine, nearest))
