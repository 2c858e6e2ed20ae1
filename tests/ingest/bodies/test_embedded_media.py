"""What stands in an article only by reference is a link in its body."""

import pytest
from lxml.html import fragments_fromstring

from news_ingest.bodies.sanitising import body_of_html
from tests.ingest.bodies.inert import BASE, assert_inert


@pytest.mark.parametrize(
    ("embed", "url", "label"),
    [
        (
            '<iframe src="https://www.youtube.com/embed/abcDEF12345?rel=0"></iframe>',
            "https://www.youtube.com/watch?v=abcDEF12345",
            "youtube.com",
        ),
        (
            '<iframe src="//player.vimeo.com/video/123" title="A &lt;film&gt;">x</iframe>',
            "https://vimeo.com/123",
            "A <film>",
        ),
        ('<iframe data-src="/map"><p>no frames</p></iframe>', "https://a.example/map", "a.example"),
        (
            '<video poster=p.jpg><source src="/v.webm"><source src="/v.mp4">No video here</video>',
            "https://a.example/v.webm",
            "a.example",
        ),
        ('<video src="/v.mp4"></video>', "https://a.example/v.mp4", "a.example"),
        (
            '<audio controls src="https://www.pod.example/1.mp3">x</audio>',
            "https://www.pod.example/1.mp3",
            "pod.example",
        ),
        ('<embed src="/e.swf">', "https://a.example/e.swf", "a.example"),
        ('<object data="/o.pdf"><p>No plug-in</p></object>', "https://a.example/o.pdf", "a.example"),
        (
            '<div class="fb-post" data-href="https://www.facebook.com/a/posts/1"></div>',
            "https://www.facebook.com/a/posts/1",
            "facebook.com",
        ),
    ],
)
def test_an_embed_becomes_a_link_to_what_it_shows(embed: str, url: str, label: str) -> None:
    body = body_of_html(f"<p>before</p>{embed}<p>after</p>", BASE)
    assert [(link.url, link.text, link.paragraph) for link in body.links] == [(url, label, 1)]
    assert [str(b.text_content()) for b in fragments_fromstring(body.html) if not isinstance(b, str)] == [
        "before",
        label,
        "after",
    ]
    assert_inert(body.html)


@pytest.mark.parametrize(
    "inside", ["p", "li", "td", "figure", "figcaption", "h2", "blockquote", "a href=/x", "b", "pre"]
)
def test_an_embed_is_a_link_wherever_it_stands(inside: str) -> None:
    around = {"li": "ul", "td": "table", "figcaption": "figure"}.get(inside, "div")
    body = body_of_html(f'<{around}><{inside}>a<iframe src="https://b.example/v"></iframe>b</{around}>c', BASE)
    assert_inert(body.html)
    assert ("b.example" in body.html) is not inside.startswith("a ")
    assert [link.url for link in body.links][:1] == [
        "https://a.example/x" if inside[0:2] == "a " else "https://b.example/v"
    ]
    text = "".join(str(b) if isinstance(b, str) else str(b.text_content()) for b in fragments_fromstring(body.html))
    assert "".join(text.split()).replace("b.example", "") == "abc"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "", "about:blank"])
def test_an_embed_of_nothing_that_a_reader_could_open_is_gone(address: str) -> None:
    body = body_of_html(f'<p>a</p><iframe src="{address}"></iframe><video src="{address}">x</video><p>b</p>', BASE)
    assert body.html == "<p>a</p>\n<p>b</p>"


def test_posts_that_are_embedded_by_script_keep_their_text_and_lead_to_the_post() -> None:
    tweet = (
        '<blockquote class="twitter-tweet"><p lang="en">It begins</p>&mdash; Ann '
        '<a href="https://twitter.com/ann/status/1?ref_src=twsrc">May 1</a></blockquote>'
        "<script src=//x.example></script>"
    )
    tiktok = '<blockquote class="tiktok-embed" cite="https://www.tiktok.com/@a/video/1"><section>A film</section>'
    post = "https://www.instagram.com/p/1/"
    instagram = f'<blockquote class="instagram-media" data-instgrm-permalink="{post}"><a href="{post}?x=1">A post</a>'
    body = body_of_html(f"{tweet}{tiktok}</blockquote>{instagram}", BASE)
    assert [(link.url, link.paragraph) for link in body.links] == [
        ("https://twitter.com/ann/status/1", 0),
        ("https://www.tiktok.com/@a/video/1", 1),
        (f"{post}?x=1", 2),
    ]
    assert '<p lang="en">It begins</p>' in body.html
    assert "A film" in body.html
