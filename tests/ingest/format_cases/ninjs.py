"""ninjs, of which the second and third version name things alike."""

import json
from typing import Any

from news_ingest.formats.detection import Format
from tests.ingest.format_cases.case import NOON, PAGE, PICTURE, Case, persons


def ninjs(said: dict[str, Any]) -> tuple[Format, bytes]:
    """One item."""
    names = {name.lower() for name in said}
    title = {} if names & {"headline", "headlines", "title", "slugline"} else {"headline": "T"}
    return Format.NINJS, json.dumps({"uri": "urn:1", "representationtype": "complete", **title, **said}).encode()


def ninjs1_cases() -> list[Case]:
    rendition = {"main": {"href": PICTURE, "mimetype": "image/jpeg"}}
    related = {"x": {"type": "text", "uri": PAGE, "headline": "R"}}
    rows: list[tuple[str, str, dict[str, Any], Any]] = [
        ("id", "uri", {"uri": "urn:2"}, "urn:2"),
        ("id", "guid", {"uri": None, "guid": "urn:2"}, "urn:2"),
        ("url", "uri", {"uri": PAGE}, PAGE),
        ("url", "altids", {"altids": {"web": PAGE}}, PAGE),
        ("title", "headline", {"headline": "A"}, "A"),
        ("title", "title", {"title": "A"}, "A"),
        ("title", "slugline", {"slugline": "A"}, "A"),
        ("summary", "description_text", {"description_text": "S"}, "S"),
        ("content_html", "body_html", {"body_html": "<p>B</p>"}, "<p>B</p>"),
        ("content_html", "body_xhtml", {"body_xhtml": "<p>B</p>"}, "<p>B</p>"),
        ("content_html", "body_text", {"body_text": "B"}, "<p>B</p>"),
        ("content_text", "body_text", {"body_text": "B"}, "B"),
        ("authors", "byline", {"byline": "Ann"}, persons("Ann")),
        ("date_published", "firstcreated", {"firstcreated": NOON}, NOON),
        ("date_published", "versioncreated", {"versioncreated": NOON}, NOON),
        ("date_published", "contentcreated", {"contentcreated": NOON}, NOON),
        ("date_modified", "versioncreated", {"versioncreated": NOON}, NOON),
        ("version", "version", {"version": "7"}, "7"),
        ("language", "language", {"language": "uk"}, "uk"),
        ("tags", "subject", {"subject": [{"name": "Sea"}]}, ["Sea"]),
        ("image", "renditions", {"type": "picture", "renditions": rendition}, PICTURE),
        ("image", "associations", {"associations": {"p": {"type": "picture", "renditions": rendition}}}, PICTURE),
        ("attributions", "infosource", {"infosource": [{"name": "Wire"}]}, persons("Wire")),
        ("status", "pubstatus", {"pubstatus": "canceled"}, "canceled"),
        ("embargoed_until", "embargoed", {"embargoed": NOON}, NOON),
        (
            "translation_of",
            "associations",
            {"associations": {"t": {"rel": "translationOf", "type": "text", "uri": "urn:3"}}},
            "urn:3",
        ),
        (
            "corrections",
            "ednote with signal",
            {"versioncreated": NOON, "ednote": "A name.", "signal": [{"name": "correction"}]},
            [{"at": NOON, "note": "A name."}],
        ),
        ("links", "associations", {"associations": related}, [{"url": PAGE, "text": "R", "paragraph": 0}]),
    ]
    return [Case("ninjs 1.x", *row) for row in rows]


def ninjs3_cases() -> list[Case]:
    rendition = [{"name": "main", "href": PICTURE, "contentType": "image/jpeg"}]
    related = [{"name": "x", "type": "text", "uri": PAGE, "headlines": [{"value": "R"}]}]
    html = {"contentType": "application/xhtml+xml", "value": "<p>B</p>"}
    rows: list[tuple[str, str, dict[str, Any], Any]] = [
        ("id", "uri", {"uri": "urn:2"}, "urn:2"),
        ("url", "uri", {"uri": PAGE}, PAGE),
        ("url", "altIds", {"altIds": [{"role": "web", "value": PAGE}]}, PAGE),
        ("title", "headlines", {"headlines": [{"value": "X"}, {"role": "main", "value": "A"}]}, "A"),
        ("title", "title", {"title": "A"}, "A"),
        ("summary", "descriptions", {"descriptions": [{"value": "X"}, {"role": "summary", "value": "S"}]}, "S"),
        ("content_html", "bodies", {"bodies": [{"contentType": "text/plain", "value": "X"}, html]}, "<p>B</p>"),
        ("content_text", "bodies", {"bodies": [{"contenttype": "text/plain", "value": "B"}]}, "B"),
        ("authors", "by", {"by": "Ann"}, persons("Ann")),
        ("date_published", "firstCreated", {"firstCreated": NOON}, NOON),
        ("date_published", "versionCreated", {"versionCreated": NOON}, NOON),
        ("date_published", "contentCreated", {"contentCreated": NOON}, NOON),
        ("date_modified", "versionCreated", {"versionCreated": NOON}, NOON),
        ("version", "version", {"version": "7"}, "7"),
        ("language", "language", {"language": "uk_UA"}, "uk-UA"),
        ("tags", "subjects", {"subjects": [{"name": "Sea"}]}, ["Sea"]),
        ("image", "renditions", {"type": "picture", "renditions": rendition}, PICTURE),
        ("image", "associations", {"associations": [{"type": "picture", "renditions": rendition}]}, PICTURE),
        ("attributions", "infoSources", {"infoSources": [{"name": "Wire"}]}, persons("Wire")),
        ("status", "pubStatus", {"pubStatus": "withheld"}, "withheld"),
        ("embargoed_until", "embargoed", {"embargoed": NOON}, NOON),
        ("embargoed_until", "embargoedUntil", {"embargoedUntil": NOON}, NOON),
        (
            "translation_of",
            "associations",
            {"associations": [{"rel": "translationOf", "type": "text", "uri": "urn:3"}]},
            "urn:3",
        ),
        ("links", "associations", {"associations": related}, [{"url": PAGE, "text": "R", "paragraph": 0}]),
    ]
    return [Case("ninjs 2.x, 3.x", *row) for row in rows]
