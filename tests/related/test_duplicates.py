"""Copies of wire texts: the same pairs in whatever order they came, folded in lists."""

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from news_related.edges.duplicate import copies_of, edges_between_copies
from news_related.edges.edge import EdgeKind
from news_related.edges.neighbourhood import DRAWN, neighbourhood, target_of
from news_related.edges.stories import thread_of
from news_related.graph.duplicates import WITHIN, copies_of_each, folded, share_of_copy
from news_related.graph.facts import Card
from news_related.graph.minhash import SIGNATURE_BYTES
from news_related.lists.ranking import Ranked, Wanted, rank
from news_related.lists.reasons import Reason
from news_related.lists.related_stories import related, surroundings
from news_related.lists.signals import Signal
from news_shared.article_ids import ArticleId
from news_shared.articles import Article, ArticleEvent
from newsfeed.newsroom import newsroom
from tests.related.builders import NOON, a_vector, a_withdrawal, an_article, id_of, url_of
from tests.related.graph_on_redis import GraphOnRedis, graph_on_redis, link_all
from tests.related.oracle import Oracle
from tests.related.test_link_graph import interleaved
from tests.related.wire_texts import a_wire_text, edited
from tests.testbed.backends import Backend
from tests.testbed.effort import often

WIRE = a_wire_text(1)
_TEXTS = ["", *(edited(a_wire_text(n), keeps=k, every=60, seed=n) for n in (1, 2) for k in (1, 0.9, 0.7, 0.4))]
_GUIDS = ["a", "b", "c", "d", "e"]


def a_copy(guid: str, *, days: float = 0, text: str = WIRE, **fields: Any) -> ArticleEvent:
    return an_article(guid, date=NOON + timedelta(days=days), content_text=text, **fields)


def card_of(event: ArticleEvent) -> Card:
    assert isinstance(event.article, Article)
    return Card.of(event.article)


@st.composite
def histories(draw: st.DrawFn) -> list[list[ArticleEvent]]:
    guids = draw(st.lists(st.sampled_from(_GUIDS), min_size=2, max_size=5, unique=True))

    def an_event(guid: str, revision: int) -> ArticleEvent:
        if draw(st.integers(0, 4)) == 0:
            return a_withdrawal(guid, revision=revision)
        text, days = draw(st.sampled_from(_TEXTS)), draw(st.sampled_from([0, 1, 6, 7, 8]))
        return a_copy(guid, revision=revision, text=text, days=days)

    return [[an_event(guid, n + 1) for n in range(draw(st.integers(1, 3)))] for guid in guids]


@settings(max_examples=often(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories=histories(), chance=st.randoms(use_true_random=False))
async def test_copies_are_the_same_in_any_order_and_withdrawn_ones_vanish(
    backend: Backend, histories: list[list[ArticleEvent]], chance: random.Random
) -> None:
    events = interleaved(histories, chance)
    live = {key: Card.of(article) for key, article in Oracle.of(events).articles.items()}
    expected = {
        one: {other: share for other in live if (share := share_of_copy(live[one], live[other])) is not None}
        for one in live
    }
    async with graph_on_redis(backend) as stored:
        await stored.apply(events, at_once=3)
        first = await stored.dump()
        cards = list((await stored.graph.cards(live)).values())
        found = await copies_of(stored.graph, cards)
        assert {
            card.id: {copy.card.id: copy.shared for copy in some} for card, some in zip(cards, found, strict=True)
        } == expected
        assert all([c.card for c in some] == sorted((c.card for c in some), key=lambda c: c.position) for some in found)
        await stored.empty()
        await stored.apply(interleaved(histories, chance))
        assert await stored.dump() == first


def test_a_copy_has_much_the_same_text_at_much_the_same_time() -> None:
    wire = card_of(a_copy("wire"))
    assert len(wire.signature) == SIGNATURE_BYTES
    assert Card.decode(wire.id, wire.encode()) == wire
    week = WITHIN.days
    for copy, share in (
        (a_copy("same", source="other", title="Another headline"), 1.0),
        (a_copy("cut", text=edited(WIRE, keeps=0.9)), 0.9),
        (a_copy("html", text="", content_html=f"<p>{WIRE}</p>"), 1.0),
        (a_copy("late", days=week), 1.0),
    ):
        found = share_of_copy(wire, card_of(copy))
        assert found == pytest.approx(share, abs=0.15), copy.article.guid
        assert found == share_of_copy(card_of(copy), wire)
    for other in (
        a_copy("wire"),
        a_copy("too late", days=week + 0.01),
        a_copy("half", text=edited(WIRE, keeps=0.4)),
        a_copy("on something else", text=a_wire_text(2)),
        an_article("without a text"),
    ):
        assert share_of_copy(wire, card_of(other)) is None, other.article.guid


def test_no_two_articles_of_the_sample_newsroom_are_copies() -> None:
    cards = [
        card_of(a_copy(str(item["id"]), text="", content_html=str(item["content_html"])))
        for item in newsroom(NOON).articles
    ]
    assert sum(bool(card.signature) for card in cards) > len(cards) / 2
    assert all(key == stands for key, stands in folded(cards, copies_of_each(cards)).items())


@given(st.permutations(range(6)), st.data())
def test_the_earliest_stands_for_all_copies_of_a_text(order: list[int], data: st.DataObject) -> None:
    texts = [data.draw(st.sampled_from([WIRE, a_wire_text(2), ""])) for _ in order]
    cards = [card_of(a_copy(f"g{n}", text=text, days=n / 4)) for n, text in enumerate(texts)]
    stands = folded((cards[n] for n in order), copies_of_each(cards))
    for card, text in zip(cards, texts, strict=True):
        first = next(other for other, same in zip(cards, texts, strict=True) if same == text) if text else card
        assert stands[card.id] == first.id


def ranked(here: Card, strengths: list[tuple[Card, float]], **wanted: Any) -> list[Ranked]:
    signals: dict[ArticleId, list[Signal]] = {
        card.id: [Signal(strength, Reason("pinned" if strength == 1 else "backlink"))] for card, strength in strengths
    }
    cards = {card.id: card for card, _ in strengths}
    return rank(here, cards, signals, copies_of_each([here, *cards.values()]), Wanted(**wanted))


def shown(found: list[Ranked]) -> list[Any]:
    def guid(card: Card) -> str:
        return card.title.removeprefix("Title of ")

    return [(guid(one.card), one.score, [guid(copy) for copy in one.copies]) for one in found]


def test_a_list_has_no_copy_of_its_article_and_one_card_for_each_text() -> None:
    here = card_of(a_copy("here", text=a_wire_text(2)))
    own = card_of(a_copy("own copy", text=edited(a_wire_text(2), keeps=0.95)))
    first, second, third = (card_of(a_copy(guid, days=n, language="uk")) for n, guid in enumerate(("1", "2", "3")))
    other = card_of(a_copy("other", text=a_wire_text(3)))
    all_of_them = [(own, 0.9), (third, 0.8), (other, 0.7), (first, 0.2), (second, 0.4)]
    assert shown(ranked(here, all_of_them)) == [("1", pytest.approx(0.8), ["2", "3"]), ("other", 0.7, [])]
    assert shown(ranked(here, all_of_them, limit=1)) == [("1", pytest.approx(0.8), ["2", "3"])]
    pinned = [(own, 1.0), (third, 0.8), (first, 0.2), (second, 1.0)]
    assert shown(ranked(here, pinned)) == [("2", 1.0, ["1", "3"])]


async def test_what_the_body_links_is_not_shown_as_a_copy_either(backend: Backend) -> None:
    async with graph_on_redis(backend) as stored:
        await stored.apply(
            [
                a_copy("here", text=a_wire_text(2), links=("linked",), themes=("Energy",)),
                a_copy("linked", themes=("Energy",)),
                a_copy("copy of what is linked", themes=("Energy",)),
                a_copy("another", text=a_wire_text(3), themes=("Energy",)),
            ]
        )
        around = await surroundings(stored.graph, id_of("here"), Wanted())
        found = await related(stored.graph, around.cards[id_of("here")], around, Wanted())
        assert [one.card.id for one in found] == [id_of("another")]


async def test_an_edge_leads_from_the_later_to_the_earlier_and_the_cost_is_bounded(backend: Backend) -> None:
    async with graph_on_redis(backend) as stored:
        await stored.apply([a_copy("first"), a_copy("second", days=1)])
        cards = await stored.graph.cards([id_of("first"), id_of("second")])
        [edge] = await edges_between_copies(stored.graph, list(cards.values()))
        assert (edge.kind, edge.source, edge.target, edge.shared) == ("duplicate", id_of("second"), id_of("first"), 1)
        await stored.apply((a_copy(f"n{n}", url=url_of(f"n{n}"), days=2 + n / 1000) for n in range(300)), at_once=50)
        [found] = await copies_of(stored.graph, [cards[id_of("first")]])
        assert [copy.card.id for copy in found] == [id_of("second"), *(id_of(f"n{n}") for n in range(len(found) - 1))]
        assert 20 < len(found) <= 180


async def commands_of(stored: GraphOnRedis, guid: str) -> int:
    before = await stored.commands_so_far()
    await stored.apply([a_copy(guid)])
    return await stored.commands_so_far() - before


async def test_the_cost_of_a_copy_does_not_grow_with_the_copies_before_it(backend: Backend) -> None:
    async with graph_on_redis(backend) as stored:
        await stored.apply([a_copy("w")])
        first = await commands_of(stored, "x")
        await stored.apply((a_copy(f"n{n}") for n in range(500)), at_once=50)
        assert await commands_of(stored, "y") == first


async def test_meaning_says_nothing_of_copies_in_a_graph_that_shows_them(backend: Backend) -> None:
    guids = ("first", "copy", "another report")
    async with graph_on_redis(backend) as stored:
        await stored.apply(a_copy(guid, text=WIRE if guid != "another report" else a_wire_text(2)) for guid in guids)
        await stored.keep(a_vector(guid, 127, n, scale=1 / 127) for n, guid in enumerate(guids))
        await link_all(await stored.neighbours())
        cards = await stored.graph.cards([id_of("first")])

        async def edges(*kinds: EdgeKind) -> set[tuple[str, frozenset[str]]]:
            around = await neighbourhood(stored.graph, cards[id_of("first")], depth=2, kinds=kinds or DRAWN)
            return {(edge.kind, frozenset((edge.source, target_of(edge)))) for edge in around.edges}

        first, copy, report = map(id_of, guids)
        others = {("same_story", frozenset((one, report))) for one in (first, copy)}
        assert await edges() == {("duplicate", frozenset((first, copy))), *others}
        assert await edges("same_story") == {("same_story", frozenset((first, copy))), *others}


async def test_a_text_is_one_story_with_all_that_is_told_of_any_of_its_copies(backend: Backend) -> None:
    languages = ("uk", "de", "fr", "pl", "it")
    async with graph_on_redis(backend) as stored:
        await stored.apply(
            [
                a_copy("wire"),
                a_copy("copy", days=1),
                *(an_article(to, language=to, date=NOON, translation_of="wire") for to in languages),
                a_copy("another", text=a_wire_text(2)),
            ]
        )
        cards = await stored.graph.cards(map(id_of, ("wire", "copy", "uk", "another")))
        for guid in ("wire", "copy", "uk"):
            thread = await thread_of(stored.graph, cards[id_of(guid)])
            assert {card.id for card in thread.articles} == set(map(id_of, ("wire", "copy", *languages)))
            assert not thread.is_cut
        assert [card.id for card in (await thread_of(stored.graph, cards[id_of("another")])).articles] == [
            id_of("another")
        ]
        await stored.apply((a_copy(f"n{n}", days=2 + n / 1000) for n in range(50)), at_once=50)
        assert (await thread_of(stored.graph, cards[id_of("wire")])).is_cut
