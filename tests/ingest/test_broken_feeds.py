"""Feeds that are not well-formed give what can be had, with a warning."""

from datetime import datetime

import pytest

from news_ingest.formats.detection import Format, read_document
from news_ingest.formats.outcome import Reading
from news_ingest.items import Item
from news_shared.errors import PoisonError
from tests.ingest.test_samples import NOW

ITEM = "<item><title>{}</title><guid>{}</guid><description>{}</description></item>"
GOOD = ITEM.format("Good", "good", "&lt;p&gt;Text&lt;/p&gt;")


def read(body: str | bytes) -> Reading:
    return read_document(Format.RSS, body.encode() if isinstance(body, str) else body, "", "s", NOW)


def rss(*items: str, root: str = "<rss>") -> Reading:
    return read(f"{root}<channel><title>c</title>{''.join(items)}</channel></rss>")


def items(reading: Reading) -> list[Item]:
    assert reading.rejected == []
    return [item for _, item in reading.items]


WHOLE = {
    "rss": f"<rss><channel>{GOOD}<item><guid>b</guid><title>B</title><description><![CDATA[<p>One</p><p>Two</p>]]>"
    "</description></item></channel></rss>",
    "atom": "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>good</id><title>Good</title></entry>"
    "<entry><id>b</id><title>B</title><content>One, two</content></entry></feed>",
    "newsml": "<newsMessage xmlns='http://iptc.org/std/nar/2006-10-01/'><itemSet>"
    "<newsItem guid='good'><contentMeta><headline>Good</headline></contentMeta></newsItem>"
    "<newsItem guid='b'><contentMeta><headline>B</headline><slugline>b</slugline></contentMeta></newsItem>"
    "</itemSet></newsMessage>",
}


@pytest.mark.parametrize("kind", WHOLE)
def test_an_item_that_a_document_breaks_off_in_is_refused_and_the_others_are_taken(kind: str) -> None:
    whole = WHOLE[kind]
    assert [item.guid for item in items(read(whole))] == ["good", "b"]
    last_end = max(whole.rfind(end) for end in ("</item>", "</entry>", "</newsItem>"))
    for end in range(whole.rindex("B</"), last_end):
        reading = read(whole[:end])
        assert [item.guid for _, item in reading.items] == ["good"], whole[:end]
        [rejected] = reading.rejected
        assert (rejected.index, rejected.guid, "breaks off" in rejected.errors[0]["error"]) == (1, "b", True)


def test_a_document_that_breaks_off_between_items_gives_them_all() -> None:
    whole = WHOLE["rss"]
    for end in (whole.index("</channel>"), whole.index("</rss>"), len(whole) - 1):
        assert [item.guid for item in items(read(whole[:end]))] == ["good", "b"]
    assert [item.guid for item in items(read(whole.replace("</item></channel>", "</channel>")))] == ["good", "b"]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("AT&T & Co", "AT&T & Co"),
        ("Tom&nbsp;&amp;&nbsp;Jerry", "Tom & Jerry"),
        ("Caf&eacute; &laquo;x&raquo; &hellip;", "Café «x» …"),
        ("A &lt; B &quot;c&quot;", 'A < B "c"'),
        ("x&#xD800;y&#0;z", "xyz"),
        ("a\x00b\x0bc", "abc"),
        ("&unknown; x", "&unknown; x"),
        ("a &&amp; b", "a && b"),
    ],
)
def test_ampersands_and_entities_are_read_as_people_meant_them(written: str, title: str) -> None:
    first, second = items(rss(ITEM.format(written, "1", "d"), GOOD))
    assert (first.title, second.title) == (title, "Good")


def test_a_link_with_bare_ampersands_is_whole_also_beside_a_cdata_section() -> None:
    link = "https://a.example/x?a=1&b=2&copy=3"
    body = "<![CDATA[<p>AT&T &nbsp; <a href='/y?c=1&d=2'>x</a></p>]]>"
    [item] = items(rss(f"<item><title>t</title><link>{link}</link><description>{body}</description></item>"))
    assert item.url == link
    assert [found.url for found in item.links] == ["https://a.example/y?c=1&d=2"]


def test_apostrophes_numbered_as_in_windows_1252_are_apostrophes() -> None:
    [item] = items(rss(ITEM.format("Don&#146;t &#8212; won&#x92;t", "1", "d")))
    assert item.title == "Don’t — won’t"


@pytest.mark.parametrize(
    "broken",
    [
        "<item><title>Bad</title><guid>bad</guid><description><b>open</description></item>",
        "<item><title>Bad</title><guid>bad</guid><description>a < b and c</description></item>",
        "<item><title>Bad</title><guid>bad</guid><x a=b c></x></item>",
        "<item><title>Bad</title><guid>bad</guid></channel></item>",
        "<item><title>Bad</title><guid>bad</guid><nope:x>1</nope:x></item>",
    ],
)
def test_the_items_around_a_broken_one_are_read_with_a_warning(broken: str) -> None:
    reading = rss(GOOD, broken, GOOD.replace("good", "good2"))
    guids = [item.guid for item in items(reading)]
    assert guids[:2] == ["good", "bad"]
    assert any(warning.startswith("The document is not well-formed: ") for warning in reading.warnings)
    assert "<string>" not in "".join(reading.warnings)


def test_a_feed_that_breaks_off_gives_what_came_before() -> None:
    reading = read(f"<rss><channel>{GOOD}<item><title>Half a ti")
    assert [item.guid for _, item in reading.items] == ["good"]
    assert reading.warnings


def test_prefixes_that_are_declared_nowhere_are_read_by_their_usual_names() -> None:
    [item] = items(rss("<item><title>t</title><guid>1</guid><content:encoded>&lt;p&gt;B</content:encoded></item>"))
    assert item.content_html == "<p>B</p>"


@pytest.mark.parametrize("before", ["\n\n  ", "\ufeff\n", "<!-- generated -->\n", "Warning: mysql_connect() failed\n"])
def test_what_stands_before_the_root_is_passed_over(before: str) -> None:
    assert [item.guid for item in items(read(f'{before}<?xml version="1.0"?><rss>{GOOD}</rss>'))] == ["good"]
    assert [item.guid for item in items(read(f"{before}<!DOCTYPE rss [<!ENTITY a 'b'>]>\n<rss>{GOOD}</rss>"))] == [
        "good"
    ]


def test_errors_of_the_server_before_the_declaration_are_passed_over() -> None:
    body = f'<br />\n<b>Warning</b>: mysql_connect() & co<?xml version="1.0"?><rss>{GOOD}</rss>'
    assert [item.guid for item in items(read(body))] == ["good"]


def test_a_document_type_that_hides_its_entities_gives_none() -> None:
    for doctype in (
        """<!DOCTYPE rss SYSTEM "a[b>c" [<!ENTITY x "SECRET">]>""",
        """<!DOCTYPE rss [<!ENTITY x "SECRET"> <!-- ]> -->]>""",
        """<!DOCTYPE rss [<!ENTITY x "]>"><!ENTITY x "SECRET">]>""",
        """<!-- <!DOCTYPE --><!DOCTYPE rss [<!ENTITY % p '<!ENTITY x "SECRET">'> %p;]>""",
    ):
        reading = read(f"{doctype}<rss><channel>{ITEM.format('a &x; b', '1', 'd &x;')}{GOOD}</channel></rss>")
        assert "SECRET" not in str(reading.items)


def test_other_prefixes_and_namespaces_than_usual_are_understood() -> None:
    body = (
        '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:id>1</a:id><a:title>T</a:title>'
        '<a:content type="xhtml"><h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:p>B</h:p></h:div></a:content>'
        "</a:entry></a:feed>"
    )
    [item] = items(read(body))
    assert (item.guid, item.title, item.content_html) == ("1", "T", "<p>B</p>")


def test_addresses_are_relative_to_xml_base_then_to_the_feed_then_to_where_it_came_from() -> None:
    entry = '<entry><id>1</id><title>t</title><link href="x"/></entry>'
    for feed, base, url in (
        (
            '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/n/">{}</feed>',
            None,
            "https://a.example/n/x",
        ),
        (
            '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="n/">{}</feed>',
            "https://b.example/f",
            "https://b.example/n/x",
        ),
        (
            '<feed xmlns="http://www.w3.org/2005/Atom"><link href="https://c.example/"/>{}</feed>',
            None,
            "https://c.example/x",
        ),
        ('<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>', None, None),
    ):
        reading = read_document(Format.ATOM, feed.format(entry).encode(), "", "s", NOW, base)
        assert [item.url for item in items(reading)] == [url]


def test_a_modification_before_the_publication_is_somebodys_clock() -> None:
    [item] = items(
        read(
            '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title>t</title>'
            "<published>2026-01-15T12:00:00Z</published><updated>2026-01-15T11:00:00Z</updated></entry></feed>"
        )
    )
    assert (item.date_published.hour, item.date_modified) == (12, None)


def test_an_item_without_a_date_has_the_time_of_arrival_and_says_so() -> None:
    [item] = items(rss(GOOD))
    assert (item.date_published, item.dated) == (NOW, False)
    assert isinstance(item.date_published, datetime)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no XML"),
        (b"<html><body>Not found</body></html>", "the first element is <html>"),
        (b"<opml><body/></opml>", "the first element is <opml>"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "the first element is <svg>"),
        (b'{"items": []}', "no XML"),
    ],
)
def test_a_document_that_is_no_feed_is_refused_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(PoisonError, match="neither RSS, Atom nor NewsML-G2") as refused:
        read(body)
    assert why in str(refused.value)
