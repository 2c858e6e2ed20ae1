"""Threads: who belongs to one story, whatever the order in which it is asked."""

import random
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from news_related.edges.threads import LONGEST, SHARE, Pair, threads
from news_related.graph.facts import Card
from news_shared.article_ids import ArticleId
from news_shared.articles import Article
from tests.related.builders import NOON, an_article, id_of


def cards_at(*days: float) -> dict[ArticleId, Card]:
    cards = {}
    for n, day in enumerate(days):
        article = an_article(f"c{n}", date=NOON + timedelta(days=day)).article
        assert isinstance(article, Article)
        cards[article.id] = Card.of(article)
    return cards


def pair(one: int, other: int) -> Pair:
    return id_of(f"c{one}"), id_of(f"c{other}")


def told(threads: dict[ArticleId, frozenset[ArticleId]], n: int) -> set[int]:
    return {m for m in range(30) if id_of(f"c{m}") in threads[id_of(f"c{n}")]}


def test_a_chain_in_which_each_is_near_to_the_next_alone_is_no_story() -> None:
    cards = cards_at(*range(20))
    found = threads(cards, (), (), {pair(n, n + 1): 900_000 + n for n in range(19)})
    assert max(len(some) for some in found.values()) <= 5


def test_articles_that_are_all_near_to_each_other_are_a_story_and_one_that_is_near_to_half_of_it_joins() -> None:
    near = {pair(one, other): 950_000 for one in range(4) for other in range(one)}
    near |= {pair(4, n): 920_000 for n in range(2)} | {pair(5, 0): 920_000}
    assert told(threads(cards_at(*[0] * 6), (), (), near), 0) == {0, 1, 2, 3, 4}


def test_a_subject_that_is_always_in_the_news_falls_into_stories_of_sixty_days() -> None:
    cards = cards_at(*(20 * n for n in range(10)))
    near = {pair(one, other): 950_000 - 1000 * (one - other) for one in range(10) for other in range(one)}
    for some in threads(cards, (), (), near).values():
        dates = [cards[key].date for key in some]
        assert max(dates) - min(dates) <= LONGEST


def test_what_is_declared_joins_whatever_lies_between_and_what_is_near_to_it_comes_along() -> None:
    found = threads(cards_at(0, 300, 1, 2), [pair(1, 0)], (), {pair(2, 3): 930_000, pair(3, 2): 930_000})
    assert told(found, 0) == told(found, 1) == {0, 1}
    assert told(found, 2) == {2, 3}


def test_copies_are_one_story_however_many_translations_the_one_has_and_however_far_back_its_links_go() -> None:
    cards = cards_at(0, 1, *[0] * 8, -100)
    translations = [pair(0, n) for n in range(2, 11)]
    near = {pair(0, 1): 990_000}
    assert told(threads(cards, translations, (), near), 1) == {1}
    assert told(threads(cards, translations, [pair(0, 1)], near), 1) == set(range(11))


def test_a_regular_with_much_the_same_text_each_day_falls_into_stories_of_sixty_days() -> None:
    cards = cards_at(*range(0, 200, 7))
    found = threads(cards, (), [pair(n, n + 1) for n in range(28)], {})
    assert max(len(some) for some in found.values()) > 4
    for some in found.values():
        dates = [cards[key].date for key in some]
        assert max(dates) - min(dates) <= LONGEST


_PAIRS = st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda p: p[0] != p[1])


@given(
    days=st.lists(st.sampled_from([0.0, 1.0, 30.0, 70.0]), min_size=10, max_size=10),
    declared=st.lists(_PAIRS, max_size=3),
    same=st.lists(_PAIRS, max_size=3),
    near=st.dictionaries(_PAIRS, st.sampled_from([900_000, 950_000, 970_000]), max_size=30),
    chance=st.randoms(use_true_random=False),
)
def test_threads_do_not_depend_on_any_order_and_are_near_as_a_whole(
    days: list[float],
    declared: list[tuple[int, int]],
    same: list[tuple[int, int]],
    near: dict[tuple[int, int], int],
    chance: random.Random,
) -> None:
    cards = cards_at(*days)
    said, copies = [pair(*some) for some in declared], [pair(*some) for some in same]
    scores = {pair(*some): score for some, score in near.items()}
    found = threads(cards, said, copies, scores)
    assert all(key in some and found[other] == some for key, some in found.items() for other in some)
    some_cards, some_near = [*cards.items()], [*scores.items()]
    for shuffled in (some_cards, said, copies, some_near):
        chance.shuffle(shuffled)
    turned = {(other, one): score for (one, other), score in some_near}
    said, copies = ([(other, one) for one, other in pairs] for pairs in (said, copies))
    assert threads(dict(some_cards), said, copies, turned | scores) == found
    for some in set(found.values()):
        if len(some) > 1 and not any(one in some and other in some for one, other in (*said, *copies)):
            pairs = {frozenset(p) for p in scores if set(p) <= some}
            assert len(pairs) >= SHARE * len(some) * (len(some) - 1) / 2
            dates = [cards[key].date for key in some]
            assert max(dates) - min(dates) <= LONGEST
