"""NewsML-G2, with NITF or HTML inside."""

from typing import Any

from news_ingest.formats.detection import Format
from tests.ingest.format_cases.case import NOON, PAGE, PICTURE, Case, persons


def newsml(said: dict[str, str]) -> tuple[Format, bytes]:
    """One item; what is said stands in the elements named, ``@`` are its attributes."""
    about = said.get("contentMeta", "")
    whole = "".join(said.values())
    title = (
        ""
        if any(f"<{name}" in whole for name in ("headline", "hl1", "title>", "slugline"))
        else "<headline>T</headline>"
    )
    return Format.NEWSML, (
        f'<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:1" {said.get("@", "")}>'
        f"<itemMeta>{said.get('itemMeta', '')}</itemMeta><contentMeta>{title}{about}</contentMeta>"
        f"<contentSet>{said.get('contentSet', '')}</contentSet></newsItem>"
    ).encode()


def nitf(body: str = "", head: str = "", docdata: str = "") -> dict[str, str]:
    """What `newsml` takes for a story in NITF."""
    return {
        "itemMeta": f"<versionCreated>{NOON}</versionCreated>",
        "contentSet": f"<inlineXML><nitf><head><docdata>{docdata}</docdata></head><body><body.head>{head}</body.head>"
        f"<body.content>{body}</body.content></body></nitf></inlineXML>",
    }


def newsml_cases() -> list[Case]:
    body = "<p>B</p>"
    note = [{"at": NOON, "note": "A name."}]
    picture = f'<media media-type="image"><media-reference source="{PICTURE}"/></media>'
    rows: list[tuple[str, str, dict[str, str], Any]] = [
        ("id", "@guid", {}, "urn:1"),
        ("url", "link[canonical]", {"itemMeta": f'<link rel="x:canonical" href="{PAGE}"/>'}, PAGE),
        ("url", "remoteContent", {"contentSet": f'<remoteContent contenttype="text/html" href="{PAGE}"/>'}, PAGE),
        ("title", "headline", {"contentMeta": "<headline>A</headline>"}, "A"),
        ("title", "NITF hl1", nitf(head="<hedline><hl1>A</hl1></hedline>"), "A"),
        ("title", "itemMeta/title", {"itemMeta": "<title>A</title>"}, "A"),
        ("title", "slugline", {"contentMeta": "<slugline>A</slugline>"}, "A"),
        ("summary", "description", {"contentMeta": '<description role="drol:summary">S</description>'}, "S"),
        ("summary", "NITF abstract", nitf(head="<abstract><p>S</p></abstract>"), "S"),
        (
            "content_html",
            "inlineXML[XHTML]",
            {
                "contentSet": f'<inlineXML><html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html></inlineXML>'
            },
            body,
        ),
        ("content_html", "inlineXML[NITF]", nitf(body), body),
        (
            "content_html",
            "inlineData[HTML]",
            {"contentSet": '<inlineData contenttype="text/html">&lt;p&gt;B&lt;/p&gt;</inlineData>'},
            body,
        ),
        (
            "content_html",
            "inlineData[text]",
            {"contentSet": '<inlineData contenttype="text/plain">B</inlineData>'},
            body,
        ),
        (
            "content_text",
            "inlineData[text]",
            {"contentSet": '<inlineData contenttype="text/plain">B</inlineData>'},
            "B",
        ),
        ("authors", "creator", {"contentMeta": "<creator><name>Ann</name></creator>"}, persons("Ann")),
        ("authors", "by", {"contentMeta": "<by>Ann</by>"}, persons("Ann")),
        ("authors", "NITF byline", nitf(head="<byline>By Ann</byline>"), persons("Ann")),
        ("date_published", "firstCreated", {"itemMeta": f"<firstCreated>{NOON}</firstCreated>"}, NOON),
        ("date_published", "contentCreated", {"contentMeta": f"<contentCreated>{NOON}</contentCreated>"}, NOON),
        ("date_published", "versionCreated", {"itemMeta": f"<versionCreated>{NOON}</versionCreated>"}, NOON),
        ("date_modified", "versionCreated", {"itemMeta": f"<versionCreated>{NOON}</versionCreated>"}, NOON),
        ("version", "@version", {"@": 'version="7"'}, "7"),
        ("language", "language", {"contentMeta": '<language tag="uk"/>'}, "uk"),
        ("language", "xml:lang", {"@": 'xml:lang="uk"', "contentMeta": '<language tag="Ukrainian"/>'}, "uk"),
        ("tags", "subject", {"contentMeta": '<subject qcode="m:1"><name>Sea</name></subject>'}, ["Sea"]),
        (
            "image",
            "remoteContent",
            {"contentSet": f'<remoteContent contenttype="image/jpeg" href="{PICTURE}"/>'},
            PICTURE,
        ),
        ("image", "NITF media", nitf(picture), PICTURE),
        (
            "attributions",
            "infoSource",
            {"contentMeta": "<infoSource><name>Wire</name></infoSource>"},
            persons("Wire"),
        ),
        ("status", "pubStatus", {"itemMeta": '<pubStatus qcode="stat:canceled"/>'}, "canceled"),
        ("embargoed_until", "embargoed", {"itemMeta": f"<embargoed>{NOON}</embargoed>"}, NOON),
        (
            "translation_of",
            "link[translatedFrom]",
            {"itemMeta": '<link rel="i:translatedFrom" residref="urn:3"/>'},
            "urn:3",
        ),
        (
            "corrections",
            "edNote with signal",
            {
                "itemMeta": f"<versionCreated>{NOON}</versionCreated>"
                '<signal qcode="sig:correction"/><edNote>A name.</edNote>'
            },
            note,
        ),
        ("corrections", "NITF correction", nitf(docdata='<correction info="A name."/>'), note),
        (
            "links",
            "link[seeAlso]",
            {"itemMeta": f'<link rel="i:seeAlso" href="{PAGE}" title="R"/>'},
            [{"url": PAGE, "text": "R", "paragraph": 0}],
        ),
    ]
    return [Case("NewsML-G2", *row) for row in rows]
