"""The one form of a web address."""

from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from news_ingest.urls import canonical_url

BASE = "https://a.example/news/today?x=1"


@pytest.mark.parametrize(
    ("address", "canonical"),
    [
        ("https://a.example", "https://a.example/"),
        ("HTTPS://A.Example/Path", "https://a.example/Path"),
        ("https://a.example:443/x", "https://a.example/x"),
        ("http://a.example:80/x", "http://a.example/x"),
        ("http://a.example:8080/x", "http://a.example:8080/x"),
        ("https://user:secret@a.example/x", "https://a.example/x"),
        ("https://a.example/x#part", "https://a.example/x"),
        ("https://a.example/x?b=2&a=1", "https://a.example/x?a=1&b=2"),
        ("https://a.example/x?utm_source=s&id=7&fbclid=z", "https://a.example/x?id=7"),
        ("https://a.example/x?UTM_Medium=s", "https://a.example/x"),
        ("  https://a.example/x \n", "https://a.example/x"),
        ("https://a.example./x", "https://a.example/x"),
        ("https://приклад.example/x", "https://xn--80aikifvh.example/x"),
        ("https://a.example/новини", "https://a.example/%D0%BD%D0%BE%D0%B2%D0%B8%D0%BD%D0%B8"),
        ("https://a.example/a b", "https://a.example/a%20b"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("https://a.example/x?_ga=1&mc_cid=2&ref=3&igshid=4", "https://a.example/x?ref=3"),
        ("https://a.example/story/amp/", "https://a.example/story/"),
        ("https://a.example/story/AMP", "https://a.example/story/AMP"),
        ("https://a.example/story.amp.html", "https://a.example/story.html"),
        ("https://a.example/story.amp", "https://a.example/story"),
        ("https://a.example/story?amp", "https://a.example/story"),
        ("https://a.example/story?id=1&outputType=amp&amp=1", "https://a.example/story?id=1"),
        ("https://a.example/amp", "https://a.example/amp"),
        ("https://a.example/amplifiers/1", "https://a.example/amplifiers/1"),
        ("https://www.google.com/amp/s/a.example/story.amp.html", "https://a.example/story.html"),
        ("https://a-example.cdn.ampproject.org/c/s/a.example/story?x=1", "https://a.example/story?x=1"),
        ("https://a-example.cdn.ampproject.org/v/a.example/story?amp_js_v=0.1", "http://a.example/story"),
        ("https://m.a.example/x", "https://www.a.example/x"),
        ("https://mobile.a.example/x", "https://www.a.example/x"),
        ("https://amp.a.example/x", "https://www.a.example/x"),
        ("https://m.news.co.example/x", "https://www.news.co.example/x"),
        ("https://m.news.city.example/x", "https://news.city.example/x"),
        ("https://en.m.wiki.example/x", "https://en.wiki.example/x"),
        ("https://m.example/x", "https://m.example/x"),
        ("https://mail.a.example/x", "https://mail.a.example/x"),
    ],
)
def test_an_address_has_one_form(address: str, canonical: str) -> None:
    assert canonical_url(address) == canonical
    assert canonical_url(canonical) == canonical


@pytest.mark.parametrize(
    ("address", "absolute"),
    [
        ("other", "https://a.example/news/other"),
        ("../up", "https://a.example/up"),
        ("/root", "https://a.example/root"),
        ("//b.example/x", "https://b.example/x"),
        ("?y=2", "https://a.example/news/today?y=2"),
        ("https://c.example/", "https://c.example/"),
        ("#part", "https://a.example/news/today?x=1"),
    ],
)
def test_a_relative_address_is_joined_with_its_document(address: str, absolute: str) -> None:
    assert canonical_url(address, BASE) == absolute


@pytest.mark.parametrize(
    ("base", "host"),
    [
        ("https://a.example/1", "a.example"),
        ("https://www.a.example/1", "www.a.example"),
        ("https://b.example/1", "www.a.example"),
        ("https://m.a.example/1", "www.a.example"),
    ],
)
def test_a_mobile_variant_of_the_own_site_has_the_name_that_the_site_uses(base: str, host: str) -> None:
    for prefix in ("m", "mobile", "amp"):
        assert canonical_url(f"https://{prefix}.a.example/x", base) == f"https://{host}/x"


@pytest.mark.parametrize("address", ["https://a.example/" + "a" * 4000 + "!", "https://" + "a." * 2000, "/amp" * 1000])
def test_a_long_address_takes_no_time(address: str) -> None:
    begun = process_time()
    canonical_url(address, BASE)
    assert process_time() - begun < 0.5


@pytest.mark.parametrize(
    "address",
    [
        "",
        "  ",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://a.example/",
        "mailto:a@a.example",
        "https://",
        "https:///x",
        "https://a b.example/",
        "https://a.example:99999/",
        "https://a.example:port/",
        "https://[::1/",
        "https://" + "x" * 70 + "й.example/",
        "https://a.example/" + "x" * 4096,
    ],
)
def test_what_a_reader_could_not_open_is_no_address(address: str) -> None:
    assert canonical_url(address) is None


@pytest.mark.parametrize("address", ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", ""])
def test_a_base_makes_no_address_of_what_is_none(address: str) -> None:
    assert canonical_url(address, BASE) is None


pieces = st.sampled_from(
    [
        *(
            "https://",
            "http:",
            "//",
            "a.example",
            "/",
            "..",
            ".",
            "%",
            "%2",
            "%25",
            "%2F",
            "?",
            "&",
            "=",
            "#",
            ":",
            "@",
        ),
        *(
            "[",
            "]",
            " ",
            "\t",
            "+",
            "utm_x=1",
            "a=1",
            "b",
            "é",
            "й",
            "\\",
            "\x00",
            "\ud800",
            ";",
            "é",
            "%C3",
            "%zz",
            "443",
            "/amp",
            "m.",
            "amp.",
        ),
    ]
)
addresses = st.lists(pieces | st.text(max_size=3), max_size=12).map("".join)


@given(addresses | addresses.map(lambda rest: "https://a.example/" + rest), st.sampled_from([None, BASE]))
@example("https://a.example/%25%32%35", None)
@example("https://a.example/?a=%2525&a=%25", None)
@example("https://a.example/?%75tm_source=1", None)
@example("https://a.example//../..//x", None)
def test_the_form_is_settled_after_one_application(address: str, base: str | None) -> None:
    once = canonical_url(address, base)
    if once is not None:
        assert canonical_url(once) == once
        assert canonical_url(once, BASE) == once
        assert once.startswith(("http://", "https://"))
        assert once.isascii()
        assert "#" not in once
