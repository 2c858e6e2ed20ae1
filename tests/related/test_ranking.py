"""What is shown beside an article, and in which order."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from news_related.edges.nearness import nearness
from news_related.graph.duplicates import copies_of_each
from news_related.graph.facts import Card
from news_related.lists.ranking import Ranked, Wanted, rank
from news_related.lists.reasons import Reason, ReasonKind
from news_related.lists.signals import PINNED, TRANSLATION, Signal, backlink, by_meaning, rarity, same_story, themes
from news_related.neighbours.similarity import UNITS
from news_shared.article_ids import ArticleId
from news_shared.articles import Article
from tests.related.builders import LEAD, NOON, an_article, id_of
from tests.related.wire_texts import a_wire_text


def a_card(guid: str, *, days: float = 0, **fields: Any) -> Card:
    event = an_article(guid, date=NOON + timedelta(days=days), **{"summary": LEAD, **fields})
    assert isinstance(event.article, Article)
    return Card.of(event.article)


HERE = a_card("here", themes=("Energy", "Elections"))


def ranked(cards: list[Card], signals: dict[str, list[Signal]], **wanted: Any) -> list[Ranked]:
    by_id: dict[ArticleId, list[Signal]] = {id_of(guid): some for guid, some in signals.items()}
    return rank(HERE, {card.id: card for card in cards}, by_id, copies_of_each([HERE, *cards]), Wanted(**wanted))


def titles(found: list[Ranked]) -> list[str]:
    return [one.card.title.removeprefix("Title of ") for one in found]


def test_translations_stand_before_links_and_links_before_themes() -> None:
    cards = [a_card("theme", themes=("Energy",)), a_card("back"), a_card("trans", language="uk"), a_card("same")]
    by_theme = themes(HERE, cards[0], rarity(HERE, {"energy": 5}))
    assert by_theme is not None
    signals = {
        "theme": [by_theme],
        "same": [same_story(HERE, cards[3], cards[1])],
        "back": [backlink(HERE, cards[1], 0)],
        "trans": [Signal(TRANSLATION, Reason("translation"))],
    }
    assert titles(ranked(cards, signals)) == ["trans", "back", "same", "theme"]


def meaning(card: Card, score: float) -> list[Signal]:
    signal = by_meaning(HERE, nearness(HERE, card, round(score * UNITS)))
    return [signal] if signal else []


def test_meaning_stands_by_kind_and_score_behind_declared_translations() -> None:
    declared = Signal(TRANSLATION, Reason("translation"))
    far = a_card("far")
    cards = [
        a_card("declared"),
        a_card("told", language="uk"),
        a_card("story", days=-1),
        a_card("story2"),
        a_card("like"),
    ]
    scores = (0.99, 0.7, 0.8, 0.6, 0.46)
    signals = {card.title.removeprefix("Title of "): meaning(card, s) for card, s in zip(cards, scores, strict=True)}
    found = ranked([*cards, far], {**signals, "declared": [declared], "far": meaning(far, 0.36)})
    assert titles(found) == ["declared", "told", "story", "story2", "like"]
    assert [one.reason.kind for one in found[1:5]] == ["translation", "same_story", "same_story", "similar"]
    assert (found[2].reason.when, found[3].reason.when) == ("earlier", ranking_order(found[3].card))


def test_of_two_as_near_the_one_with_more_support_is_first_and_kinds_go_by_the_score_alone() -> None:
    near = {
        "chance": nearness(HERE, a_card("chance"), 610_000, 300_000),
        "story": nearness(HERE, a_card("story"), 600_000, 580_000),
        "like": nearness(HERE, a_card("like"), 500_000, 900_000),
    }
    signals = {key: [signal] for key, one in near.items() if (signal := by_meaning(HERE, one))}
    found = ranked([one.card for one in near.values()], signals)
    assert titles(found) == ["story", "chance", "like"]
    assert [one.reason.kind for one in found] == ["same_story", "same_story", "similar"]


def test_a_headline_stands_where_a_report_would_and_is_told_as_similar_from_both_sides() -> None:
    cards = [a_card("report", days=1), a_card("headline", summary=None), a_card("like")]
    signals = {
        card.title.removeprefix("Title of "): meaning(card, s) for card, s in zip(cards, (0.72, 0.74, 0.5), strict=True)
    }
    found = ranked(cards, signals)
    assert titles(found) == ["headline", "report", "like"]
    assert [one.reason.kind for one in found] == ["similar", "same_story", "similar"]
    assert found[0].reason.when is None
    assert nearness(cards[1], HERE, 740_000).kind == nearness(HERE, cards[1], 740_000).kind == "similar"


def test_that_a_headline_is_similar_tells_less_than_a_link_and_more_than_an_old_one() -> None:
    headline, near = a_card("headline", summary=None), meaning(a_card("headline", summary=None), 0.84)
    links = {days: backlink(HERE, a_card("other", days=-days), 0) for days in (60, 120)}
    assert near[0].strength > links[60].strength > 0.55 > links[120].strength
    told = {days: ranked([headline], {"headline": [*near, link]})[0].reason.kind for days, link in links.items()}
    assert told == {60: "backlink", 120: "similar"}


def ranking_order(card: Card) -> str:
    return "earlier" if card.position < HERE.position else "later"


def test_a_translation_by_meaning_is_in_another_language_and_close_in_time() -> None:
    kinds = [
        nearness(HERE, card, 960_000).kind
        for card in (a_card("en"), a_card("uk", language="uk-UA"), a_card("late", language="uk", days=4))
    ]
    assert kinds == ["same_story", "translation", "same_story"]


def test_a_pin_is_first_and_what_is_not_here_is_left_out() -> None:
    pin = Signal(PINNED, Reason("pinned"))
    trans = Signal(TRANSLATION, Reason("translation"))
    found = ranked([HERE, a_card("p"), a_card("t")], {"t": [trans], "here": [trans], "gone": [pin], "p": [pin]})
    assert titles(found) == ["p", "t"]


def test_a_rare_theme_says_more_than_a_common_one_and_the_nearest_in_time_is_first() -> None:
    sizes = {"energy": 2, "elections": 900}
    rare, common = a_card("rare", themes=("Energy",)), a_card("common", themes=("Elections",))
    far = a_card("far", themes=("Energy",), days=40)
    signals = {c.title.removeprefix("Title of "): [themes(HERE, c, rarity(HERE, sizes))] for c in (far, common, rare)}
    found = ranked([rare, common, far], {guid: [s for s in some if s] for guid, some in signals.items()})
    assert titles(found) == ["rare", "common", "far"]
    assert themes(HERE, a_card("other", themes=("Sport",)), rarity(HERE, sizes)) is None


def test_themes_alone_only_fill_a_short_list_unless_they_were_asked_for() -> None:
    cards = [a_card(f"t{n}", themes=("Energy",), days=n / 10) for n in range(8)]
    by_theme = {
        f"t{n}": [s for s in [themes(HERE, card, rarity(HERE, {"energy": 8}))] if s] for n, card in enumerate(cards)
    }
    linked = a_card("linked", themes=("Energy",), days=300)
    with_a_link = {"linked": [*by_theme["t0"], backlink(HERE, linked, 0)]}
    assert titles(ranked(cards, by_theme)) == ["t0", "t1", "t2", "t3"]
    assert titles(ranked([linked, *cards], {**by_theme, **with_a_link})) == ["linked", "t0", "t1", "t2"]
    assert len(ranked(cards, by_theme, kinds=frozenset({"theme"}))) == 8


def test_the_rarest_shared_theme_is_named_first() -> None:
    signal = themes(HERE, a_card("x", themes=("Energy", "Elections")), rarity(HERE, {"energy": 90, "elections": 3}))
    assert signal is not None
    assert signal.reason.themes == ("Elections", "Energy")


def test_of_two_tellings_of_one_report_the_one_in_the_articles_language_is_shown() -> None:
    original, translation = a_card("uk", language="uk"), a_card("en", language="en", translation_of="uk")
    signals = {"uk": [backlink(HERE, original, 0)], "en": [same_story(HERE, translation, original)]}
    assert titles(ranked([original, translation], signals)) == ["en"]
    assert titles(ranked([original, translation], signals, languages=("uk",))) == ["uk"]


def test_what_is_there_for_themes_alone_never_stands_for_what_has_another_reason() -> None:
    body: dict[str, Any] = {"content_text": a_wire_text(1)}
    original, translation = a_card("en"), a_card("uk", language="uk", translation_of="en")
    first, copy = a_card("first", days=-1, **body), a_card("copy", **body)
    strong, weak = Signal(0.4, Reason("theme", themes=("Energy",))), Signal(0.1, Reason("backlink"))
    signals = {"en": [strong], "uk": [weak], "first": [strong], "copy": [weak]}
    found = ranked([original, translation, first, copy], signals, limit=20)
    assert {one.card.id: (one.score, one.reason.kind) for one in found} == {
        id_of(guid): (0.4, "backlink") for guid in ("uk", "copy")
    }
    assert {card.id for one in found for card in one.copies} == {first.id}
    assert set(titles(ranked([original, translation, first, copy], signals, kinds={"theme"}))) == {"en", "first"}


def test_a_list_is_not_all_of_one_theme_while_there_is_something_else() -> None:
    same = [a_card(f"e{n}", themes=("Energy",)) for n in range(5)]
    other = a_card("other", themes=("Elections",))
    sizes = {"energy": 9, "elections": 10}
    signals = {c.title.removeprefix("Title of "): [themes(HERE, c, rarity(HERE, sizes))] for c in (*same, other)}
    found = ranked([*same, other], {guid: [s for s in some if s] for guid, some in signals.items()}, limit=3)
    assert "other" in titles(found)[:2]


def test_of_two_articles_at_one_url_the_better_one_is_shown() -> None:
    cards = [a_card("weak", url="https://a.example/1"), a_card("strong", url="https://a.example/1"), a_card("other")]
    signals = {
        "weak": meaning(cards[0], 0.42),
        "strong": meaning(cards[1], 0.9),
        "other": meaning(cards[2], 0.5),
    }
    assert titles(ranked(cards, signals)) == ["strong", "other"]


_KINDS: tuple[ReasonKind, ...] = ("translation", "backlink", "same_story", "theme")


@given(
    strengths=st.dictionaries(
        st.integers(0, 15), st.lists(st.tuples(st.floats(0, 1), st.sampled_from(_KINDS)), min_size=1, max_size=3)
    ),
    limit=st.integers(1, 20),
    languages=st.sampled_from([(), ("uk",), ("en", "uk")]),
)
def test_a_list_is_sorted_short_enough_and_without_repeats(
    strengths: dict[int, list[tuple[float, ReasonKind]]], limit: int, languages: tuple[str, ...]
) -> None:
    cards = [a_card(f"c{n}", language="uk" if n % 3 else "en", days=n / 7) for n in range(14)]
    signals = {
        f"c{n}": [Signal(strength, Reason(kind, themes=("T",) if kind == "theme" else ())) for strength, kind in some]
        for n, some in strengths.items()
    }
    found = ranked(cards, signals, limit=limit, languages=languages)
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert len({one.card.id for one in found}) == len(found) <= limit
    assert all(not languages or one.card.language in languages for one in found)
    assert found == ranked(list(reversed(cards)), dict(reversed(signals.items())), limit=limit, languages=languages)
