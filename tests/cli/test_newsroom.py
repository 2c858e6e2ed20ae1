import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any

import pytest

from newsfeed.newsroom import FRESHNESS, REFERENCE, SOURCE, expected_edges, newsroom

NOW = datetime(2031, 8, 4, 17, 43, 21, 987654, tzinfo=UTC)
ARTICLES: tuple[dict[str, Any], ...] = newsroom(NOW).articles
BY_GUID = {article["id"]: article for article in ARTICLES}
BY_URL = {article["url"]: article for article in ARTICLES}
HOME = "https://newsroom.example/"
DAY_OR_MONTH = re.compile(
    r"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|May|June|July|August|September"
    r"|October|November|December|[Пп]онеділ\w+|[Вв]івтор\w+|[Сс]еред[ау]|[Чч]етвер(?:га?)?|[Пп][’ʼ']ятниц\w+|[Сс]убот\w+"
    r"|[Нн]еділ\w+|[Сс]іч(?:ень|н\w+)|[Лл]ют(?:ий|ого|ому)|[Бб]ерез(?:ень|н[яі])|[Кк]віт(?:ень|н[яі])|[Тт]рав(?:ень|н[яі])"
    r"|[Чч]ерв(?:ень|н[яі])|[Лл]ип(?:ень|н[яі])|[Сс]ерп(?:ень|н[яі])|[Вв]ерес(?:ень|н[яі])|[Жж]овт(?:ень|н[яі])"
    r"|[Лл]истопад\w*|[Гг]руд(?:ень|н[яі]))\b"
)


class Body(HTMLParser):
    """Reads the hrefs, the words and the number of paragraphs of a body, and checks that its tags are closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        if tag == "a":
            self.hrefs += [value for name, value in attrs if name == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data


BODIES = {guid: Body(article["content_html"]) for guid, article in BY_GUID.items()}


def links_in_the_text() -> set[tuple[str, str]]:
    return {(guid, BY_URL[href]["id"]) for guid, body in BODIES.items() for href in body.hrefs if href in BY_URL}


def declared_translations() -> set[tuple[str, str]]:
    found = set()
    for article in ARTICLES:
        if original := article.get("translation_of"):
            found.add((article["id"], (BY_GUID.get(original) or BY_URL[original])["id"]))
    return found


def instants(article: dict[str, Any]) -> list[datetime]:
    written = [article["date_published"], *[one["at"] for one in article.get("corrections", [])]]
    written += [article["date_modified"]] if "date_modified" in article else []
    return [datetime.fromisoformat(instant) for instant in written]


def test_there_are_at_least_56_articles_each_with_its_own_guid_url_and_title() -> None:
    assert len(ARTICLES) >= 56
    for field in ("id", "url", "title", "summary", "content_html"):
        assert len({article[field] for article in ARTICLES}) == len(ARTICLES), field


def test_every_article_has_the_fields_of_the_native_format() -> None:
    known = {"id", "url", "language", "title", "summary", "content_html", "authors", "date_published", "tags"}
    optional = {"date_modified", "translation_of", "attributions", "corrections"}
    for article in ARTICLES:
        assert known <= article.keys() <= known | optional, article["id"]
        assert article["url"].startswith(f"{HOME}{article['language']}/")
        assert article["authors"]
        assert all(author["name"] and author["url"].startswith(HOME) for author in article["authors"])
        assert article["tags"]
        assert len(set(article["tags"])) == len(article["tags"])


def test_both_languages_are_well_represented_and_written_in_their_own_letters() -> None:
    for language, letters, others in (
        ("en", "[A-Za-z]", "[А-Яа-яІЇЄҐіїєґ]"),
        ("uk", "[А-Яа-яІЇЄҐіїєґ]", "[A-Za-zыэъёЫЭЪЁ]"),
    ):
        articles = [article for article in ARTICLES if article["language"] == language]
        assert len(articles) >= 25
        for article in articles:
            text = " ".join((article["title"], article["summary"], BODIES[article["id"]].text))
            assert len(re.findall(letters, text)) > 500, article["id"]
            assert not re.findall(others, text), article["id"]


def test_bodies_are_three_to_six_paragraphs_of_120_to_300_words() -> None:
    for guid, body in BODIES.items():
        assert 3 <= body.tags.count("p") <= 6, guid
        assert 120 <= sum(bool(re.search(r"\w", word)) for word in body.text.split()) <= 300, guid
        assert not body.open, guid
    used = {tag for body in BODIES.values() for tag in body.tags}
    assert {"p", "a", "h2", "ul", "li", "blockquote", "figure"} <= used


def test_no_prose_names_a_weekday_or_a_month() -> None:
    for article in ARTICLES:
        text = " ".join((article["title"], article["summary"], BODIES[article["id"]].text))
        assert not DAY_OR_MONTH.findall(text), article["id"]


def test_every_link_leads_to_an_article_of_the_newsroom_or_to_an_example_site_outside() -> None:
    outside = set()
    for guid, body in BODIES.items():
        assert len(set(body.hrefs)) == len(body.hrefs), guid
        for href in body.hrefs:
            if href.startswith(HOME):
                assert href in BY_URL, (guid, href)
                assert BY_URL[href]["id"] != guid
            else:
                assert href.startswith("https://example.org/"), (guid, href)
                outside.add(href)
    assert outside


def test_listed_citations_are_the_links_of_the_text() -> None:
    listed = expected_edges()["cites"]
    assert {(one, other) for one, other in listed} == links_in_the_text()
    assert listed == sorted(listed)
    assert len(listed) == len(links_in_the_text()) >= 40


def test_listed_translations_are_those_that_the_articles_declare_and_cross_the_languages() -> None:
    listed = expected_edges()["translation"]
    assert {(one, other) for one, other in listed} == declared_translations()
    assert len(listed) == len(declared_translations())
    for translation, original in listed:
        assert BY_GUID[translation]["language"] != BY_GUID[original]["language"]
        assert BY_GUID[translation]["tags"] == BY_GUID[original]["tags"]
        assert "translation_of" not in BY_GUID[original]
    declared = {article["translation_of"] for article in ARTICLES if "translation_of" in article}
    assert declared & BY_URL.keys(), "one names its original by URL"
    assert declared & BY_GUID.keys(), "one names its original by guid"


def test_listed_themes_are_the_tags_and_each_theme_has_both_languages() -> None:
    themes = defaultdict(set)
    for article in ARTICLES:
        for tag in article["tags"]:
            themes[tag].add(article["id"])
    listed = expected_edges()["theme"]
    assert {theme: set(guids) for theme, guids in listed.items()} == themes
    assert all(guids == sorted(set(guids)) for guids in listed.values())
    for theme, guids in listed.items():
        assert {BY_GUID[guid]["language"] for guid in guids} == {"en", "uk"}, theme


def test_there_are_six_story_lines_of_seven_or_more_articles_over_several_days() -> None:
    stories = expected_edges()["stories"]
    assert len(stories) == 6
    members = [guid for story in stories for guid in story]
    assert len(set(members)) == len(members), "no article is in two stories"
    assert len(ARTICLES) - len(members) >= 2, "some articles stand alone"
    for story in stories:
        published = [datetime.fromisoformat(BY_GUID[guid]["date_published"]) for guid in story]
        assert len(story) >= 7
        assert published == sorted(published)
        assert published[-1] - published[0] >= timedelta(days=4)
        assert {BY_GUID[guid]["language"] for guid in story} == {"en", "uk"}


def test_a_story_has_one_theme_in_common_and_its_articles_hang_together_by_links_and_translations() -> None:
    edges = links_in_the_text() | declared_translations()
    for story in expected_edges()["stories"]:
        reached, left = {story[0]}, set(story[1:])
        while near := {guid for guid in left if any({guid, one} in ({a, b} for a, b in edges) for one in reached)}:
            reached |= near
            left -= near
        assert not left
        assert set.intersection(*({*BY_GUID[guid]["tags"]} for guid in story)), story[0]


def test_every_story_has_a_pair_of_translations_and_a_link_from_english_to_earlier_ukrainian() -> None:
    links, translations = links_in_the_text(), declared_translations()
    for story in expected_edges()["stories"]:
        assert any({one, other} <= set(story) for one, other in translations), story[0]
        assert any(
            {one, other} <= set(story)
            and (BY_GUID[one]["language"], BY_GUID[other]["language"]) == ("en", "uk")
            and BY_GUID[other]["date_published"] < BY_GUID[one]["date_published"]
            for one, other in links
        ), story[0]


def test_some_links_and_a_translation_arrive_before_what_they_name() -> None:
    place = {article["id"]: number for number, article in enumerate(ARTICLES)}
    assert any(place[one] < place[other] for one, other in links_in_the_text())
    assert any(place[translation] < place[original] for translation, original in declared_translations())


def test_some_articles_stand_quite_alone() -> None:
    linked = {guid for edge in links_in_the_text() | declared_translations() for guid in edge}
    assert len(BY_GUID.keys() - linked) >= 2


def test_corrected_articles_say_what_and_when() -> None:
    corrected = [article for article in ARTICLES if "corrections" in article]
    assert len(corrected) >= 2
    for article in corrected:
        for correction in article["corrections"]:
            assert correction["note"]
            assert article["date_published"] < correction["at"] <= article["date_modified"]


def test_some_articles_are_attributed_to_others() -> None:
    attributions = [one for article in ARTICLES for one in article.get("attributions", [])]
    assert len(attributions) >= 2
    assert all(one["name"] and one["url"].startswith("https://example.org/") for one in attributions)


def test_the_withdrawn_article_exists_and_another_links_to_it() -> None:
    withdrawals = newsroom(NOW).withdrawals
    assert len(withdrawals) == 1
    for withdrawal in withdrawals:
        assert withdrawal.id in BY_GUID
        assert withdrawal.reason
        assert any(other == withdrawal.id for _, other in links_in_the_text())


def test_the_newest_article_is_twelve_minutes_old_and_nothing_is_younger() -> None:
    newest = max(instant for article in ARTICLES for instant in instants(article))
    assert newest == NOW.replace(second=0, microsecond=0) - timedelta(minutes=12)
    assert any(newest == datetime.fromisoformat(article["date_published"]) for article in ARTICLES)


def test_every_instant_moves_by_the_same_whole_minutes() -> None:
    unmoved = newsroom(REFERENCE + FRESHNESS).articles
    assert max(str(article["date_published"]) for article in unmoved) == "2026-01-15T12:00:00Z"
    shift = NOW.replace(second=0, microsecond=0) - FRESHNESS - REFERENCE
    for before, after in zip(unmoved, ARTICLES, strict=True):
        assert instants(after) == [instant + shift for instant in instants(before)]
        assert all(instant.second == 0 and instant.microsecond == 0 for instant in instants(after))
        dates = {"date_published", "date_modified", "corrections"}
        assert {k: v for k, v in before.items() if k not in dates} == {k: v for k, v in after.items() if k not in dates}


def test_the_same_moment_in_another_time_zone_gives_the_same_newsroom() -> None:
    assert newsroom(NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))) == newsroom(NOW)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        newsroom(NOW.replace(tzinfo=None))


def test_changing_what_was_returned_does_not_change_the_next_newsroom() -> None:
    newsroom(NOW).articles[0]["title"] = "changed"
    assert newsroom(NOW).articles[0]["title"] != "changed"


def test_the_source_of_the_newsroom_is_named_newsroom() -> None:
    assert SOURCE == "newsroom"
