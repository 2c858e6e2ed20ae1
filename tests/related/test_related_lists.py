"""What stands in the list of an article and what never does, over a stored graph."""

from datetime import timedelta
from typing import Any

from news_related.graph.facts import MAX_LINKS, Card
from news_related.lists.ranking import Ranked, Wanted
from news_related.lists.related_stories import related, surroundings
from news_shared.clock import epoch_ms
from tests.related.builders import NOON, an_article, id_of, url_of
from tests.related.graph_on_redis import GraphOnRedis
from tests.related.wire_texts import a_wire_text, edited


async def listed(stored: GraphOnRedis, guid: str, **wanted: Any) -> dict[str, Ranked]:
    """The list of an article by guid, in its order."""
    key = id_of(guid)
    wish = Wanted(**wanted)
    around = await surroundings(stored.graph, key, wish)
    assert isinstance(around.state, Card)
    found = await related(stored.graph, around.state, around, wish)
    return {one.card.title.removeprefix("Title of "): one for one in found}


async def test_a_reason_that_names_an_article_says_which(stored: GraphOnRedis) -> None:
    await stored.apply(
        [
            an_article("here", links=("linked",)),
            an_article("linked"),
            an_article("links the same", links=("linked",)),
            an_article("here-uk", language="uk", translation_of="here"),
            an_article("links the translation", links=("here-uk",)),
            an_article("links here", links=("here",)),
        ]
    )
    reasons = {guid: one.reason.shown("en") for guid, one in (await listed(stored, "here")).items()}
    assert {guid: (reason.get("via"), reason.get("via_article")) for guid, reason in reasons.items()} == {
        "here-uk": (None, None),
        "links here": (None, None),
        "links the translation": ("Title of here-uk", id_of("here-uk")),
        "links the same": ("Title of linked", id_of("linked")),
    }


async def test_nothing_leads_to_the_page_itself_or_to_what_its_body_links(stored: GraphOnRedis) -> None:
    themes = ("Energy",)
    await stored.apply(
        [
            an_article("here", links=("linked", "linked as well"), themes=themes),
            an_article("teaser of here", url=url_of("here"), themes=themes),
            an_article("linked", themes=themes),
            an_article("teaser of linked", url=url_of("linked"), themes=themes),
            an_article("linked as well", themes=themes),
            an_article("translation of linked as well", url=url_of("linked as well"), translation_of="linked as well"),
            an_article("without a URL", url=None, themes=themes),
            an_article("another", themes=themes),
        ]
    )
    assert set(await listed(stored, "here")) == {"without a URL", "another"}
    await stored.choose("here", "pin", "teaser of here", "another")
    assert list(await listed(stored, "here")) == ["another", "without a URL"]
    await stored.apply(
        [an_article("away", url=None, themes=("Sport",)), an_article("off", url=None, themes=("Sport",))]
    )
    assert list(await listed(stored, "away")) == ["off"], "no URL is no page"


async def test_no_copy_takes_the_place_of_what_is_blocked_but_one_that_is_pinned(stored: GraphOnRedis) -> None:
    themes, wire = ("Energy",), a_wire_text(1)
    await stored.apply(
        [
            an_article("here", themes=themes),
            an_article("blocked", themes=themes, content_text=wire),
            an_article("its copy", themes=themes, content_text=wire),
            an_article("another copy", themes=themes, content_text=edited(wire, keeps=0.9)),
            an_article("another", themes=themes, content_text=a_wire_text(2)),
        ]
    )
    assert len(await listed(stored, "here")) == 2
    await stored.choose("here", "block", "blocked")
    assert list(await listed(stored, "here")) == ["another"]
    await stored.choose("here", "pin", "its copy")
    found = await listed(stored, "here")
    assert list(found) == ["its copy", "another"]
    assert found["its copy"].copies == ()


async def test_a_copy_of_what_is_blocked_is_known_though_nothing_else_speaks_for_the_blocked_one(
    stored: GraphOnRedis,
) -> None:
    await stored.apply(
        [
            an_article("here", themes=("Energy",)),
            an_article("blocked", content_text=a_wire_text(1)),
            an_article("its copy", themes=("Energy",), content_text=a_wire_text(1)),
        ]
    )
    assert list(await listed(stored, "here")) == ["its copy"]
    await stored.choose("here", "block", "blocked")
    assert list(await listed(stored, "here")) == []


async def test_a_translation_that_links_here_is_listed_though_its_original_shares_a_theme(stored: GraphOnRedis) -> None:
    themes = ("Energy",)
    await stored.apply(
        [
            an_article("here", themes=themes),
            an_article("original", themes=themes, date=NOON - timedelta(hours=1)),
            an_article("links here", themes=themes, language="uk", translation_of="original", links=("here",)),
            *[an_article(f"old {n}", links=("here",), date=NOON - timedelta(days=100 + n)) for n in range(5)],
        ]
    )
    wishes: list[dict[str, Any]] = [{"limit": 3}, {"limit": 10}, {"limit": 20}, {"published_after_ms": 0}]
    for wanted in wishes:
        first, *others = (await listed(stored, "here", **wanted)).items()
        assert (first[0], first[1].reason.kind) == ("links here", "backlink")
        assert "original" not in dict(others)


async def test_no_copy_of_what_the_body_links_is_listed_however_many_links_it_has(stored: GraphOnRedis) -> None:
    themes, wire = ("Energy",), a_wire_text(1)
    links = tuple(f"linked {n}" for n in range(MAX_LINKS))
    await stored.apply(
        [
            an_article("here", links=links, themes=themes),
            an_article(links[-1], content_text=wire),
            an_article("its copy", themes=themes, content_text=wire),
            an_article("another", themes=themes, content_text=a_wire_text(2)),
        ]
    )
    assert list(await listed(stored, "here")) == ["another"]


async def test_the_newest_of_its_themes_are_found_however_many_stand_between(stored: GraphOnRedis) -> None:
    long_ago = NOON - timedelta(days=100)
    between = [
        an_article(f"then {n}", themes=("Energy",), date=long_ago + timedelta(minutes=n), url=None) for n in range(40)
    ]
    now = [an_article(f"now {n}", themes=("Energy",), date=NOON + timedelta(minutes=n), url=None) for n in range(3)]
    await stored.apply([an_article("here", themes=("Energy",), date=long_ago), *between, *now], at_once=50)
    since = epoch_ms(NOON - timedelta(days=1))
    assert sorted(await listed(stored, "here", published_after_ms=since)) == ["now 0", "now 1", "now 2"]


async def test_what_stands_beside_an_article_in_its_theme_fills_a_list_from_both_sides(stored: GraphOnRedis) -> None:
    later = [an_article(f"later {n}", themes=("Energy",), date=NOON + timedelta(minutes=2 + n)) for n in range(30)]
    earlier = [an_article(f"earlier {n}", themes=("Energy",), date=NOON - timedelta(minutes=3 + n)) for n in range(30)]
    await stored.apply([an_article("here", themes=("Energy",)), *earlier, *later], at_once=50)
    assert set(await listed(stored, "here")) == {"later 0", "later 1", "earlier 0", "later 2"}
