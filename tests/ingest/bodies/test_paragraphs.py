"""Paragraphs that are written in one go come out as they do tag by tag."""

from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from news_ingest.bodies.sanitising import Body, body_of_html
from news_ingest.bodies.writer import BodyWriter
from news_shared.articles import Link

BASE = "https://a.example/news/1"

texts = st.lists(
    st.sampled_from(
        ["word", "two words", " ", "  ", "\n", "\t", "&nbsp;", "&nbsp; x", "&amp;", "&lt;p&gt;", "ї", "\u00a0", "."]
    ),
    max_size=3,
).map("".join)
addresses = st.sampled_from(
    [
        *(
            "https://b.example/2",
            "/3",
            "https://m.c.example/4?utm_source=x#y",
            "mailto:desk@a.example",
            "",
            "?a=1&amp;b=2",
        ),
        *("javascript:alert(1)", "https://b.example/&lt;x&gt;", "https://ї.example/", "https://b.example/<p>"),
    ]
)
links = st.builds('<a href="{}">{}</a>'.format, addresses, texts)
marked = st.builds("<{0}>{1}</{0}>".format, st.sampled_from(["em", "strong", "sup", "time", "span", "rt"]), texts)
others = st.sampled_from(
    ["<br>", "<em><b>x</b></em>", '<a href="/5" title="<p>x</p>">y</a>', '<em lang="uk">z</em>', "<hr>"]
)
paragraphs = st.lists(texts | links | marked | others, max_size=6).map(lambda parts: f"<p>{''.join(parts)}</p>")
between = st.sampled_from(
    ["", "", "\n", "loose", "<br>", "<h2>x</h2>", "<ul><li>x</ul>", "<blockquote>", "</blockquote>"]
)
bodies = st.lists(st.tuples(paragraphs, between), min_size=1, max_size=4).map(
    lambda pairs: "".join(part for pair in pairs for part in pair)
)


def tag_by_tag(markup: str, base: str | None) -> Body:
    with patch.object(BodyWriter, "_is_between_blocks", lambda _: False):
        return body_of_html(markup, base)


@given(bodies, st.sampled_from([BASE, None]))
@example('<p> <a href="/2"> two</a> <em>three </em> &nbsp;</p>', BASE)
@example('<p><a href="/2"> </a> <em> </em></p><p>x<a href="/2"> </a></p>', BASE)
@settings(max_examples=500)
def test_a_paragraph_written_in_one_go_is_the_one_written_tag_by_tag(markup: str, base: str | None) -> None:
    assert body_of_html(markup, base) == tag_by_tag(markup, base)


def test_a_paragraph_of_text_and_links_is_written_in_one_go() -> None:
    markup = '<p> See <a href="/2">two</a> and <em>three</em>. </p>\n<p>End</p>'
    with patch.object(BodyWriter, "_start", side_effect=AssertionError("tag by tag")):
        body = body_of_html(markup, BASE)
    assert body == Body(
        '<p>See <a href="https://a.example/2" rel="noopener noreferrer">two</a> and <em>three</em>.</p>\n<p>End</p>',
        (Link(url="https://a.example/2", text="two", paragraph=0),),
    )


def test_many_addresses_are_bounded_in_simple_paragraphs_too() -> None:
    address = f"https://b.example/{'x' * 2000}"
    markup = f'<p><a href="{address}">x</a></p>' * 600
    body = body_of_html(markup, BASE)
    assert body == tag_by_tag(markup, BASE)
    assert body.html.count(address) < 300
