"""Related articles as HTML: what a stranger's title or address may not do, and how days are told."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from lxml import html

from news_related.embeds.fragment import as_fragment
from news_related.graph.facts import Card
from news_related.lists.ranking import Ranked
from news_related.lists.reasons import Reason, Words
from news_shared.article_ids import article_id

KYIV = ZoneInfo("Europe/Kyiv")


def shown(
    words: Words = "en", *, title: str = "Ferries", url: str | None = "https://herald.example/f"
) -> html.HtmlElement:
    moment = datetime(2026, 1, 15, 22, 30, tzinfo=UTC)
    card = Card(article_id("herald", "f"), title, url, "uk", moment, None, 0)
    return html.fragment_fromstring(as_fragment([Ranked(card, 0.9, Reason("translation"))], words, KYIV).decode())


def test_a_card_has_its_language_its_moment_and_its_reason() -> None:
    section = shown("uk", title="Пороми повертаються")
    [link] = section.findall(".//a")
    assert (link.text, link.get("href"), link.get("lang")) == ("Пороми повертаються", "https://herald.example/f", "uk")
    [time] = section.findall(".//time")
    assert (time.get("datetime"), time.text) == ("2026-01-15T22:30:00Z", "16 січня 2026, 00:30")
    assert section.get("lang") == "uk"
    assert section.find_class("news-related-reason")[0].text
    assert shown().findall(".//time")[0].text == "16 January 2026, 00:30"


@pytest.mark.parametrize("url", ["https://herald.example/f", None])
def test_a_card_reads_well_without_its_markup(url: str | None) -> None:
    [card] = shown(url=url).findall(".//li")
    told = " ".join(card.text_content().split())
    assert told == "Ferries 16 January 2026, 00:30 · translation of this article"


def test_a_title_is_text_and_an_address_leads_only_to_the_web() -> None:
    section = shown(title='<img src=x onerror="alert(1)">&lt;', url="javascript:alert(1)")
    assert not section.xpath(".//img | .//script | .//a")
    assert section.find_class("news-related-title")[0].text == '<img src=x onerror="alert(1)">&lt;'
    quoted = shown(url='https://herald.example/" onclick="alert(1)')
    assert [sorted(link.attrib) for link in quoted.findall(".//a")] == [["class", "dir", "href", "hreflang", "lang"]]


def test_without_related_articles_it_says_so() -> None:
    section = html.fragment_fromstring(as_fragment([], "uk", KYIV).decode())
    assert section.find_class("news-related-none")[0].text
    assert not section.findall(".//ul")
