"""The graph against a plain oracle: whatever comes in which order, the same edges."""

import random
from collections import deque
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from news_ingest.bodies.sanitising import body_of_html
from news_related.edges import declared
from news_related.edges.declared import declared_edges
from news_related.edges.neighbourhood import neighbourhood
from news_related.edges.stories import thread_of
from news_related.graph.changes import TAG
from news_related.graph.facts import MAX_LINKS, Backlink, Card, Facts, Withdrawn
from news_related.link_graph import LinkGraph
from news_related.lists.ranking import Wanted
from news_related.lists.related_stories import related, surroundings
from news_shared.article_ids import ArticleId
from news_shared.articles import ArticleEvent
from news_shared.projection.slots import Question, ReadScript, SlotAnswer, Slots
from newsfeed.newsroom import expected_edges
from tests.related.builders import NOON, a_withdrawal, an_article, id_of, sample_newsroom, url_of
from tests.related.graph_on_redis import GraphOnRedis, graph_on_redis
from tests.related.oracle import Oracle
from tests.testbed.backends import Backend
from tests.testbed.effort import often

_GUIDS = ["a", "b", "c", "d", "e"]
_URLS = [url_of(guid) for guid in _GUIDS] + ["https://elsewhere.example/x"]


@st.composite
def an_event(draw: st.DrawFn, guid: str, revision: int) -> ArticleEvent:
    if draw(st.integers(0, 5)) == 0:
        return a_withdrawal(guid, revision=revision)
    return an_article(
        guid,
        revision=revision,
        url=draw(st.one_of(st.just(url_of(guid)), st.sampled_from([None, *_URLS]))),
        links=tuple(draw(st.lists(st.sampled_from(_URLS), max_size=4))),
        themes=draw(st.lists(st.sampled_from(["Energy", "energy", "Вибори", "Port Morrow", "?"]), max_size=3)),
        language=draw(st.sampled_from(["en", "en-GB", "uk", "und"])),
        date=NOON + timedelta(minutes=draw(st.integers(0, 3))),
        translation_of=draw(st.sampled_from([None, None, *_GUIDS, *_URLS])),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[list[ArticleEvent]]:
    """Some articles, each with its revisions in order."""
    guids = draw(st.lists(st.sampled_from(_GUIDS), min_size=1, max_size=5, unique=True))
    return [[draw(an_event(guid, n + 1)) for n in range(draw(st.integers(1, 3)))] for guid in guids]


def interleaved(histories: list[list[ArticleEvent]], chance: random.Random) -> list[ArticleEvent]:
    """One order in which all events may arrive: each article's own order is kept."""
    waiting = [deque(history) for history in histories]
    events = []
    while any(waiting):
        events.append(chance.choice([queue for queue in waiting if queue]).popleft())
    return events


@settings(max_examples=often(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories=histories(), chance=st.randoms(use_true_random=False), at_once=st.integers(1, 4))
async def test_no_order_of_arrival_changes_the_graph(
    backend: Backend, histories: list[list[ArticleEvent]], chance: random.Random, at_once: int
) -> None:
    one, other = interleaved(histories, chance), interleaved(histories, chance)
    repeated = other + [chance.choice(other) for _ in range(3)]  # old and equal revisions again
    async with graph_on_redis(backend) as stored:
        await stored.apply(one)
        first = await stored.dump()
        await assert_is(stored.graph, Oracle.of(one))
        await stored.empty()
        await stored.apply(repeated, at_once=at_once)
        assert await stored.dump() == first
        await stored.empty()
        await stored.apply(history[-1] for history in histories)  # what a compacted topic has left
        assert await stored.dump() == first


async def assert_is(graph: LinkGraph, oracle: Oracle) -> None:
    """Everything that the graph tells is what the oracle tells."""
    ids = sorted(oracle.articles)
    cards = await graph.cards([*ids, *oracle.withdrawn])
    assert sorted(cards) == ids
    links = await graph.links(ids)
    owners = await graph.owners({link.url for some in links for link in some})
    backlinks = await graph.backlinks_of([cards[key] for key in ids])
    for key, out, back in zip(ids, links, backlinks, strict=True):
        assert [(link.url, link.paragraph, owners.get(link.url)) for link in out] == oracle.links(key)
        assert [b.id for b in back] == oracle.backlinks(key)
        await assert_surrounds(graph, oracle, cards[key], backlinks=back)
    for key in oracle.withdrawn:
        assert isinstance((await graph.surroundings(key, neighbours=9, least_score=0)).state, Withdrawn)
    themes = oracle.themes()
    slugs = [slug for slug in themes if "@" not in slug]
    assert [slug for slug, _ in await graph.themes(None, limit=100, after=None)] == sorted(
        slugs, key=lambda slug: (-len(themes[slug]), slug)
    )
    for size in await graph.sizes(slugs):
        assert (size.articles, size.newest) == (len(themes[size.slug]), themes[size.slug][0])
        assert {f"{size.slug}@{language}": n for language, n in size.languages.items()} == {
            name: len(members) for name, members in themes.items() if name.startswith(f"{size.slug}@")
        }
    for name, members in themes.items():
        slug, _, language = name.partition("@")
        found = await graph.in_theme(slug, [language] if language else [], limit=100)
        assert [position.id for position in found] == members
    for language in {name.partition("@")[2] for name in themes} - {""}:
        spoken = [n.partition("@")[0] for n in themes if n.endswith(f"@{language}")]
        assert sorted(slug for slug, _ in await graph.themes(language, limit=100, after=None)) == sorted(spoken)


async def assert_surrounds(graph: LinkGraph, oracle: Oracle, card: Card, *, backlinks: list[Backlink]) -> None:
    """What is found around an article in one call is what the oracle tells, and what the graph tells in several."""
    around = await graph.surroundings(card.id, neighbours=9, least_score=0)
    assert around.state == card
    links = [(link.url, link.paragraph, around.owners.get(link.url)) for link in around.links]
    assert links == oracle.links(card.id)
    assert list(around.backlinks) == backlinks
    urls = [url for url, _, owner in links if owner is not None]
    citing = zip(urls, await graph.backlinks(urls), strict=True)
    assert around.citing == {around.owners[url]: some for url, some in citing}
    themes = oracle.themes()
    assert around.sizes == {slug: len(themes[slug]) for slug in card.slugs}
    assert set(around.tellings) == oracle.translations(card.id)
    tellings = [around.cards[key] for key in around.tellings]
    assert list(around.tellings.values()) == await graph.backlinks_of(tellings)
    named = {*around.owners.values(), *(one.id for some in around.citing.values() for one in some)}
    assert named | {one.id for one in around.backlinks} <= around.cards.keys()
    assert around.cards == await graph.cards(around.cards)


async def test_the_sample_newsroom_has_the_edges_that_it_declares(stored: GraphOnRedis) -> None:
    events = sample_newsroom()
    random.Random(7).shuffle(events)
    await stored.apply(events, at_once=10)
    names = {event.id: event.article.guid for event in events}
    cards = list((await stored.graph.cards(names)).values())
    edges = [edge for edge in (await declared_edges(stored.graph, cards)).edges if edge.target is not None]
    declared = expected_edges()
    found = {
        kind: sorted([names[e.source], names[_id(e.target)]] for e in edges if e.kind == kind)
        for kind in ("cites", "translation")
    }
    assert found == {"cites": declared["cites"], "translation": declared["translation"]}
    sizes = {size.slug: size.articles for size in await stored.graph.sizes([t.casefold() for t in declared["theme"]])}
    assert sizes == {theme.casefold(): len(members) for theme, members in declared["theme"].items()}


def _id(target: str | None) -> ArticleId:
    assert target is not None
    return ArticleId(target)


async def test_a_link_waits_for_its_target_and_follows_what_becomes_of_it(stored: GraphOnRedis) -> None:
    async def target_of_a() -> object:
        return (await stored.graph.owners([url_of("b")])).get(url_of("b"))

    await stored.apply([an_article("a", links=("b",))])
    assert await target_of_a() is None, "nothing has this URL yet"
    await stored.apply([an_article("b")])
    assert await target_of_a() == id_of("b")
    await stored.apply([a_withdrawal("b", revision=2)])
    assert await target_of_a() is None, "withdrawn"
    await stored.apply([an_article("b", revision=3)])
    assert await target_of_a() == id_of("b"), "restored"
    await stored.apply([an_article("b", revision=4, url="https://herald.example/moved")])
    assert await target_of_a() is None, "moved away"
    await stored.apply([an_article("a", revision=2, links=("https://herald.example/moved",))])
    cards = await stored.graph.cards([id_of("b")])
    [backlinks] = await stored.graph.backlinks_of(list(cards.values()))
    assert [b.id for b in backlinks] == [id_of("a")]


def test_every_link_that_the_intake_keeps_of_a_body_makes_an_edge() -> None:
    kept = body_of_html("".join(f'<p><a href="{url_of(f"n{n}")}">{n}</a></p>' for n in range(MAX_LINKS + 1)), None)
    article = an_article("a", links=tuple(link.url for link in kept.links))
    assert len(Facts.of(article).links) == len(kept.links) == MAX_LINKS


async def test_of_articles_with_one_url_the_earliest_has_the_links_to_it(stored: GraphOnRedis) -> None:
    later = an_article("later", url=url_of("shared"), date=NOON + timedelta(minutes=1))
    await stored.apply([an_article("a", links=("shared",)), later, an_article("earlier", url=url_of("shared"))])
    cards = await stored.graph.cards([id_of("later"), id_of("earlier")])
    backlinks = await stored.graph.backlinks_of(list(cards.values()))
    assert [[b.id for b in some] for some in backlinks] == [[], [id_of("a")]]


async def test_siblings_of_an_original_that_never_arrived_are_translations_of_each_other(stored: GraphOnRedis) -> None:
    await stored.apply(
        [
            an_article("en", translation_of="uk"),
            an_article("pl", translation_of="uk", language="pl"),
            an_article("de", translation_of="https://herald.example/pl", language="de"),
        ]
    )
    around = await stored.graph.surroundings(id_of("de"), neighbours=0, least_score=0)
    assert set(around.tellings) == {id_of("en"), id_of("pl")}


async def test_translations_are_followed_three_steps_whether_they_have_urls_or_not(stored: GraphOnRedis) -> None:
    chain = ["first", "second", "third", "fourth", "fifth"]
    for url in (True, False):
        await stored.apply(
            an_article(guid, url=url_of(guid) if url else None, revision=1 if url else 2, translation_of=before)
            for guid, before in zip(chain, [None, *chain], strict=False)
        )
        for guid, told in (("first", chain[1:4]), ("fifth", chain[1:4]), ("third", [*chain[:2], *chain[3:]])):
            around = await stored.graph.surroundings(id_of(guid), neighbours=0, least_score=0)
            assert {around.cards[key].title.removeprefix("Title of ") for key in around.tellings} == set(told)


async def test_an_original_is_found_by_a_guid_that_is_a_url_as_it_was_said_or_by_its_url(stored: GraphOnRedis) -> None:
    guid, canonical = "https://herald.example/?post_type=story&p=123", "https://herald.example/?p=123&post_type=story"
    await stored.apply(
        [
            an_article(guid, url=url_of("story/ferry")),
            an_article("uk", language="uk", translation_of=canonical, translation_of_guid=guid),
            an_article("at that url", url=canonical),
        ]
    )
    around = await stored.graph.surroundings(id_of("uk"), neighbours=0, least_score=0)
    assert set(around.tellings) == {id_of(guid), id_of("at that url")}


async def test_more_articles_are_read_at_once_than_one_command_takes(stored: GraphOnRedis) -> None:
    await stored.apply([an_article("a", links=("b",)), a_withdrawal("gone", revision=1)])
    ids = [id_of(f"n{n}") for n in range(9_000)]
    asked = [*ids, id_of("a"), id_of("gone")]
    assert list(await stored.graph.cards(asked)) == [id_of("a")]
    *states, live, gone = await stored.graph.states(asked)
    assert states == [None] * len(ids)
    assert isinstance(live, Card)
    assert isinstance(gone, Withdrawn)
    assert [len(links) for links in await stored.graph.links(asked)] == [*[0] * len(ids), 1, 0]
    assert await stored.graph.neighbours(asked) == [[]] * len(asked)
    assert await stored.graph.meanings(asked) == [None] * len(asked)


async def test_of_more_links_than_are_followed_at_once_each_article_has_its_first(
    stored: GraphOnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declared, "MAX_LINKS_READ", 12)
    hubs = ("many", "as many", "few")
    links = {"many": 9, "as many": 9, "few": 2}
    await stored.apply([an_article("top", links=hubs)])
    await stored.apply(an_article(hub, links=tuple(f"{hub}/{n}" for n in range(links[hub]))) for hub in hubs)
    cards = await stored.graph.cards([id_of("top"), *map(id_of, hubs)])
    cut = await declared_edges(stored.graph, [cards[id_of(hub)] for hub in hubs])
    followed = [edge for edge in cut.edges if edge.source != id_of("top")]
    assert [sum(edge.source == id_of(hub) for edge in followed) for hub in hubs] == [5, 5, 2]
    assert {edge.paragraph for edge in followed} == set(range(5))
    assert cut.is_cut
    around = await neighbourhood(stored.graph, cards[id_of("top")], depth=2)
    assert (len(around.nodes), around.is_cut) == (1 + 3 + 12, True)
    assert (await thread_of(stored.graph, cards[id_of("top")])).is_cut
    monkeypatch.setattr(declared, "MAX_LINKS_READ", 20)
    assert not (await neighbourhood(stored.graph, cards[id_of("top")], depth=2)).is_cut
    assert not (await thread_of(stored.graph, cards[id_of("top")])).is_cut


async def test_of_more_backlinks_than_are_followed_at_once_each_article_has_its_newest(
    stored: GraphOnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declared, "MAX_LINKS_READ", 4)
    await stored.apply([an_article("a"), an_article("b")])
    await stored.apply(
        an_article(f"{n}", links=("a", "b"), date=NOON + timedelta(minutes=n), themes=("T",)) for n in range(3)
    )
    cards = await stored.graph.cards([id_of("a"), id_of("b")])
    edges, is_cut = await declared_edges(stored.graph, list(cards.values()))
    assert {(edge.source, edge.target) for edge in edges} == {
        (id_of(n), id_of(guid)) for n in ("1", "2") for guid in ("a", "b")
    }
    assert is_cut


async def test_the_cost_of_an_event_does_not_grow_with_what_is_stored(stored: GraphOnRedis) -> None:
    async def commands(guid: str) -> int:
        before = await stored.commands_so_far()
        await stored.apply([an_article(guid, links=("hub", "b"), themes=("Energy",))])
        return await stored.commands_so_far() - before

    await stored.apply([an_article("w")])
    first = await commands("x")
    await stored.apply(
        (an_article(f"n{n}", links=("hub", f"n{n - 1}"), themes=("Energy",)) for n in range(2000)), at_once=50
    )
    assert abs(await commands("y") - first) <= 2


@pytest.mark.parametrize(
    ("links", "shown", "takes"),
    [(("g0",), 10, 1), (("g0", "before", "away"), 10, 1), (("before", "away"), 4, 2), ((), 4, 2)],
    ids=["many link to the same", "many links", "few others, filled from themes", "themes alone"],
)
async def test_a_list_takes_few_round_trips_whatever_the_article_has(
    stored: GraphOnRedis, links: tuple[str, ...], shown: int, takes: int
) -> None:
    themes = ("Energy", "Sport")
    await stored.apply(
        an_article(f"g{n}", links=tuple(f"g{n - 1}" if link == "before" else link for link in links), themes=themes)
        for n in range(30)
    )
    assert await list_and_trips(stored, "g20") == (shown, takes)


@pytest.mark.parametrize("asked", ["uk", "en"], ids=["the original", "its translation"])
async def test_translations_and_what_links_to_them_take_no_further_round_trip(stored: GraphOnRedis, asked: str) -> None:
    await stored.apply(
        [
            an_article("uk", language="uk"),
            an_article("en", translation_of="uk"),
            *(an_article(f"to {guid}", links=(guid,)) for guid in ("uk", "en")),
        ]
    )
    assert await list_and_trips(stored, asked) == (3, 1)


async def list_and_trips(stored: GraphOnRedis, guid: str) -> tuple[int, int]:
    """How long the list of an article is, and how often Redis was asked for it."""
    trips = 0

    class Counted(Slots):
        async def ask(self, questions: Mapping[int, Question]) -> dict[int, SlotAnswer]:
            nonlocal trips
            trips += 1
            return await super().ask(questions)

        async def find(self, partition: int, script: ReadScript, *args: str | int | bytes) -> SlotAnswer:
            nonlocal trips
            trips += 1
            return await super().find(partition, script, *args)

    key = id_of(guid)
    slots = Counted(stored.redis, "related", tag=TAG)
    await LinkGraph(slots).cards([key])  # learns the generation
    trips = 0
    graph = LinkGraph(slots)
    around = await surroundings(graph, key, Wanted())
    return len(await related(graph, around.cards[key], around, Wanted())), trips


async def test_what_links_to_the_same_is_looked_for_at_the_first_links_of_the_body(stored: GraphOnRedis) -> None:
    targets = [f"t{n}" for n in range(300)]
    random.Random(3).shuffle(targets)  # so that no order of names is that of the text
    await stored.apply((an_article(guid) for guid in targets), at_once=50)
    await stored.apply([an_article("many", links=tuple(targets)), an_article("also", links=tuple(targets[::-1]))])
    around = await stored.graph.surroundings(id_of("many"), neighbours=0, least_score=0)
    assert list(around.owners.values()) == [id_of(guid) for guid in targets[:MAX_LINKS]]
    assert [target for target, some in around.citing.items() if some] == [id_of(guid) for guid in targets[:30]]


async def test_more_cards_lie_around_an_article_than_are_read_in_one_command(stored: GraphOnRedis) -> None:
    translations = [f"in {n}" for n in range(50)]
    links = [an_article(f"{n} to {guid}", links=(guid,)) for guid in translations for n in range(20)]
    told = (an_article(guid, translation_of="here") for guid in translations)
    await stored.apply([an_article("here"), *told, *links], at_once=50)
    around = await stored.graph.surroundings(id_of("here"), neighbours=0, least_score=0)
    assert [len(some) for some in around.tellings.values()] == [20] * 50
    assert around.cards == await stored.graph.cards([id_of("here"), *map(id_of, translations), *(e.id for e in links)])
