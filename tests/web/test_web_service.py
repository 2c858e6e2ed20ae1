"""Pages of the web service in front of services played by a transport."""

import re
from functools import partial

import httpx
import pytest

from news_shared.themes import theme_slug
from tests.web.conftest import Open
from tests.web.ferry_newsroom import CABLE, STORY, WITHDRAWN, a_newsroom, given, path_of
from tests.web.newsroom import Newsroom, a_card, an_article
from tests.web.wellformed import Page


async def test_an_article_page_says_everything_in_order(open_site: Open) -> None:
    site = await open_site(a_newsroom())
    response = await site.get(path_of(STORY), headers={"accept-language": "uk"})
    page = Page(response.text)
    assert response.status_code == 200
    assert page.mistakes == []
    text = " ".join(page.text.split())
    order = [
        "Night ferries return <to> Port Morrow & beyond",
        "15 січня 2026",
        "• 21 478 переглядів",
        "Summary of ferry.",
        "First.",
        "As we reported.",
        "Читайте також",
        "Кабель на Аусель",
        "Third.",
        "Harbour office",
        "Ada Quill, Ben Ink",
        "The ferry leaves at nine.",
        "Іншими мовами",
        "Нічні пороми повертаються",
        "Пов’язані новини",
        "A harbour awakes",
        "українською: similar",
        "Новини за темою",
    ]
    head = text.index("Головна")
    places = [text.index(part, head) for part in order]
    assert places == sorted(places)
    assert "21\u00a0478" in page.text


async def test_languages_are_marked_where_they_change(open_site: Open) -> None:
    site = await open_site(a_newsroom())
    page = Page((await site.get(path_of(STORY), headers={"accept-language": "uk"})).text)
    assert page.all("html")[0]["lang"] == "uk"
    assert page.all("article")[0]["lang"] == "en"
    assert page.all("a", href=path_of(CABLE), lang="uk")
    assert "англійська" in page.text
    english = Page((await site.get(path_of(STORY) + "?lang=en", headers={"accept-language": "uk"})).text)
    assert english.all("html")[0]["lang"] == "en"
    assert "21,478 views" in " ".join(english.text.split())
    assert "both about Port Morrow" in english.text
    assert english.all("a", href=path_of(CABLE) + "?lang=en")
    assert "Ukrainian" in english.text


async def test_reasons_are_in_the_language_of_the_page(open_site: Open) -> None:
    newsroom = a_newsroom()
    newsroom.related[CABLE["id"]] = newsroom.related[STORY["id"]]
    site = await open_site(newsroom)
    assert "both about Port Morrow" in (await site.get(path_of(STORY))).text
    assert "українською: similar" in (await site.get(path_of(STORY) + "?lang=uk")).text
    assert "про подібне" in (await site.get(path_of(CABLE))).text  # only the article said that it is Ukrainian


async def test_the_interface_follows_the_article_when_nobody_says_otherwise(open_site: Open) -> None:
    site = await open_site(a_newsroom())
    assert Page((await site.get(path_of(CABLE))).text).all("html")[0]["lang"] == "uk"
    assert Page((await site.get(path_of(STORY))).text).all("html")[0]["lang"] == "en"


async def test_links_of_the_body_to_our_stories_stay_here(open_site: Open) -> None:
    html = (await (await open_site(a_newsroom())).get(path_of(STORY))).text
    assert f'As <a href="{path_of(CABLE)}"' in html


ADDRESSES = (
    "/",
    "/?language=uk",
    "/themes",
    "/themes/port-morrow",
    "/themes/PORT%20Morrow",
    "/nothing",
    "/articles/x:y",
)


@pytest.mark.parametrize("address", [*ADDRESSES, path_of(STORY)])
async def test_every_page_is_well_formed_and_asks_nobody_else_for_anything(open_site: Open, address: str) -> None:
    response = await (await open_site(a_newsroom())).get(address, follow_redirects=True)
    page = Page(response.text)
    assert page.mistakes == []
    assert response.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    assert response.headers["cache-control"] == "no-cache"
    assert "Accept-Language" in response.headers["vary"]
    run = [has for has in page.all("script") if has.get("type") != "application/ld+json"]
    assert all(str(has.get("src")).startswith(("/v1/", "/static/")) for has in run)
    assert all(str(has["href"]).startswith("/static/") for has in page.all("link", rel="stylesheet"))
    assert page.all("link", rel="stylesheet")
    assert not re.search(r'<script(?![^>]*\b(src=|type="application/ld\+json"))', response.text)


async def test_lists_go_on_page_by_page_in_the_chosen_language(open_site: Open) -> None:
    newsroom = a_newsroom()
    themes = httpx.Response(200, json={"items": [{"slug": "a", "name": "A", "articles": 1}], "next": "c/1"})
    newsroom.special[("related", "/v1/themes")] = partial(given, themes)
    listed = httpx.Response(200, json={"items": [STORY], "next": "c/2"})
    newsroom.special[("feed", "/v1/articles")] = partial(given, listed)
    site = await open_site(newsroom)
    for address, onward in (
        ("/themes?lang=uk", "/themes?cursor=c%2F1&lang=uk"),
        ("/?language=en", "/?language=en&cursor=c%2F2"),
        ("/themes/port-morrow?cursor=x", "/themes/port-morrow?cursor=c%2F2"),
    ):
        page = Page((await site.get(address)).text)
        assert page.mistakes == []
        assert page.all("a", rel="next", href=onward)


async def test_assets_are_kept_for_ever_and_only_under_their_own_address(open_site: Open) -> None:
    site = await open_site(a_newsroom())
    page = Page((await site.get("/")).text)
    for address in (page.all("link", rel="icon")[0]["href"], page.all("link", rel="stylesheet")[0]["href"]):
        assert address is not None
        response = await site.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
    assert (await site.get("/static/0000/newsfeed.css")).status_code == 404


@pytest.mark.parametrize(
    "place", ["related", "a translation", "original", "story", "its first report", "backlinks", "card", "theme", "copy"]
)
async def test_what_editors_keep_off_a_page_has_no_place_on_it(open_site: Open, place: str) -> None:
    newsroom = a_newsroom()
    blocked = an_article("kept-off", title="Kept off", language="uk", tags=["Port Morrow"] if place == "theme" else [])
    card = a_card(blocked)
    newsroom.articles.append(blocked)
    match place:
        case "related" | "a translation":
            kind = "translation" if place == "a translation" else "similar"
            newsroom.related[STORY["id"]].append({**card, "reason": {"kind": kind, "text": "as it was"}})
        case "original":
            newsroom.articles[0]["translation_of"] = blocked["url"]
        case "story":
            newsroom.stories[STORY["id"]] = [a_card(STORY), card]
        case "its first report":
            newsroom.stories[STORY["id"]] = [card, a_card(STORY), a_card(CABLE)]
        case "backlinks":
            newsroom.backlinks[STORY["id"]].append(card)
        case "card":
            newsroom.links[STORY["id"]][0]["card"] = card
        case "copy":
            newsroom.related[STORY["id"]][1]["duplicates"] = [card]
    site = await open_site(newsroom)
    for blocks in ([], [blocked["id"]]):
        newsroom.blocked[STORY["id"]] = blocks
        text = (await site.get(path_of(STORY))).text
        parts = {**(await site.get(f"/v1/pages/{STORY['id']}")).json(), "article": None}
        assert (blocked["id"] in text) is (place != "copy" and not blocks)
        assert (blocked["id"] in str(parts)) is (place != "original" and not blocks)
    assert newsroom.articles[-1]["title"] in (await site.get(path_of(blocked))).text  # but on its own


@pytest.mark.parametrize("said", ["ferry", STORY["url"]])
async def test_an_article_is_no_translation_of_itself(open_site: Open, said: str) -> None:
    newsroom = a_newsroom()
    newsroom.articles[0]["translation_of"] = said
    newsroom.related.clear()
    html = (await (await open_site(newsroom)).get(path_of(STORY))).text
    assert Page(html).mistakes == []
    assert 'id="translations"' not in html
    assert "hreflang" not in html[: html.index("</head>")]


async def test_a_part_whose_service_is_down_is_left_out_and_nothing_false_is_shown(open_site: Open) -> None:
    newsroom = a_newsroom()
    newsroom.down = {"views", "related"}
    page = Page((await (await open_site(newsroom)).get(path_of(STORY), headers={"accept-language": "en"})).text)
    assert page.mistakes == []
    box = page.all("news-views", article=STORY["id"])
    assert box
    assert "views" not in box[0]
    assert not re.search(r"\d\s*views", page.text)
    assert not re.search(r"\b0\b", page.text)
    assert "Related stories cannot be shown at the moment." in page.text
    assert "News by theme" in page.text  # the feed knows them


async def test_an_unknown_count_is_no_zero(open_site: Open) -> None:
    for answer in (
        httpx.Response(503, json={}),
        httpx.Response(200, text="?"),
        httpx.Response(200, json={"views": None}),
    ):
        newsroom = a_newsroom()
        newsroom.special[("views", f"/v1/articles/{STORY['id']}/views")] = partial(given, answer)
        page = Page((await (await open_site(newsroom)).get(path_of(STORY))).text)
        assert not re.search(r"\d\s*views", page.text)


async def test_a_slow_part_is_not_waited_for(open_site: Open) -> None:
    newsroom = a_newsroom()
    newsroom.slow = {"related"}
    site = await open_site(newsroom, part_deadline="PT0.05S")
    response = await site.get(path_of(STORY), headers={"accept-language": "en"})
    assert response.status_code == 200
    assert "Related stories cannot be shown" in response.text
    assert "21,478" in response.text


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/articles/herald:unheard-of", 404, "There is nothing here"),
        ("/articles/no%20id", 404, "There is nothing here"),
        ("/themes/unheard-of", 404, "There is nothing here"),
        ("/themes/!!", 404, "There is nothing here"),
        (f"/articles/{WITHDRAWN}", 410, "an error of ours"),
        ("/nowhere/at/all", 404, "Go to the front page"),
    ],
)
async def test_what_is_not_there_is_said_kindly(open_site: Open, address: str, status: int, words: str) -> None:
    response = await (await open_site(a_newsroom())).get(address, follow_redirects=True)
    assert response.status_code == status
    assert words in response.text
    assert Page(response.text).mistakes == []


@pytest.mark.parametrize("path", ["//evil.example/x", "///evil.example/x"])
async def test_no_link_of_a_page_of_trouble_leads_to_another_site(open_site: Open, path: str) -> None:
    response = await (await open_site(a_newsroom())).get(f"http://web{path}")
    page = Page(response.text)
    assert response.status_code == 404
    assert page.all("a", href="/evil.example/x?lang=uk", hreflang="uk")
    assert "//evil.example" not in response.text


async def test_the_masthead_has_one_date(open_site: Open) -> None:
    site = await open_site(a_newsroom(), time_zone="Pacific/Pago_Pago")  # where it is still yesterday
    page = Page((await site.get("/?lang=en")).text)
    assert page.all("time", datetime="2026-01-15")
    assert "Thursday 15 January 2026" in page.text.replace(",", "")


async def test_pages_without_the_feed_say_to_try_again(open_site: Open) -> None:
    newsroom = a_newsroom()
    newsroom.down = {"feed"}
    site = await open_site(newsroom)
    for address in ("/", path_of(STORY), "/themes/port-morrow"):
        response = await site.get(address)
        assert response.status_code == 503
        assert response.headers["retry-after"]
        assert "Try again" in response.text
        assert Page(response.text).mistakes == []


async def test_a_guid_leads_to_the_page_of_its_article(open_site: Open) -> None:
    response = await (await open_site(a_newsroom())).get("/articles/herald:ferry?lang=uk")
    assert (response.status_code, response.headers["location"]) == (307, path_of(STORY) + "?lang=uk")


async def test_an_unchanged_page_is_304(open_site: Open) -> None:
    newsroom = a_newsroom()
    site = await open_site(newsroom)
    first = await site.get(path_of(STORY))
    known = {"if-none-match": first.headers["etag"]}
    assert (await site.get(path_of(STORY), headers=known)).status_code == 304
    newsroom.views[STORY["id"]] += 1
    assert (await site.get(path_of(STORY), headers=known)).status_code == 200


async def test_a_tag_without_an_address_is_no_theme(open_site: Open) -> None:
    newsroom = a_newsroom()
    flagged = an_article("flagged", tags=["🇺🇦", "—", "Port Morrow", "Transport & trade", "!", "Elections"])
    newsroom.articles.append(flagged)

    def strict(request: httpx.Request) -> httpx.Response:
        is_refused = not theme_slug(request.url.params.get("theme", "any"))
        return httpx.Response(422, json={"status": 422}) if is_refused else newsroom._feed(request)

    newsroom.special[("feed", "/v1/articles")] = strict
    site = await open_site(newsroom)
    for address in ("/", path_of(flagged)):
        page = Page((await site.get(address)).text)
        assert page.mistakes == []
        assert not page.all("a", href="/themes/")
    assert page.all("a", href="/themes/elections")
    themes = (await site.get(f"/v1/pages/{flagged['id']}")).json()["themes"]
    assert themes["status"] == "ok"
    assert [theme["slug"] for theme in themes["items"]] == ["port-morrow", "transport-trade"]


async def test_hostile_text_stays_text(open_site: Open) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    article = an_article(
        "evil",
        title=evil,
        summary=evil,
        content_html=f"<p>{evil}</p>",
        tags=[evil],
        authors=[{"name": evil, "url": "javascript:alert(1)"}],
        url="javascript:alert(1)",
        image="javascript:alert(1)",
        language='en" onclick="alert(1)',
    )
    newsroom = Newsroom([article], links={article["id"]: [{"paragraph": 0, "url": evil, "text": evil, "card": None}]})
    site = await open_site(newsroom)
    for address in (path_of(article), "/", "/themes"):
        page = Page((await site.get(address)).text)
        scripts = {has.get("src", has.get("type")) for has in page.all("script")}
        ours = {"/v1/read.js", "/v1/components.js", "application/ld+json"}
        assert all(str(script).startswith("/static/") for script in scripts - ours)
        assert [has for _, has in page.tags if any(name.startswith("on") for name in has)] == []
        assert [has for _, has in page.tags if "javascript:" in f"{has.get('href')}{has.get('src')}"] == []
