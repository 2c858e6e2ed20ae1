"""The body of an article: safe, in blocks, with cards where the text links."""

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_web.body import blocks_of, sanitise, text_as_html, with_cards, with_own_links
from tests.web.newsroom import a_card, an_article

FIRST, SECOND, ITSELF = an_article("first"), an_article("second"), an_article("itself")


def link(article: dict[str, Any], paragraph: int) -> dict[str, Any]:
    return {"paragraph": paragraph, "text": "x", "url": article["url"], "card": a_card(article)}


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<p onclick=alert(1)>x</p>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="&#106;avascript:alert(1)">x</a>',
        "<iframe src=//evil.example></iframe>",
        "<style>*{}</style><svg><script>alert(1)</script></svg>",
        '<img src=x onerror="alert(1)">',
        "<form action=/><input></form>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        '<p style="position:fixed">x</p><base href="//evil.example">',
    ],
)
def test_nothing_that_runs_or_takes_over_the_page_survives(attack: str) -> None:
    safe = sanitise(attack).lower()
    tags = ("<script", "<iframe", "<style", "<form", "<input", "<base")
    assert not [word for word in (*tags, "onclick", "onerror", "javascript:", "style=") if word in safe]


def test_links_to_our_own_stories_stay_on_this_site() -> None:
    link = '<a title="x>y" href="https://a.example/1?utm_source=x&amp;b=1#c">one</a>'
    said = f'<p>{link} <a href="https://b.example/">two</a></p>'
    canonical = ["https://a.example/1?b=1", "https://b.example/"]
    html = with_own_links(sanitise(said), canonical, {canonical[0]: "/articles/x?lang=uk"})
    assert 'href="/articles/x?lang=uk"' in html
    assert 'href="https://b.example/"' in html
    assert "utm_source" not in html


def test_links_that_ingest_counted_differently_are_compared_as_they_stand() -> None:
    html = '<p><a href="https://a.example/?b=1&amp;c">one</a></p>'
    assert 'href="/x"' in with_own_links(html, [], {"https://a.example/?b=1&c": "/x"})
    assert with_own_links(html, ["https://other.example/"] * 2, {"https://other.example/": "/x"}) == html


@pytest.mark.parametrize(
    ("html", "blocks"),
    [
        ("<p>a</p>\n<p>b</p>", ["<p>a</p>", "<p>b</p>"]),
        ("loose <b>text</b><p>a</p> more", ["<p>loose <b>text</b></p>", "<p>a</p>", "<p>more</p>"]),
        ("<div><p>a</p><ul><li><p>b</p></li></ul></div>", ["<p>a</p>", "<ul><li><p>b</p></li></ul>"]),
        ("<p>a</p><hr><p>b</p>", ["<p>a</p>", "<hr>", "<p>b</p>"]),
        ("<p></p>", []),
        ("", []),
        ('<p title="a > b">a\n&amp;</p>\n\n<p lang="x>y">c\n</p>', ["<p>a\n&amp;</p>", '<p lang="x&gt;y">c\n</p>']),
        ("<i><p>a</p></i>", ["<div><i><p>a</p></i></div>"]),
        ("<div lang='a>b'><div><p>a</p></div><p>b</p></div>", ["<div><p>a</p></div>", "<p>b</p>"]),
        ("<div>" * 400 + "<p>a</p>", ["<div>" * 397 + "<p>a</p>" + "</div>" * 397]),
    ],
)
def test_a_body_is_cut_into_its_top_level_blocks(html: str, blocks: list[str]) -> None:
    assert blocks_of(sanitise(html)) == blocks


@pytest.mark.parametrize(
    ("html", "is_alone"),
    [
        ('<p><img src="https://a.example/1.jpg"></p>', True),
        ('<p> <a href="https://a.example/"><img src="https://a.example/1.jpg" alt="A crane"></a> </p>', True),
        ('<p>Sunny <img src="https://a.example/sun.png" alt="☀"> again</p>', False),
        ('<p><img src="https://a.example/1.jpg"><img src="https://a.example/2.jpg"></p>', False),
        ("<p>No picture</p>", False),
    ],
)
def test_a_paragraph_that_is_a_picture_says_so(html: str, is_alone: bool) -> None:
    [block] = blocks_of(sanitise(html))
    assert block.startswith('<p class="lone-picture">') == is_alone


@given(st.text(alphabet=st.sampled_from(list("<>/pdivulbhr abc\n\"='&;x1"))))
def test_no_text_is_lost_whatever_the_markup(html: str) -> None:
    safe = sanitise(html)
    assert words("".join(blocks_of(safe))) == words(safe)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


def words(html: str) -> str:
    reader = _Words()
    reader.feed(html)
    reader.close()
    return "".join(reader.text.split())


def test_a_card_stands_after_the_block_that_links_to_its_story() -> None:
    blocks = ["<p>a</p>", f'<p><a href="{FIRST["url"]}">b</a></p>', "<p>c</p>"]
    placed = with_cards(blocks, [link(FIRST, 1)], itself="me")
    assert [[card.id for card in block.cards] for block in placed] == [[], [FIRST["id"]], []]


def test_each_story_gets_one_card_and_the_article_itself_none() -> None:
    links = [
        link(FIRST, 0),
        link(SECOND, 1),
        link(FIRST, 1),
        link(ITSELF, 1),
        {"paragraph": 0, "url": "x", "card": None},
    ]
    placed = with_cards(["<p>a</p>", "<p>b</p>"], links, itself=ITSELF["id"])
    assert [[card.id for card in block.cards] for block in placed] == [[FIRST["id"]], [SECOND["id"]]]


def test_a_paragraph_that_others_count_differently_is_found_by_its_link() -> None:
    blocks = ["<h2>a</h2>", "<p>b</p>", f'<p><a href="{FIRST["url"]}">c</a></p>']
    placed = with_cards(blocks, [link(FIRST, 0)], itself="me")
    assert [len(block.cards) for block in placed] == [0, 0, 1]
    beyond = with_cards(["<p>a</p>"], [link(SECOND, 99)], itself="me")
    assert [len(block.cards) for block in beyond] == [1]


def test_plain_text_becomes_paragraphs() -> None:
    assert text_as_html("a < b\nc\r\n\r\n\n\nd") == "<p>a &lt; b c</p><p>d</p>"
