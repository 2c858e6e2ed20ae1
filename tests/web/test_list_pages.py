"""Pages of lists beyond the newest: what was read most, what rises, one source, a story in order of time."""

from typing import Any

import httpx
import pytest

from tests.web.conftest import Open
from tests.web.newsroom import Newsroom, a_card, an_article
from tests.web.wellformed import Page

EARLIER = an_article("fire", title="Fire in the harbour", date_published="2026-01-13T08:00:00Z")
LATER = an_article("ship", title="The first ship leaves", date_published="2026-01-15T09:30:00Z")
UKRAINIAN = an_article("fire-uk", language="uk", title="Пожежа в порту", date_published="2026-01-13T09:00:00Z")
UNRELATED = an_article("bells", title="Who owns the bells", date_published="2026-01-14T09:00:00Z", tags=["Heritage"])
TOLD = [a_card(one) for one in (EARLIER, UKRAINIAN, LATER)]


def a_newsroom() -> Newsroom:
    articles = [EARLIER, LATER, UKRAINIAN, UNRELATED]
    return Newsroom(
        articles,
        views={EARLIER["id"]: 7, LATER["id"]: 1},
        ranking=[UNRELATED["id"], EARLIER["id"], LATER["id"]],
        stories={one["id"]: TOLD for one in (EARLIER, LATER, UKRAINIAN)},
    )


def titles(page: str, of: str) -> list[str]:
    """Headlines in the order in which they stand after a heading."""
    text = page[page.index(of) :]
    places = {text.find(f">{one['title']}<"): str(one["title"]) for one in a_newsroom().articles}
    return [places[place] for place in sorted(places) if place >= 0]


async def test_the_front_page_says_what_is_read_and_what_rises(open_site: Open) -> None:
    newsroom = a_newsroom()
    newsroom.ranking = [f"{n:08d}-0000-4000-8000-000000000000" for n in range(4)] + newsroom.ranking
    html = (await (await open_site(newsroom)).get("/")).text
    assert Page(html).mistakes == []
    assert titles(html, 'id="most-read"')[:3] == [UNRELATED["title"], EARLIER["title"], LATER["title"]]
    assert "86 views" in " ".join(Page(html).text.split())  # of the fifth, the first that is still there
    assert 'id="rising"' not in html  # it would say the same again


async def test_the_front_page_names_the_rising_that_are_not_most_read(open_site: Open) -> None:
    newsroom = a_newsroom()
    rising = httpx.Response(200, json={"items": [{"article": UKRAINIAN["id"], "score": 3.2}], "window": "1h"})
    newsroom.special[("views", "/v1/trending")] = lambda request: rising
    html = (await (await open_site(newsroom)).get("/")).text
    assert titles(html, 'id="rising"')[0] == UKRAINIAN["title"]


async def test_rankings_are_left_out_of_a_front_page_without_views(open_site: Open) -> None:
    newsroom = a_newsroom()
    newsroom.down = {"views"}
    response = await (await open_site(newsroom)).get("/")
    assert response.status_code == 200
    assert "most-read" not in {has.get("id") for _, has in Page(response.text).tags}
    assert LATER["title"] in response.text


async def test_older_pages_of_the_front_page_are_lists_only(open_site: Open) -> None:
    newsroom = a_newsroom()
    html = (await (await open_site(newsroom)).get("/?cursor=x")).text
    assert 'id="most-read"' not in html
    assert 'id="by-theme"' not in html


@pytest.mark.parametrize(("address", "window"), [("/most-read", "24h"), ("/most-read?window=7d&language=en", "7d")])
async def test_what_was_read_most_is_listed_by_window(open_site: Open, address: str, window: str) -> None:
    newsroom = a_newsroom()
    response = await (await open_site(newsroom)).get(address, headers={"accept-language": "uk"})
    page = Page(response.text)
    assert page.mistakes == []
    assert titles(response.text, "<ol")[:2] == [UNRELATED["title"], EARLIER["title"]]
    assert "90 переглядів" in " ".join(page.text.split())
    [asked] = [request for request in newsroom.asked if request.url.path == "/v1/most-read"]
    assert asked.url.params["window"] == window
    assert page.all("a", **{"aria-current": "true", "href": f"/most-read?window={window}"}) or "language" in address


async def test_an_empty_ranking_one_that_is_away_and_a_wrong_window_say_so(open_site: Open) -> None:
    newsroom = Newsroom([])
    site = await open_site(newsroom)
    assert "Nobody has read anything" in (await site.get("/most-read")).text
    assert (await site.get("/most-read?window=2h")).status_code == 400
    newsroom.down = {"views"}
    response = await (await open_site(newsroom)).get("/most-read")
    assert response.status_code == 200
    assert "cannot be shown at the moment" in response.text


async def test_a_withdrawn_story_is_in_no_ranking(open_site: Open) -> None:
    newsroom = a_newsroom()
    newsroom.articles.remove(UNRELATED)  # views has not heard of it yet
    site = await open_site(newsroom)
    for address in ("/", "/most-read"):
        assert UNRELATED["title"] not in (await site.get(address)).text


async def test_a_source_has_its_page(open_site: Open) -> None:
    newsroom = a_newsroom()
    newsroom.articles = [*newsroom.articles, an_article("x", source="tribune", title="Of another source")]
    site = await open_site(newsroom)
    page = Page((await site.get("/sources/herald")).text)
    assert page.mistakes == []
    assert "herald" in page.text
    assert "Of another source" not in page.text
    assert page.all("link", rel="alternate", href="/feed.rss?source=herald")
    assert (await site.get("/sources/unheard-of")).status_code == 404
    article = Page((await site.get(f"/articles/{LATER['id']}")).text)
    assert article.all("a", href="/sources/herald")


async def test_a_story_is_told_day_by_day_from_its_beginning(open_site: Open) -> None:
    site = await open_site(a_newsroom())
    response = await site.get(f"/stories/{EARLIER['id']}", headers={"accept-language": "uk"})
    page = Page(response.text)
    assert page.mistakes == []
    text = " ".join(page.text.split())
    order = [
        "3 повідомлення",
        "Fire in",
        "13 січня",
        "Fire in",
        "7 переглядів",
        "Пожежа",
        "15 січня",
        "The first ship",
        "1 перегляд",
    ]
    place = text.index("Усі теми")
    for part in order:
        place = text.index(part, place + 1)
    assert page.all("a", lang="en", href=f"/articles/{LATER['id']}")


async def test_a_story_is_found_by_any_of_its_articles(open_site: Open) -> None:
    site = await open_site(a_newsroom())
    moved = await site.get(f"/stories/{LATER['id']}?lang=uk")
    assert (moved.status_code, moved.headers["location"]) == (307, f"/stories/{EARLIER['id']}?lang=uk")
    assert (await site.get("/stories/herald:none")).status_code == 404


@pytest.mark.parametrize("guid", ["a%2520b", "https:/s.example/%25D0%25BD", "%3F%23"])
async def test_a_guid_is_passed_on_as_it_is(open_site: Open, guid: str) -> None:
    newsroom = a_newsroom()
    await (await open_site(newsroom)).get(f"/stories/herald:{guid}")
    assert newsroom.asked[-1].url.raw_path == f"/v1/stories/herald:{guid}".encode()


async def test_an_article_shows_the_story_around_it(open_site: Open) -> None:
    newsroom = a_newsroom()
    similar = {**a_card(EARLIER), "reason": {"kind": "same_story", "text": "earlier report of the same story"}}
    newsroom.related[LATER["id"]] = [similar]
    site = await open_site(newsroom)
    html = (await site.get(f"/articles/{LATER['id']}")).text
    page = Page(html)
    assert page.mistakes == []
    assert titles(html, 'id="so-far"')[:2] == [EARLIER["title"], UKRAINIAN["title"]]
    assert page.all("li", **{"aria-current": "true"})
    assert page.all("a", href=f"/stories/{EARLIER['id']}")
    assert 'id="related"' not in html  # what the story shows is not repeated
    assert 'id="so-far"' not in (await site.get(f"/articles/{UNRELATED['id']}")).text


async def test_only_the_nearest_reports_stand_on_the_article(open_site: Open) -> None:
    told: list[dict[str, Any]] = [
        an_article(f"day-{n:02d}", title=f"Report {n:02d}", date_published=f"2026-01-{n:02d}T08:00:00Z")
        for n in range(1, 13)
    ]
    newsroom = Newsroom(told, stories={one["id"]: [a_card(each) for each in told] for one in told})
    text = Page((await (await open_site(newsroom)).get(f"/articles/{told[6]['id']}")).text).text
    text = text[text.index("The story so far") : text.index("The whole story")]
    assert [n for n in range(1, 13) if f"Report {n:02d}" in text] == [3, 4, 5, 6, 7, 8, 9]


async def test_a_reader_may_stay_uncounted(open_site: Open) -> None:
    site = await open_site(a_newsroom())
    address = f"/articles/{LATER['id']}"
    assert Page((await site.get(address)).text).all("script", src="/v1/read.js")
    said = await site.post("/counting?lang=uk")
    assert (said.status_code, said.headers["location"]) == (303, "/counting?lang=uk")
    assert "HttpOnly" in said.headers["set-cookie"]
    page = await site.get(address)
    assert not Page(page.text).all("script", src="/v1/read.js")
    assert "pixel.gif" not in page.text
    assert "Cookie" in page.headers["vary"]
    assert "Your views are not counted." in (await site.get("/counting")).text
    await site.post("/counting", data={"count": "yes"})
    assert Page((await site.get(address)).text).all("script", src="/v1/read.js")


@pytest.mark.parametrize(
    ("forms", "is_counted"),
    [
        ([{"count": "no"}, {"count": "no"}], False),  # a second click is no other wish
        ([{"count": "no"}, {"count": "yes"}, {"count": "yes"}], True),
        ([{}], False),  # pages that were opened before have forms that say nothing
        ([{}, {}], True),
        ([{"count": "no"}, {"count": "x" * 2000}], True),
    ],
)
async def test_a_wish_is_what_the_button_says(open_site: Open, forms: list[dict[str, str]], is_counted: bool) -> None:
    site = await open_site(a_newsroom())
    for form in forms:
        await site.post("/counting", data=form)
    page = Page((await site.get("/counting")).text)
    assert ("Your views are counted." in page.text) is is_counted
    assert page.all("button", name="count", value="no" if is_counted else "yes")


@pytest.mark.parametrize(
    ("public", "asked", "is_secure"),
    [
        (None, "http://web", False),
        (None, "https://web", True),
        ("https://news.example", "http://web", True),  # as behind a proxy
        ("http://news.example", "http://web", False),
    ],
)
async def test_the_wish_goes_over_tls_alone_where_there_is_tls(
    open_site: Open, public: str | None, asked: str, is_secure: bool
) -> None:
    site = await open_site(a_newsroom(), public_url=public)
    said = await site.post(f"{asked}/counting", data={"count": "no"})
    assert ("Secure" in said.headers["set-cookie"]) is is_secure


@pytest.mark.parametrize("signal", ["sec-gpc", "dnt"])
async def test_a_browser_that_asks_for_privacy_need_not_ask_again(open_site: Open, signal: str) -> None:
    html = (await (await open_site(a_newsroom())).get("/counting", headers={signal: "1"})).text
    assert Page(html).mistakes == []
    assert "we do as it asks" in html
    assert "<form" not in html
