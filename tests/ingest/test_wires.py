"""What agencies send: ninjs and NewsML-G2, with the rules that a table of fields does not show."""

import json
from typing import Any

import pytest

from news_ingest.formats.detection import Format, read_document
from news_ingest.formats.native import read_line
from news_ingest.formats.native_item import UNTIL_FURTHER_NOTICE
from news_ingest.formats.ninjs import is_ninjs
from news_ingest.formats.outcome import Reading
from news_shared.errors import PoisonError
from tests.ingest.format_cases.newsml import newsml, nitf
from tests.ingest.reading import NOW, only


def of_ninjs(**said: Any) -> Reading:
    return read_document(Format.JSON, json.dumps({"uri": "u", "headline": "H", **said}).encode(), "", "s", NOW)


def of_newsml(**said: str) -> Reading:
    _, body = newsml(said)
    return read_document(Format.RSS, body, "", "s", NOW)


def refusal(reading: Reading) -> str:
    assert reading.items == []
    [rejected] = reading.rejected
    return "; ".join(f"{error['field']} {error['error']}" for error in rejected.errors)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"uri": "u", "headline": "H"}, True),
        ({"uri": "u", "versionCreated": "2026-01-15"}, True),
        ({"guid": "g", "headline": "H", "body_html": "<p>x</p>"}, True),
        ({"uri": "u", "pubstatus": "canceled"}, True),
        ({"id": "i", "title": "T", "headline": "H", "uri": "u"}, False),
        ({"title": "T", "content_html": "x", "uri": "u", "byline": "x"}, False),
        ({"uri": "u", "title": "T"}, False),
        ({"headline": "H"}, False),
        ({}, False),
    ],
)
def test_a_ninjs_item_is_told_from_a_native_one_by_its_fields(document: dict[str, object], told: bool) -> None:
    assert is_ninjs(document) is told


def test_ninjs_comes_alone_in_a_list_under_items_and_in_lines() -> None:
    one = {"uri": "u", "headline": "H", "body_text": "B"}
    for document in (one, [one], {"items": [one]}):
        assert only(read_document(Format.JSON, json.dumps(document).encode(), "", "s", NOW)).title == "H"
    assert only(read_line(json.dumps(one).encode(), 7, "s", NOW)).title == "H"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"pubstatus": "draft"}, "pubstatus: 'draft' is none of canceled, usable, withheld"),
        ({"representationtype": "incomplete"}, "representationtype: this is a part of an item"),
        ({"representationtype": "associated"}, "representationtype"),
        ({"versioncreated": "soon"}, "versioncreated: 'soon' is no date"),
        ({"embargoed": "99999-01-01T00:00:00Z"}, "embargoed: '99999-01-01T00:00:00Z' is no date"),
        ({"embargoed": 7}, "embargoed: '7' is no date"),
        ({"headline": None}, "title"),
        ({"version": "x" * 101}, "version"),
        ({"uri": 7, "guid": None}, "uri: a ninjs item must have one"),
    ],
)
def test_what_no_ninjs_schema_accepts_is_refused_with_the_reason(said: dict[str, Any], why: str) -> None:
    assert why in refusal(of_ninjs(**said))


def test_an_incomplete_ninjs_item_with_its_text_or_taking_the_article_back_is_taken() -> None:
    assert only(of_ninjs(representationtype="incomplete", body_text="B")).content_text == "B"
    assert only(of_ninjs(representationtype="incomplete", pubstatus="canceled", headline=None)).status == "canceled"


def test_an_empty_embargo_is_one_until_further_notice_and_none_is_none() -> None:
    assert only(of_ninjs(embargoed="")).embargoed_until == UNTIL_FURTHER_NOTICE
    assert only(of_ninjs(embargoedUntil="")).embargoed_until == UNTIL_FURTHER_NOTICE
    assert only(of_ninjs(embargoed=None)).embargoed_until is None
    for empty in ("<embargoed/>", "<embargoed></embargoed>", '<embargoed xsi:nil="true" xmlns:xsi="x"/>'):
        assert only(of_newsml(itemMeta=empty)).embargoed_until == UNTIL_FURTHER_NOTICE
    assert only(of_newsml()).embargoed_until is None


def test_a_note_to_editors_is_not_for_readers() -> None:
    item = only(of_ninjs(ednote="Not for publication", versioncreated="2026-01-15T12:00:00Z", body_text="B"))
    assert "Not for publication" not in item.model_dump_json()
    item = only(of_newsml(itemMeta="<versionCreated>2026-01-15</versionCreated><edNote>Not for publication</edNote>"))
    assert "Not for publication" not in item.model_dump_json()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ('qcode="stat:usable"', "usable"),
        ('qcode="stat:withheld"', "withheld"),
        ('qcode="x:Canceled"', "canceled"),
        ('uri="http://cv.iptc.org/newscodes/pubstatusg2/canceled"', "canceled"),
        ("", "usable"),
    ],
)
def test_a_status_of_newsml_is_read_whatever_the_prefix_of_its_code(code: str, status: str) -> None:
    assert only(of_newsml(itemMeta=f"<pubStatus {code}/>")).status == status


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        ('<pubStatus qcode="stat:draft"/>', "pubStatus: 'draft' is none of"),
        ("<versionCreated>soon</versionCreated>", "versioncreated: 'soon' is no date"),
        ("<embargoed>soon</embargoed>", "embargoed: 'soon' is no date"),
        ('<itemClass qcode="ninat:picture"/>', "itemClass: this is a picture, and an article needs text"),
    ],
)
def test_what_is_wrong_in_newsml_is_refused_with_the_reason(meta: str, why: str) -> None:
    assert why in refusal(of_newsml(itemMeta=meta))


def test_of_several_forms_of_a_body_the_richest_is_taken() -> None:
    plain = '<inlineData contenttype="text/plain">plain</inlineData>'
    html = '<inlineXML><html xmlns="http://www.w3.org/1999/xhtml"><body><p>html</p></body></html></inlineXML>'
    story = nitf("<p>nitf</p>")["contentSet"]
    assert only(of_newsml(contentSet=plain + html)).content_html == "<p>html</p>"
    assert only(of_newsml(contentSet=plain + story)).content_html == "<p>nitf</p>"
    assert only(of_newsml(contentSet=plain + story + html)).content_html == "<p>html</p>"


@pytest.mark.parametrize("element", ["<x: y='1'>fog</x:>", "<:>fog</:>", "<x:y:>fog</x:y:>"])
def test_elements_without_a_name_keep_their_text(element: str) -> None:
    assert only(of_newsml(**nitf(f"<p>{element}</p>"))).content_html == "<p>fog</p>"


def test_nitf_is_written_as_html() -> None:
    body = (
        '<p>By <person>Ann</person> in <location><city>Kyiv</city></location> <em>now</em> <a href="https://b.example/1">see</a></p>'
        "<hl2>Head</hl2><block><p>in a block</p></block><bq><block><p>quoted</p></block></bq>"
        "<table><tr><th>a</th><td>b</td></tr></table><ol><li>one</li></ol><pre>as  is</pre><hr/>"
        '<media media-type="image"><media-reference source="https://b.example/s.jpg" width="100"/>'
        '<media-reference source="https://b.example/l.jpg" width="900" alternate-text="A"/>'
        "<media-caption>Caption</media-caption></media>"
        '<media media-type="video"><media-reference source="https://b.example/v.mp4" alternate-text="The film"/>'
        "</media>"
    )
    item = only(of_newsml(**nitf(body)))
    assert (item.content_html or "").split("\n") == [
        '<p>By Ann in Kyiv <em>now</em> <a href="https://b.example/1" rel="noopener noreferrer">see</a></p>',
        "<h3>Head</h3>",
        "<p>in a block</p>",
        "<blockquote><p>quoted</p></blockquote>",
        "<table><tbody><tr><th>a</th><td>b</td></tr></tbody></table>",
        "<ol><li>one</li></ol>",
        "<pre>as  is</pre>",
        "<hr>",
        '<figure><img src="https://b.example/l.jpg" alt="A"><figcaption>Caption</figcaption></figure>',
        '<figure><p><a href="https://b.example/v.mp4" rel="noopener noreferrer">The film</a></p></figure>',
    ]
    assert item.image == "https://b.example/l.jpg"


@pytest.mark.parametrize("kind", ["packageItem", "conceptItem", "knowledgeItem", "planningItem", "catalogItem"])
def test_a_document_without_a_news_item_is_refused_by_the_name_of_what_it_is(kind: str) -> None:
    body = f'<{kind} xmlns="http://iptc.org/std/nar/2006-10-01/" guid="g"/>'.encode()
    with pytest.raises(PoisonError, match=f"no newsItem .* {kind.lower()}"):
        read_document(Format.NEWSML, body, "", "s", NOW)


def test_a_news_message_without_items_is_refused() -> None:
    body = b'<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet/></newsMessage>'
    with pytest.raises(PoisonError, match="no newsItem"):
        read_document(Format.NEWSML, body, "", "s", NOW)
