"""Services that are away or slow: what copies of their answers may show, and that nothing withdrawn comes back."""

import asyncio
import tracemalloc
from collections.abc import Iterable, Mapping
from datetime import timedelta
from time import perf_counter

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_web.confirming import UNCONFIRMED, confirmed_article
from news_web.copies import BESIDES, Copy, Question, copies_of
from news_web.getting import Answer
from news_web.peers import Part, Peers
from news_web.public_paths import Service
from tests.testbed.waiting import until
from tests.web.conftest import Open
from tests.web.ferry_newsroom import CABLE, SIMILAR, STORY, TRANSLATION, a_newsroom, path_of
from tests.web.newsroom import Newsroom, a_card, an_article
from tests.web.wellformed import Page

EVERYBODY = {"feed", "views", "related"}


def withdraw(newsroom: Newsroom, article: str) -> None:
    """Every service hears of it."""
    newsroom.articles = [one for one in newsroom.articles if one["id"] != article]
    newsroom.withdrawn[article] = {"reason": "an error of ours", "time": "2026-01-15T14:00:00Z"}


def get_gone(request: httpx.Request) -> httpx.Response:
    return httpx.Response(410, json={"status": 410, "reason": "an error of ours", "time": "2026-01-15T14:00:00Z"})


async def test_an_article_is_read_on_while_the_feed_is_away(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom)
    await site.get(path_of(STORY))
    newsroom.down = {"feed"}
    response = await site.get(path_of(STORY), headers={"accept-language": "en"})
    assert response.status_code == 200
    assert "Third." in response.text
    assert "could not be checked" in response.text
    assert "21,478" in response.text  # views is there
    assert Page(response.text).mistakes == []
    newsroom.down = set()
    assert "could not be checked" not in (await site.get(path_of(STORY), headers={"accept-language": "en"})).text


@pytest.mark.parametrize(
    ("witness", "path"), [("views", "/v1/articles/{}/views"), ("related", "/v1/articles/{}/links")]
)
async def test_a_withdrawn_article_does_not_come_back_out_of_a_copy(open_site: Open, witness: str, path: str) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom)
    await site.get(path_of(STORY))
    newsroom.down = {"feed"}
    newsroom.special[(witness, path.format(STORY["id"]))] = get_gone
    response = await site.get(path_of(STORY))
    assert response.status_code == 410
    assert "an error of ours" in response.text
    assert (await site.get(f"/v1/pages/{STORY['id']}")).status_code == 410


async def test_a_withdrawn_story_is_in_no_list_that_is_a_copy(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom)
    addresses = (path_of(STORY), "/", "/themes/port-morrow", "/sources/herald")
    for address in addresses:
        assert SIMILAR["title"] in (await site.get(address)).text
        assert CABLE["title"] in (await site.get(address)).text or address == "/themes/port-morrow"
    withdraw(newsroom, SIMILAR["id"])
    withdraw(newsroom, CABLE["id"])
    newsroom.down = {"related", "feed"}
    for address in addresses:
        response = await site.get(address)
        assert response.status_code == 200
        assert STORY["title"].split("<")[0] in response.text
        assert SIMILAR["title"] not in response.text
        assert CABLE["title"] not in response.text
    newsroom.down = {"related", "views"}
    html = (await site.get(path_of(STORY))).text
    assert SIMILAR["title"] not in html
    assert CABLE["title"] not in html


async def test_an_old_copy_is_no_answer(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom, stale="PT0S")
    await site.get(path_of(STORY))
    newsroom.down = {"feed"}
    assert (await site.get(path_of(STORY))).status_code == 503


async def test_old_counts_are_not_shown(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom)
    for address in (path_of(STORY), "/"):
        assert "21,478" in (await site.get(address, headers={"accept-language": "en"})).text
    newsroom.down = {"views"}
    for address in (path_of(STORY), "/"):
        assert "21,478" not in (await site.get(address, headers={"accept-language": "en"})).text


async def test_a_service_that_is_silent_costs_a_page_its_limit_once(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom)
    await site.get(path_of(STORY))
    newsroom.slow = set(EVERYBODY)
    begun = perf_counter()
    response = await site.get(path_of(STORY))
    assert response.status_code == 200
    assert 0.25 <= perf_counter() - begun < 0.7  # 500 ms, and what a busy machine takes


async def test_with_everything_away_there_is_a_page_that_says_so(open_site: Open) -> None:
    newsroom = a_newsroom()
    newsroom.down = set(EVERYBODY)
    site = await open_site(newsroom)
    for address in (path_of(STORY), "/", f"/stories/{STORY['id']}"):
        response = await site.get(address)
        assert response.status_code == 503
        assert Page(response.text).mistakes == []


async def test_what_was_just_answered_is_not_asked_again_but_for_the_article(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom, cards="PT1H")
    for _ in range(2):
        assert (await site.get(path_of(STORY))).status_code == 200
    asked = [request.url.path for request in newsroom.asked]
    assert asked.count(f"/v1{path_of(STORY)}") == 2
    assert asked.count(f"/v1{path_of(STORY)}/links") == 1
    withdraw(newsroom, STORY["id"])
    assert (await site.get(path_of(STORY))).status_code == 410


async def test_lists_may_be_seconds_old_but_nothing_withdrawn_is_in_them(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom, cards="PT1H")
    await site.get(path_of(STORY))
    newsroom.backlinks[STORY["id"]] = []
    newsroom.related[STORY["id"]] = []
    assert SIMILAR["title"] in (await site.get(path_of(STORY))).text  # what links here is not asked for again
    withdraw(newsroom, SIMILAR["id"])

    async def is_without() -> bool:
        return SIMILAR["title"] not in (await site.get(path_of(STORY))).text

    await until(is_without, "what was withdrawn to go", seconds=1)
    assert [request.url.path for request in newsroom.asked].count(f"/v1{path_of(STORY)}/links") == 1


async def test_what_editors_choose_is_there_for_the_first_reader_a_second_later(
    open_site: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom, cards="PT1H", fresh="PT0.2S")
    await site.get(path_of(STORY))
    newsroom.related[STORY["id"]] = [{**a_card(CABLE), "reason": {"kind": "pinned", "text": "read this first"}}]
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr("news_web.peers._now", lambda: now + 1)
    assert "read this first" in (await site.get(path_of(STORY))).text


VIA = an_article("ferry-ar", language="ar", title="Ferries in Arabic")
COPY = an_article("wire-copy", title="The wire text elsewhere")


def a_newsroom_that_names() -> Newsroom:
    """What belongs to a story names two others, which have no place of their own on its page."""
    newsroom = a_newsroom()
    newsroom.articles += [{**VIA, "tags": []}, {**COPY, "tags": []}]
    said = {"via": VIA["title"], "via_article": VIA["id"]}
    same = {"kind": "same_story", "text": f"both link to “{VIA['title']}”", **said}
    backlink = {"kind": "backlink", "text": f"links to “{VIA['title']}”, a translation of this article", **said}
    newsroom.related[STORY["id"]] = [
        {**a_card(SIMILAR), "reason": same, "duplicates": [a_card(COPY)]},
        {**a_card(CABLE), "reason": {**backlink, "paragraph": 0}, "duplicates": []},
    ]
    newsroom.stories[STORY["id"]] = [a_card(VIA), a_card(STORY), a_card(TRANSLATION)]
    return newsroom


@pytest.mark.parametrize("away", [set(), {"related"}, {"related", "views"}])
async def test_what_is_withdrawn_is_not_named_either(
    open_site: Open, monkeypatch: pytest.MonkeyPatch, away: set[str]
) -> None:
    newsroom = a_newsroom_that_names()
    answer = httpx.Response(200, json={"items": newsroom.related[STORY["id"]]})
    newsroom.special[("related", f"/v1{path_of(STORY)}/related")] = lambda request: answer
    site = await open_site(newsroom, cards="PT1H", fresh="PT0.5S")
    addresses = (path_of(STORY), f"/v1/pages/{STORY['id']}")
    for address in addresses:
        text = (await site.get(address)).text
        assert all(gone in text for gone in (VIA["title"], VIA["id"]))
    assert COPY["id"] in text
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr("news_web.peers._now", lambda: now + 25)
    withdraw(newsroom, VIA["id"])
    withdraw(newsroom, COPY["id"])
    newsroom.down = away
    newsroom.stories[STORY["id"]] = [a_card(STORY), a_card(TRANSLATION)]
    newsroom.related[STORY["id"]] = [{**a_card(SIMILAR), "reason": {"kind": "similar", "text": "about it"}}]
    del newsroom.special[("related", f"/v1{path_of(STORY)}/related")]
    for address in addresses:
        response = await site.get(address)
        assert response.status_code == 200
        assert SIMILAR["title"] in response.text
        for gone in (VIA, COPY):
            assert gone["id"] not in response.text
            assert gone["title"] not in response.text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["another report of the same story", "links to a translation of this article"]),
        ("uk", ["інше повідомлення про ту саму подію", "посилається на переклад цієї статті"]),
    ],
)
async def test_a_reason_that_named_what_is_withdrawn_goes_on_without(
    open_site: Open, language: str, words: list[str]
) -> None:
    newsroom = a_newsroom_that_names()
    site = await open_site(newsroom)
    before = (await site.get(f"/v1/pages/{STORY['id']}?lang={language}")).json()
    withdraw(newsroom, VIA["id"])
    newsroom.down = {"related"}
    after = (await site.get(f"/v1/pages/{STORY['id']}?lang={language}")).json()
    same, backlink = words
    assert VIA["title"] in str(before["related"])
    assert [item["reason"] for item in after["related"]["items"]] == [
        {"kind": "same_story", "text": same},
        {"kind": "backlink", "text": backlink, "paragraph": 0},
    ]
    assert [copy["article"] for copy in after["related"]["items"][0]["duplicates"]] == [COPY["id"]]
    assert (before["story"]["id"], after["story"]["id"]) == (VIA["id"], STORY["id"])


async def test_a_headline_in_a_reason_without_its_id_is_not_shown_out_of_a_copy(open_site: Open) -> None:
    newsroom = a_newsroom_that_names()
    for item in newsroom.related[STORY["id"]]:
        del item["reason"]["via_article"]
    newsroom.stories = {}
    site = await open_site(newsroom)
    assert VIA["title"] in (await site.get(path_of(STORY))).text
    newsroom.down = {"related"}
    assert VIA["title"] not in (await site.get(path_of(STORY))).text


async def test_the_longest_lists_are_looked_up_to_their_end(open_site: Open) -> None:
    newsroom = a_newsroom()
    many = [an_article(f"many-{n}", title=f"One of many {n}", tags=[]) for n in range(300)]
    newsroom.articles += many
    cards = [a_card(one) for one in many]
    newsroom.links[STORY["id"]] = [{"paragraph": 0, "text": "x", "url": c["url"], "card": c} for c in cards[:100]]
    newsroom.backlinks[STORY["id"]] = cards[100:200]
    newsroom.stories[STORY["id"]] = [*cards[200:], a_card(STORY)]
    site = await open_site(newsroom)
    await site.get(path_of(STORY))
    newsroom.down = {"related"}
    assert SIMILAR["title"] in str((await site.get(f"/v1/pages/{STORY['id']}")).json()["related"])


async def test_a_copy_is_asked_for_by_its_etag(open_site: Open) -> None:
    newsroom = a_newsroom()

    def conditional(request: httpx.Request) -> httpx.Response:
        if request.headers.get("if-none-match") == 'W/"1"':
            return httpx.Response(304, headers={"etag": 'W/"1"'})
        return httpx.Response(200, json=STORY, headers={"etag": 'W/"1"'})

    newsroom.special[("feed", f"/v1{path_of(STORY)}")] = conditional
    site = await open_site(newsroom)
    for _ in range(3):
        assert "Third." in (await site.get(path_of(STORY))).text
    known = [r.headers.get("if-none-match") for r in newsroom.asked if r.url.path == f"/v1{path_of(STORY)}"]
    assert known == [None, 'W/"1"', 'W/"1"']


OLD = Part("stale", {"id": "x"}, age=UNCONFIRMED + timedelta(seconds=1))
RECENT = Part("stale", {"id": "x"}, age=UNCONFIRMED)


@pytest.mark.parametrize(
    ("article", "witnesses", "status"),
    [
        (Part("ok"), ["gone"], "ok"),  # the feed knows best
        (OLD, ["ok", "gone"], "gone"),
        (OLD, ["unavailable", "ok"], "stale"),
        (OLD, ["unavailable", "stale", "missing"], "unavailable"),
        (RECENT, ["unavailable", "stale"], "stale"),
        (RECENT, ["gone"], "gone"),
        (Part("unavailable"), ["ok"], "unavailable"),
    ],
)
def test_a_copy_of_an_article_needs_somebody_to_vouch_for_it(
    article: Part, witnesses: Iterable[str], status: str
) -> None:
    assert confirmed_article(article, [Part(each) for each in witnesses]).status == status  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 120)), max_size=60))
def test_copies_stay_within_their_bytes_and_the_last_used_stay(kept: list[tuple[int, int]]) -> None:
    copies = copies_of(16 * (BESIDES + 100))
    model: dict[int, int] = {}  # in order of use
    for name, size in kept:
        question = Question(Service.FEED, str(name), None)
        copies.keep(question, Copy({}, None, 0.0, size))
        model.pop(name, None)
        if size <= 100:
            model[name] = size
        while sum(each + BESIDES for each in model.values()) > 16 * (BESIDES + 100):
            model.pop(next(iter(model)))
        found = copies.find(question)
        assert (found.size if found else None) == model.get(name)
    assert {name for name in range(21) if copies.find(Question(Service.FEED, str(name), None))} == set(model)


async def test_small_answers_to_many_questions_stay_within_the_bytes_too() -> None:
    async def get(url: str, headers: Mapping[str, str]) -> Answer:
        return Answer(200, None, b'{"items": [], "as_of": "2026-01-15T12:03:09.123Z"}')

    copies = copies_of(100_000)
    async with httpx.AsyncClient() as client:
        peers = Peers(
            client,
            {Service.FEED: "http://feed"},
            get=get,
            connect=httpx.AsyncHTTPTransport,
            opened_within=timedelta(seconds=5),
            copies=copies,
            stale=timedelta(minutes=1),
        )
        tracemalloc.start()
        for number in range(1000):
            await peers.ask(Service.FEED, f"/v1/themes/{number:0200}", within=timedelta(seconds=5))
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert copies.find(Question(Service.FEED, f"/v1/themes/{999:0200}", None)) is not None
    assert taken < 150_000  # a tenth of what a thousand take
