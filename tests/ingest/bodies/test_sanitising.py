"""Bodies: nothing active is left, addresses are absolute, paragraphs can be counted."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.html import fragments_fromstring

from news_ingest.bodies.sanitising import body_of_html, body_of_text
from news_shared.errors import PoisonError
from tests.ingest.bodies.inert import BASE, assert_inert
from tests.testbed.effort import often


@pytest.mark.parametrize(
    "active",
    [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//x.example/x.js></SCRIPT>",
        "<scr<script>ipt>alert(1)</script>",
        "<style>p{color:red}</style>",
        "<img src=x onerror=alert(1)>",
        "<p onclick='alert(1)'>x</p>",
        "<p style='position:fixed'>x</p>",
        "<p id=top class=app>x</p>",
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
        "<iframe src=https://x.example></iframe>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<object data=x></object><embed src=x>",
        "<form action=https://x.example><input name=password><button>x</button></form>",
        "<base href=https://x.example/>",
        "<meta http-equiv=refresh content='0;url=https://x.example'>",
        "<link rel=stylesheet href=https://x.example/x.css>",
        "<!-- <script>alert(1)</script> -->",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<?xml-stylesheet href='x'?>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        "<template><script>alert(1)</script></template>",
        "<a href='https://a.example' target=_blank rel=opener>x</a>",
        "<video src=x autoplay onplay=alert(1)></video>",
    ],
)
def test_active_markup_is_taken_out_and_the_text_around_it_stays(active: str) -> None:
    body = body_of_html(f"<p>before</p>{active}<p>after</p>", BASE)
    assert_inert(body.html)
    assert "before" in body.html
    assert not re.search(r"<[^>]*(alert|on\w+=|style|srcdoc)", body.html)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "java&#10;script:alert(1)",
        "&#106;avascript:alert(1)",
        "&#x6A;avascript&colon;alert(1)",
        "&#0000106avascript:alert(1)",
        "\x01javascript:alert(1)",
        "jav&#x0D;ascript:alert(1)",
        "vbscript:x",
        "data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;",
        "livescript:x",
        "view-source:https://a.example",
        "blob:https://a.example/x",
        "file:///etc/passwd",
    ],
)
@pytest.mark.parametrize("base", [BASE, None])
def test_an_address_that_runs_something_is_taken_from_links_and_images(address: str, base: str | None) -> None:
    body = body_of_html(f'<p><a href="{address}">read</a><img src="{address}">on</p>', base)
    assert_inert(body.html)
    assert body.links == ()
    assert "<img" not in body.html
    assert "href" not in body.html
    assert "read" in body.html


def test_relative_addresses_become_absolute_and_canonical() -> None:
    body = body_of_html('<p><a href="../x?utm_source=a#p">x</a> <img src="i.png" alt="I"></p>', BASE)
    assert 'href="https://a.example/x"' in body.html
    assert 'src="https://a.example/news/i.png"' in body.html
    assert [link.url for link in body.links] == ["https://a.example/x"]


def test_a_relative_address_without_a_base_leads_nowhere() -> None:
    body = body_of_html('<p><a href="/x">x</a><img src="/i.png">.</p>', None)
    assert body.html == '<p><a rel="noopener noreferrer">x</a>.</p>'
    assert body.links == ()


def test_a_mail_address_stays_but_is_no_link_to_an_article() -> None:
    body = body_of_html('<p><a href="mailto:desk@a.example">x</a></p>', BASE)
    assert "mailto:desk@a.example" in body.html
    assert body.links == ()


def test_links_know_the_paragraph_that_they_stand_in() -> None:
    markup = (
        'Loose <a href="/0">zero</a>'
        '<h2>Head <a href="/1">one</a></h2>'
        '<div><p>Two <a href="/2">two</a></p><section>Three <a href="/3">three</a></section></div>'
        "<p> </p>"
        '<ul><li><a href="/4">four</a></li><li><a href="/4b">4b</a></li></ul>'
        '<blockquote><p>a</p><p><a href="/5">five</a></p></blockquote>tail <a href="/6">six</a>'
    )
    body = body_of_html(markup, BASE)
    found = [(link.url.rsplit("/", 1)[1], link.paragraph) for link in body.links]
    assert found == [("0", 0), ("1", 1), ("2", 2), ("3", 3), ("4", 4), ("4b", 4), ("5", 5), ("6", 6)]
    blocks = [b for b in fragments_fromstring(body.html) if not isinstance(b, str)]
    assert [b.tag for b in blocks] == ["p", "h2", "p", "p", "ul", "blockquote", "p"]


def test_a_paragraph_inside_a_link_does_not_shift_the_paragraphs_after_it() -> None:
    body = body_of_html('<a href="/1"><p>one</p></a><p>two <a href="/2">two</a></p>', BASE)
    blocks = [b for b in fragments_fromstring(body.html) if not isinstance(b, str)]
    assert [blocks[link.paragraph].text_content() for link in body.links] == ["one", "two two"]


def test_loose_text_becomes_paragraphs_and_keeps_its_characters() -> None:
    body = body_of_html("a &lt;b&gt; <b>c</b> &amp; d<hr>e<br>f", BASE)
    assert body.html == "<p>a &lt;b&gt; <b>c</b> &amp; d</p>\n<hr>\n<p>e<br>f</p>"


def test_plain_text_is_parted_at_blank_lines_and_never_markup() -> None:
    body = body_of_text("One\ntwo <b>\r\n\r\n \n\nThree & four\n\n\n")
    assert body.html == "<p>One two &lt;b&gt;</p>\n<p>Three &amp; four</p>"


@pytest.mark.parametrize(
    "markup",
    ["", "   ", "<p></p>", "<script>x</script>", "<!-- x -->", "&nbsp;", "<p>&nbsp;</p>", "<div><div></div></div>"],
)
def test_an_empty_body_is_empty(markup: str) -> None:
    assert body_of_html(markup, BASE).html == ""


@pytest.mark.parametrize("markup", ["<p>" * 10_001, "<" * 10_001, "<div>" * 5000 + "x", "<b>" * 9000 + "x"])
def test_a_body_of_too_many_or_too_deep_tags_is_refused(markup: str) -> None:
    with pytest.raises(PoisonError, match="content_html"):
        body_of_html(markup, BASE)


def test_figures_quotes_lists_and_tables_stay_what_they_are() -> None:
    markup = (
        '<figure><img src="https://a.example/i.png" alt="I" width="10" height="10">'
        "<figcaption>A <b>caption</b></figcaption></figure>\n"
        '<blockquote cite="https://a.example/q"><p>One</p><p>Two</p></blockquote>\n'
        '<table><caption>C</caption><thead><tr><th scope="col">H</th><th></th></tr></thead>'
        '<tbody><tr><td colspan="2">x</td></tr></tbody></table>\n'
        '<ol start="3"><li>a<ul><li>b</li></ul></li></ol>\n'
        "<dl><dt>t</dt><dd>d</dd></dl>\n"
        "<pre>  two\n lines</pre>\n"
        '<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby> <q>q</q> <time datetime="2026-01-01">now</time></p>'
    )
    assert body_of_html(markup, BASE).html == markup


@pytest.mark.parametrize(
    ("markup", "written"),
    [
        ("<h1>Title</h1><h6>small</h6>", "<h2>Title</h2>\n<h4>small</h4>"),
        ("<article><header>a</header>b<footer>c</footer></article>", "<p>a</p>\n<p>b</p>\n<p>c</p>"),
        ("one<br><br>two<br>three<br><br><br>four", "<p>one</p>\n<p>two<br>three</p>\n<p>four</p>"),
        ("<p>a<br/></p><p><br></p>", "<p>a</p>"),
        ("<p>a<ul><li>b</ul>c</p>", "<p>a</p>\n<ul><li>b</li></ul>\n<p>c</p>"),
        ("<b>a<p>b</p>c</b>", "<p><b>a</b></p>\n<p><b>b</b></p>\n<p><b>c</b></p>"),
        ("<ul>loose<li>b</li></ul>", "<ul><li>loose</li><li>b</li></ul>"),
        ("<li>stray", "<p>stray</p>"),
        ("<h2><p>a</p><p>b</p></h2>", "<h2>a b</h2>"),
        ('<span>a</span><span lang="uk">б</span>', '<p>a<span lang="uk">б</span></p>'),
        ('<p>x<img src="https://c.example/t.gif" width="1" height="1"></p>', "<p>x</p>"),
        ('<img src="data:image/gif;base64,x" data-src="/real.jpg">', '<p><img src="https://a.example/real.jpg"></p>'),
        ("<p>\n  a  <b> b </b>\n</p>", "<p>a  <b> b </b></p>"),
        ("<unknown-tag>a</unknown-tag><p>b", "<p>a</p>\n<p>b</p>"),
    ],
)
def test_markup_is_written_as_a_browser_would_read_it(markup: str, written: str) -> None:
    assert body_of_html(markup, BASE).html == written


def test_a_link_in_a_link_ends_nothing_and_both_are_known_in_their_order() -> None:
    body = body_of_html('<a href="/1">one<table><tr><td>x<a href="/2">two</a></td></tr></table></a>', BASE)
    assert_inert(body.html)
    assert body_of_html(body.html, BASE) == body
    assert body.links[0].url == "https://a.example/1"
    assert "two" in body.html


def test_large_markup_is_read_like_small_markup() -> None:
    markup = (
        "<div class=x><h2 ID=a>Head</h2>"
        "<p>One <A HREF='/1?a=1&amp;b=2' TITLE=\"a > b\">link</A> 2 < 3<!-- no --><br/>x</p>"
        "<script>if (a<b) {}</script><figure><img src=/i.png alt='it\"s'><figcaption>c</figcaption></figure>"
        '<iframe src="https://b.example/v" allowfullscreen></iframe></div>'
    )
    small = body_of_html(markup, BASE)
    large = body_of_html(markup + "<p>" + "x" * 100_000, BASE)
    assert large.html.startswith(small.html + "\n<p>xxx")
    assert large.links == small.links


def test_at_most_two_hundred_links_are_kept() -> None:
    body = body_of_html("".join(f"<p><a href='/{n}'>x</a></p>" for n in range(300)), BASE)
    assert len(body.links) == 200


tags = [
    "p",
    "div",
    "a",
    "b",
    "img",
    "script",
    "style",
    "svg",
    "math",
    "table",
    "td",
    "template",
    "noscript",
    "ul",
    "li",
]
tags += [
    "iframe",
    "textarea",
    "title",
    "xmp",
    "plaintext",
    "section",
    "h2",
    "mglyph",
    "mtext",
    "form",
    "br",
    "blockquote",
]
attributes = ["", " onclick=alert(1)", " href=javascript:alert(1)", " href='/x'", " src=x onerror=alert(1)", " style=x"]
attributes += [' title="</p><script>alert(1)</script>"', " href='java&#9;script:x'", ' lang="uk"', " xlink:href=data:x"]
openings = st.tuples(st.sampled_from(tags), st.sampled_from(attributes)).map(lambda pair: f"<{pair[0]}{pair[1]}>")
markups = st.lists(
    openings
    | st.sampled_from(tags).map(lambda tag: f"</{tag}>")
    | st.sampled_from(["<!--", "-->", "]]>", "<![CDATA[", "&lt;script&gt;", "<", ">", "'", '"', "text", "&#0;", "&"])
    | st.text(max_size=4),
    max_size=20,
).map("".join)


@given(markups, st.sampled_from([BASE, None]))
@settings(max_examples=often(400))
def test_nothing_active_survives_any_markup(markup: str, base: str | None) -> None:
    body = body_of_html(markup, base)
    assert_inert(body.html)
    blocks = [b for b in fragments_fromstring(body.html) if not isinstance(b, str)] if body.html else []
    for link in body.links:
        addresses = [a.get("href") for a in blocks[link.paragraph].iter("a")]
        assert link.url in addresses, "the link does not stand in its paragraph"


@given(markups)
def test_a_sanitised_body_stays_as_it_is(markup: str) -> None:
    once = body_of_html(markup, BASE)
    again = body_of_html(once.html, BASE)
    assert again.html == once.html
    assert again.links == once.links


@given(st.text())
def test_plain_text_gives_an_inert_body(text: str) -> None:
    assert_inert(body_of_text(text).html)
