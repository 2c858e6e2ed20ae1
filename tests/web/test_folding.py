"""A text that several sources have stands once in a list, with links to the others."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_web.folding import UNASKED, folded
from news_web.peers import UNAVAILABLE, Part
from news_web.stories import Item, Story, card_id
from tests.web.conftest import Open
from tests.web.newsroom import Newsroom, a_card, an_article
from tests.web.wellformed import Page

_NAMES = "abcdefgh"

FIRST = an_article("wire", source="agency", title="Wire at ten", date_published="2026-01-15T10:00:00Z")
BETWEEN = an_article("own", title="Own report", date_published="2026-01-15T10:30:00Z")
SECOND = an_article(
    "copy-1", source="tribune", title="Wire at eleven", date_published="2026-01-15T11:00:00Z", language="uk"
)
THIRD = an_article("copy-2", source="tribune", title="Wire at noon", date_published="2026-01-15T12:00:00Z")
WIRE = [FIRST, SECOND, THIRD]


def an_item(name: str) -> Item:
    return {"id": name, "title": name}


def told(copies: dict[str, str]) -> Part:
    return Part("ok", {"items": [{"article": name, "duplicate_of": first} for name, first in copies.items()]})


@st.composite
def lists(draw: st.DrawFn) -> tuple[list[str], dict[str, str]]:
    """Stories in any order, and of all there are what each is a copy of: none, or one that is no copy itself."""
    texts = draw(st.lists(st.sampled_from(_NAMES[:4]), min_size=len(_NAMES), max_size=len(_NAMES)))
    of = dict(zip(_NAMES, texts, strict=True))
    shown = draw(st.lists(st.sampled_from(_NAMES), unique=True))
    return shown, {name: text for name, text in of.items() if name != text and of[text] == text}


@given(lists(), st.sampled_from([None, *_NAMES]))
def test_each_text_stands_once_where_its_earliest_story_is(
    drawn: tuple[list[str], dict[str, str]], without: str | None
) -> None:
    shown, copies = drawn

    def text(name: str) -> str:
        return copies.get(name, name)

    found = folded([an_item(name) for name in shown], told(copies), without=without)
    stand = [card_id(item) for item in found]
    expected = [
        name
        for place, name in enumerate(shown)
        if text(name) not in map(text, shown[place + 1 :]) and (without is None or text(name) != text(without))
    ]
    assert stand == expected
    for item in found:
        also = [card_id(copy) for copy in item.get("duplicates", ())]
        assert [*reversed(also), card_id(item)] == [name for name in shown if text(name) == text(card_id(item))]


@pytest.mark.parametrize("answer", [UNASKED, UNAVAILABLE, told({}), Part("ok", {"items": None})])
def test_nothing_is_folded_when_nobody_knows_a_copy(answer: Part) -> None:
    items = [an_item(name) for name in _NAMES]
    assert folded(items, answer) == items


def test_a_copy_is_named_by_its_source_and_a_second_one_of_a_source_by_its_headline() -> None:
    story = Story.of({**FIRST, "duplicates": [SECOND, THIRD, {**BETWEEN, "source": "agency"}]})
    assert [(copy.source, copy.title) for copy in story.copies] == [
        ("tribune", "Wire at eleven"),
        (None, "Wire at noon"),
        (None, "Own report"),
    ]


def a_newsroom(**fields: Any) -> Newsroom:
    copies = {SECOND["id"]: FIRST["id"], THIRD["id"]: FIRST["id"]}
    return Newsroom([*WIRE, BETWEEN], duplicate_of=copies, views={FIRST["id"]: 7}, **fields)


def headlines(page: Page, html: str) -> list[str]:
    """Those of the first list, in its order."""
    listed = html[html.index('class="front"' if 'class="front"' in html else 'class="stream"') :]
    listed = listed[: listed.index("</main>")].split('<section class="band"')[0]
    places = {listed.find(f">{one['title']}</a></h"): str(one["title"]) for one in (*WIRE, BETWEEN)}
    return [places[place] for place in sorted(places) if place >= 0]


@pytest.mark.parametrize("address", ["/", "/themes/port-morrow", "/?cursor=x"])
async def test_lists_show_a_wire_text_once_and_who_has_it_too(open_site: Open, address: str) -> None:
    site = await open_site(a_newsroom())
    html = (await site.get(address)).text
    page = Page(html)
    assert page.mistakes == []
    assert headlines(page, html) == ["Own report", "Wire at ten"]
    text = " ".join(page.text.split())
    assert "• 7 views Also: tribune Wire at noon" in text
    assert page.all("a", href=f"/articles/{SECOND['id']}", hreflang="uk")
    assert page.all("span", **{"data-article": THIRD["id"]})  # so that an open page knows that it shows it
    ukrainian = (await site.get(address, params={"lang": "uk"} | ({"cursor": "x"} if "cursor" in address else {}))).text
    assert "Також: tribune Wire at noon" in " ".join(Page(ukrainian).text.split())


async def test_a_source_folds_what_it_sent_twice(open_site: Open) -> None:
    newsroom = a_newsroom()
    html = (await (await open_site(newsroom)).get("/sources/tribune")).text
    assert headlines(Page(html), html) == ["Wire at noon", "Wire at eleven"]  # of the agency's text, which is not here
    newsroom.duplicate_of = {THIRD["id"]: SECOND["id"]}
    page = Page((await (await open_site(newsroom)).get("/sources/tribune")).text)
    assert page.mistakes == []
    assert "Also: Wire at noon" in " ".join(page.text.split())


async def test_news_by_theme_folds_and_leaves_out_the_copies_of_the_story(open_site: Open) -> None:
    site = await open_site(a_newsroom())
    page = Page((await site.get("/")).text)
    assert page.all("li", **{"data-article": FIRST["id"]})
    assert not page.all("li", **{"data-article": SECOND["id"]})
    assert " ".join(page.text.split()).count("Also: tribune Wire at noon") == 2
    other = Page((await site.get(f"/articles/{BETWEEN['id']}")).text)
    assert "Also: tribune Wire at noon" in " ".join(other.text.split())
    own = Page((await site.get(f"/articles/{SECOND['id']}")).text)
    assert [has["data-article"] for has in own.all("li") if "data-article" in has] == [BETWEEN["id"]]
    parts = (await site.get(f"/v1/pages/{BETWEEN['id']}")).json()["themes"]["items"][0]["items"]
    assert [(one["id"], [copy["id"] for copy in one["duplicates"]]) for one in parts] == [
        (FIRST["id"], [SECOND["id"], THIRD["id"]])
    ]


def a_thread() -> Newsroom:
    """A story of five reports, which are three texts."""
    own = an_article("later", title="Later report", date_published="2026-01-15T13:00:00Z", tags=[])
    newsroom = a_newsroom()
    newsroom.articles += [own]
    told = [a_card(one) for one in (FIRST, BETWEEN, SECOND, THIRD, own)]
    newsroom.stories = {one["article"]: told for one in told}
    return newsroom


def timeline(html: str) -> list[str]:
    """Headlines and the lines that name copies, without dates."""
    page = Page(html)
    assert page.mistakes == []
    text = html[html.index('class="timeline"') : html.index("</ol>", html.index('class="timeline"'))]
    return re.findall(r"(Later report|Own report|Wire at [a-z]+|Also:|You are reading this)", text)


@pytest.mark.parametrize(
    ("article", "told"),
    [
        (FIRST, ["Wire at ten", "You are reading this", "Own report", "Later report"]),
        (SECOND, ["Own report", "Wire at eleven", "You are reading this", "Later report"]),
        (
            BETWEEN,
            [
                *("Wire at ten", "Also:", "Wire at eleven", "Wire at noon"),
                *("Own report", "You are reading this", "Later report"),
            ],
        ),
    ],
)
async def test_the_story_so_far_tells_each_text_once_and_of_its_own_only_itself(
    open_site: Open, article: dict[str, Any], told: list[str]
) -> None:
    site = await open_site(a_thread())
    html = (await site.get(f"/articles/{article['id']}", headers={"accept-language": "en"})).text
    assert timeline(html) == told
    assert "The whole story: 3 reports" in " ".join(Page(html).text.split())


async def test_the_page_of_a_story_tells_each_text_once(open_site: Open) -> None:
    site = await open_site(a_thread())
    html = (await site.get(f"/stories/{FIRST['id']}", headers={"accept-language": "en"})).text
    assert timeline(html) == ["Wire at ten", "Also:", "Wire at eleven", "Wire at noon", "Own report", "Later report"]
    assert "3 reports" in " ".join(Page(html).text.split())


async def test_the_whole_story_has_the_report_that_is_kept_off_a_page(open_site: Open) -> None:
    newsroom = a_thread()
    newsroom.blocked[FIRST["id"]] = [BETWEEN["id"]]
    site = await open_site(newsroom)
    html = (await site.get(f"/articles/{FIRST['id']}", headers={"accept-language": "en"})).text
    assert timeline(html) == ["Wire at ten", "You are reading this", "Later report"]
    assert "The whole story: 3 reports" in " ".join(Page(html).text.split())


@pytest.mark.parametrize("trouble", ["down", "slow"])
async def test_without_related_nothing_is_folded_and_nothing_waits(open_site: Open, trouble: str) -> None:
    newsroom = a_newsroom()
    setattr(newsroom, trouble, {"related"})
    site = await open_site(newsroom, part_deadline="PT0.05S", page_deadline="PT0.1S")
    for address in ("/", "/themes/port-morrow", "/sources/tribune"):
        response = await site.get(address)
        assert response.status_code == 200
        assert "Also:" not in response.text
        assert THIRD["title"] in response.text
    home = (await site.get("/")).text
    assert headlines(Page(home), home) == ["Wire at noon", "Wire at eleven", "Own report", "Wire at ten"]


async def test_a_withdrawn_copy_is_named_nowhere_and_the_next_stands_for_a_withdrawn_first(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom)
    newsroom.articles.remove(SECOND)  # related has not heard of it yet
    for address in ("/", "/themes/port-morrow", f"/articles/{BETWEEN['id']}"):
        text = (await site.get(address)).text
        assert SECOND["id"] not in text
        assert "Also:" in text
    newsroom.articles.remove(FIRST)
    text = (await site.get("/")).text
    assert (FIRST["id"] in text, "Also:" in text, THIRD["title"] in text) == (False, False, True)


async def test_copies_are_written_as_they_stand_in_a_list(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom)
    newsroom.articles.remove(FIRST)
    newsroom.duplicate_of = {THIRD["id"]: SECOND["id"]}
    newsroom.views = {SECOND["id"]: 7}
    named = {"article": [SECOND["id"], THIRD["id"], BETWEEN["id"]], "lang": "en"}
    response = await site.get("/copies", params=named)
    page = Page(response.text)
    assert [has["data-article"] for has in page.all("article")] == [BETWEEN["id"], SECOND["id"]]
    assert "15 Jan 2026, 11:00 Ukrainian • 7 views Also: Wire at noon" in " ".join(page.text.split())
    assert page.all("a", href=f"/articles/{SECOND['id']}?lang=en")
    assert response.headers["cache-control"] == "no-cache"
    brief = Page((await site.get("/copies", params={**named, "in": "short-list"})).text)
    assert [has["data-article"] for has in brief.all("li")] == [BETWEEN["id"], SECOND["id"]]


async def test_of_copies_that_are_gone_nothing_is_written(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom)
    newsroom.articles.clear()
    response = await site.get("/copies", params={"article": FIRST["id"]})
    assert (response.status_code, response.text.strip()) == (200, "")
    assert (await site.get("/copies")).status_code == 400
    newsroom.down = {"feed"}
    assert (await site.get("/copies", params={"article": SECOND["id"]})).status_code == 503
