"""How much text there is of an article, as far as that tells how sure to be of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_related.body_text import MOST_COUNTED, beginning_of_body, characters_of
from news_related.graph.facts import Card
from news_shared.articles import Article
from tests.related.builders import an_article


def characters(**fields: Any) -> int:
    article = an_article("a", **{"title": "Fire", **fields}).article
    assert isinstance(article, Article)
    counted = characters_of(article, beginning_of_body(article, 2 * MOST_COUNTED))
    card = Card.of(article)
    assert card.characters == Card.decode(card.id, card.encode()).characters == counted
    return counted


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 4),
        ({"title": "  Fire \n at\tsea "}, 11),
        ({"content_text": "Three ships burn.", "summary": "not counted"}, 22),
        ({"content_html": "<p>Three <b>sh</b>ips</p><p>burn.</p>"}, 22),
        ({"content_html": "<p> </p>", "summary": " Three\n ships\t burn. "}, 22),
        ({"content_text": "Три кораблі горять."}, 24),
        ({"title": "火事", "content_text": "船が燃える。"}, 17),
        ({"title": "불", "content_text": "배가 탄다"}, 12),
        ({"content_text": "word " * 50_000}, MOST_COUNTED),
        ({"content_text": "火" * 50_000}, MOST_COUNTED),
    ],
)
def test_title_and_body_or_summary_count_without_markup_and_spare_blanks(fields: dict[str, Any], expected: int) -> None:
    assert characters(**fields) == expected


@given(st.text(max_size=3_000), st.text(max_size=200))
def test_a_longer_body_is_never_less_text(body: str, more: str) -> None:
    assert characters(content_text=body) <= characters(content_text=body + more) <= MOST_COUNTED
