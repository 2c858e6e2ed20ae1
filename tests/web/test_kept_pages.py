"""An article's page is written once as long as nothing of it changes; and again for every change."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from news_shared.http import etag_json
from news_web.rendering import Pen
from tests.web.conftest import Open
from tests.web.ferry_newsroom import CABLE, SIMILAR, STORY, TRANSLATION, a_newsroom, path_of
from tests.web.newsroom import Newsroom, a_card, an_article

EARLIER = an_article("earlier", title="The first report", tags=[])


class Tagged(Newsroom):
    """A newsroom whose answers have ETags, as those of the services do."""

    def _answer(self, request: httpx.Request) -> httpx.Response:
        answered = super()._answer(request)
        if answered.status_code == 200 and "json" in answered.headers["content-type"]:
            asking: Any = type("Asking", (), {"headers": {}})()
            answered.headers["etag"] = etag_json(asking, answered.json()).headers["etag"]
        return answered


@pytest.fixture
def newsroom() -> Tagged:
    return Tagged(**vars(a_newsroom()))


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that were filled in for articles."""
    templates: list[str] = []
    write = Pen._html

    def noting(self: Pen, request: Any, template: str, interface: Any, content: Any) -> str:
        templates.append(template)
        return write(self, request, template, interface, content)

    monkeypatch.setattr(Pen, "_html", noting)
    return templates


async def test_the_count_alone_does_not_make_it_another_page(
    open_site: Open, newsroom: Tagged, written: list[str]
) -> None:
    site = await open_site(newsroom)
    first = await site.get(path_of(STORY))
    newsroom.views[STORY["id"]] = 30000
    second = await site.get(path_of(STORY))
    newsroom.down = {"views"}
    third = await site.get(path_of(STORY))
    assert len(written) == 1
    assert 'views="21478">21,478 views</news-views>' in first.text
    assert second.text == first.text.replace('"21478"', '"30000"').replace("21,478", "30,000")
    assert ">&nbsp;</news-views>" in third.text
    assert first.headers["etag"] != second.headers["etag"]


def corrected(newsroom: Newsroom) -> None:
    newsroom.articles[0] |= {"corrections": [{"at": "2026-01-15T13:30:00Z", "note": "Another note."}]}


def renamed_card(newsroom: Newsroom) -> None:
    newsroom.links[STORY["id"]][0]["card"]["title"] = "Another title"


def other_related(newsroom: Newsroom) -> None:
    newsroom.related[STORY["id"]].pop()


def longer_story(newsroom: Newsroom) -> None:
    newsroom.stories[STORY["id"]] = [a_card(CABLE), a_card(STORY)]


def another_of_the_theme(newsroom: Newsroom) -> None:
    newsroom.articles.append(an_article("new", title="New of the theme", date_published="2026-01-16T08:00:00Z"))


def known_as_a_copy(newsroom: Newsroom) -> None:
    newsroom.duplicate_of = {SIMILAR["id"]: TRANSLATION["id"]}


def told_by_a_copy(newsroom: Newsroom) -> None:
    newsroom.duplicate_of = {CABLE["id"]: EARLIER["id"]}


def blocked(newsroom: Newsroom) -> None:
    newsroom.blocked = {STORY["id"]: [SIMILAR["id"]]}


def related_away(newsroom: Newsroom) -> None:
    newsroom.special = {("related", f"/v1{path_of(STORY)}/related"): lambda request: httpx.Response(404, json={})}


@pytest.mark.parametrize(
    "change",
    [
        corrected,
        renamed_card,
        other_related,
        longer_story,
        another_of_the_theme,
        known_as_a_copy,
        told_by_a_copy,
        blocked,
        related_away,
    ],
)
async def test_every_change_is_seen_at_once(
    open_site: Open, newsroom: Tagged, written: list[str], change: Callable[[Newsroom], None]
) -> None:
    newsroom.articles.append(EARLIER)
    newsroom.stories = {STORY["id"]: [a_card(one) for one in (EARLIER, CABLE, STORY)]}
    site = await open_site(newsroom)
    before = (await site.get(path_of(STORY))).text
    assert (await site.get(path_of(STORY))).text == before
    assert len(written) == 1
    change(newsroom)
    after = (await site.get(path_of(STORY))).text
    assert after != before
    fresh = await open_site(newsroom)
    assert after == (await fresh.get(path_of(STORY))).text


async def test_no_reader_gets_the_page_of_another(open_site: Open, newsroom: Tagged, written: list[str]) -> None:
    site = await open_site(newsroom)
    wishes: list[tuple[str, dict[str, str]]] = [
        ("", {}),
        ("?lang=uk", {}),
        ("?lang=en", {}),
        ("", {"accept-language": "uk"}),
        ("", {"cookie": "newsfeed-count=no"}),
        ("", {"host": "other.example"}),
    ]
    pages = [(await site.get(path_of(STORY) + query, headers=headers)).text for query, headers in wishes]
    assert len(set(pages)) == len(wishes)
    again = [(await site.get(path_of(STORY) + query, headers=headers)).text for query, headers in wishes]
    assert again == pages
    assert len(written) == len(wishes)


async def test_what_is_withdrawn_is_gone_from_kept_pages(open_site: Open, newsroom: Tagged) -> None:
    site = await open_site(newsroom)
    assert SIMILAR["title"] in (await site.get(path_of(STORY))).text
    newsroom.backlinks = {}
    newsroom.related[STORY["id"]].pop()
    newsroom.articles = [one for one in newsroom.articles if one["id"] != SIMILAR["id"]]
    assert SIMILAR["title"] not in (await site.get(path_of(STORY))).text
    newsroom.withdrawn[STORY["id"]] = {}
    assert (await site.get(path_of(STORY))).status_code == 410
