"""One smallest document for every cell of the table in docs/formats.md: where a field comes from in a format."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from news_ingest.formats.detection import Format

MORNING, NOON = "2026-01-15T08:00:00Z", "2026-01-15T12:00:00Z"
PAGE = "https://a.example/page"
PICTURE = "https://a.example/p.jpg"
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:xhtml="http://www.w3.org/1999/xhtml" '
    'xmlns:app="http://www.w3.org/2007/app" xmlns:at="http://purl.org/atompub/tombstones/1.0"'
)


@dataclass(frozen=True)
class Case:
    """In this format the field comes from that source: with it the value is there, without it not."""

    format: str  # the table's column
    field: str  # its row
    source: str  # one of the names in the cell
    said: Any  # what is put into the smallest document
    value: Any  # what the field is then, as JSON


def rss(said: str) -> tuple[Format, bytes]:
    channel, _, said = said.rpartition("@channel@")
    title = "" if "title>" in said or "description>" in said else "<title>T</title>"
    return Format.RSS, (
        f'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" {NAMESPACES}><channel>{channel}'
        f"<item>{title}{said}</item></channel></rss>"
    ).encode()


def atom(said: str) -> tuple[Format, bytes]:
    feed, _, said = said.rpartition("@feed@")
    entry = (
        said if said.startswith("<at:") else f"<entry>{'' if '<title' in said else '<title>T</title>'}{said}</entry>"
    )
    return Format.ATOM, f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES}>{feed}{entry}</feed>'.encode()


def native(said: dict[str, Any]) -> tuple[Format, bytes]:
    return Format.JSON, json.dumps({"title": "T", **said}).encode()


def json_feed(said: dict[str, Any]) -> tuple[Format, bytes]:
    of_feed = {name.removeprefix("feed "): value for name, value in said.items() if name.startswith("feed ")}
    item = {name: value for name, value in said.items() if not name.startswith("feed ")}
    return Format.JSON_FEED, json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            **of_feed,
            "items": [{"id": "1", "content_text": "Words", **item}],
        }
    ).encode()


def ninjs(said: dict[str, Any]) -> tuple[Format, bytes]:
    names = {name.lower() for name in said}
    title = {} if names & {"headline", "headlines", "title", "slugline"} else {"headline": "T"}
    return Format.NINJS, json.dumps({"uri": "urn:1", "representationtype": "complete", **title, **said}).encode()


def newsml(said: dict[str, str]) -> tuple[Format, bytes]:
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
    return {
        "itemMeta": f"<versionCreated>{NOON}</versionCreated>",
        "contentSet": f"<inlineXML><nitf><head><docdata>{docdata}</docdata></head><body><body.head>{head}</body.head>"
        f"<body.content>{body}</body.content></body></nitf></inlineXML>",
    }


BUILDERS: dict[str, Callable[[Any], tuple[Format, bytes]]] = {
    "RSS, RDF": rss,
    "Atom": atom,
    "native": native,
    "JSON Feed": json_feed,
    "ninjs 1.x": ninjs,
    "ninjs 2.x, 3.x": ninjs,
    "NewsML-G2": newsml,
}


def _one(name: str, url: str | None = None) -> list[dict[str, str]]:
    return [{"name": name, "url": url} if url else {"name": name}]


def _rss() -> list[Case]:
    html, body = "&lt;p&gt;B&lt;/p&gt;", "<p>B</p>"
    rows = [
        ("id", "guid", "<guid>g</guid>", "g"),
        ("id", "dc:identifier", "<dc:identifier>g</dc:identifier>", "g"),
        ("id", "link", f"<link>{PAGE}</link>", PAGE),
        ("url", "link", f"<link>{PAGE}</link>", PAGE),
        ("url", "atom:link", f'<atom:link href="{PAGE}"/>', PAGE),
        ("url", "guid", f"<guid>{PAGE}</guid>", PAGE),
        ("title", "title", "<title>A &amp;amp; B</title>", "A & B"),
        ("title", "dc:title", "<dc:title>A</dc:title>", "A"),
        ("title", "media:title", "<media:title>A</media:title>", "A"),
        ("title", "description", "<description>First words</description>", "First words"),
        ("summary", "description", f"<description>S</description><content:encoded>{html}</content:encoded>", "S"),
        ("content_html", "content:encoded", f"<content:encoded>{html}</content:encoded>", body),
        ("content_html", "atom:content", f"<atom:content>{html}</atom:content>", body),
        ("content_html", "xhtml:body", "<xhtml:body><xhtml:p>B</xhtml:p></xhtml:body>", body),
        ("content_html", "description", f"<description>{html}</description>", body),
        ("authors", "author", "<author>a@a.example (Ann)</author>", _one("Ann")),
        ("authors", "dc:creator", "<dc:creator>Ann</dc:creator>", _one("Ann")),
        ("authors", "itunes:author", "<itunes:author>Ann</itunes:author>", _one("Ann")),
        ("authors", "atom:author", "<atom:author><atom:name>Ann</atom:name></atom:author>", _one("Ann")),
        ("date_published", "pubDate", "<pubDate>Thu, 15 Jan 2026 12:00:00 GMT</pubDate>", NOON),
        ("date_published", "dc:date", f"<dc:date>{NOON}</dc:date>", NOON),
        ("date_published", "dcterms:issued", f"<dcterms:issued>{NOON}</dcterms:issued>", NOON),
        ("date_published", "dcterms:created", f"<dcterms:created>{NOON}</dcterms:created>", NOON),
        *(
            ("date_modified", source, f"<dc:date>{MORNING}</dc:date><{source}>{NOON}</{source}>", NOON)
            for source in ("dcterms:modified", "atom:updated")
        ),
        ("language", "dc:language", "<dc:language>uk</dc:language>", "uk"),
        ("language", "xml:lang", '<title xml:lang="uk">T</title>', "uk"),
        ("language", "channel/language", "<language>uk_UA</language>@channel@", "uk-UA"),
        ("tags", "category", "<category>Sea</category>", ["Sea"]),
        ("tags", "dc:subject", "<dc:subject>Sea</dc:subject>", ["Sea"]),
        ("tags", "media:category", "<media:category>Sea</media:category>", ["Sea"]),
        ("image", "media:content", f'<media:content url="{PICTURE}" medium="image"/>', PICTURE),
        ("image", "media:thumbnail", f'<media:thumbnail url="{PICTURE}"/>', PICTURE),
        ("image", "enclosure", f'<enclosure url="{PICTURE}" type="image/jpeg"/>', PICTURE),
        ("image", "itunes:image", f'<itunes:image href="{PICTURE}"/>', PICTURE),
        ("attributions", "source", f'<source url="{PAGE}">Wire</source>', _one("Wire", PAGE)),
    ]
    return [Case("RSS, RDF", *row) for row in rows]


def _atom() -> list[Case]:
    body = "<p>B</p>"
    modified = f"<published>{MORNING}</published><updated>{NOON}</updated>"
    rows = [
        ("id", "id", "<id>g</id>", "g"),
        ("id", "link", f'<link href="{PAGE}"/>', PAGE),
        ("url", "link", f'<link rel="alternate" href="{PAGE}"/>', PAGE),
        ("title", "title", '<title type="html">A &amp;amp; B</title>', "A & B"),
        ("title", "content", "<title/><content>First words</content>", "First words"),
        ("summary", "summary", "<summary>S</summary><content>B</content>", "S"),
        ("content_html", "content[html]", '<content type="html">&lt;p&gt;B&lt;/p&gt;</content>', body),
        (
            "content_html",
            "content[xhtml]",
            '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>B</p></div></content>',
            body,
        ),
        ("content_html", "content[text]", "<content>B</content>", body),
        ("content_html", "summary", "<summary>B</summary>", body),
        ("content_text", "content[text]", "<content>B</content>", "B"),
        ("authors", "author", f"<author><name>Ann</name><uri>{PAGE}</uri></author>", _one("Ann", PAGE)),
        ("authors", "contributor", "<contributor><name>Ann</name></contributor>", _one("Ann")),
        ("authors", "feed/author", "<author><name>Ann</name></author>@feed@", _one("Ann")),
        ("date_published", "published", f"<published>{NOON}</published>", NOON),
        ("date_published", "issued", f"<issued>{NOON}</issued>", NOON),
        ("date_published", "updated", f"<updated>{NOON}</updated>", NOON),
        ("date_modified", "updated", modified, NOON),
        ("date_modified", "modified", modified.replace("updated", "modified"), NOON),
        ("language", "xml:lang", '<content xml:lang="uk">B</content>', "uk"),
        ("tags", "category", '<category term="sea-1" label="Sea"/>', ["Sea"]),
        ("image", "link[enclosure]", f'<link rel="enclosure" type="image/jpeg" href="{PICTURE}"/>', PICTURE),
        ("image", "media:thumbnail", f'<media:thumbnail url="{PICTURE}"/>', PICTURE),
        ("attributions", "source", "<title>T</title><source><title>Wire</title></source>", _one("Wire")),
        ("status", "app:draft", "<app:control><app:draft>yes</app:draft></app:control>", "withheld"),
        ("status", "at:deleted-entry", f'<at:deleted-entry ref="g" when="{NOON}"/>', "canceled"),
        (
            "translation_of",
            "link[hreflang]",
            f'<link href="https://a.example/uk"/><link hreflang="en" href="{PAGE}"/>',
            PAGE,
        ),
    ]
    return [Case("Atom", *row) for row in rows]


def _json() -> list[Case]:
    correction = [{"at": NOON, "note": "A name."}]
    plain = {
        "id": "g",
        "url": PAGE,
        "title": "A & B",
        "summary": "S",
        "content_html": "<p>B</p>",
        "content_text": "B",
        "authors": _one("Ann", PAGE),
        "date_published": NOON,
        "date_modified": NOON,
        "language": "uk",
        "tags": ["Sea"],
        "image": PICTURE,
    }
    ours = {
        "version": "7",
        "attributions": _one("Wire"),
        "status": "withheld",
        "embargoed_until": NOON,
        "translation_of": "other",
        "corrections": correction,
    }
    cases = [Case("native", name, name, {name: value}, value) for name, value in {**plain, **ours}.items()]
    cases += [Case("JSON Feed", name, name, {name: value}, value) for name, value in plain.items()]
    rows: list[tuple[str, str, dict[str, Any], Any]] = [
        ("id", "url", {"url": PAGE}, PAGE),
        ("url", "external_url", {"external_url": PAGE}, PAGE),
        ("content_html", "content_text", {"content_text": "B"}, "<p>B</p>"),
        ("authors", "author", {"author": {"name": "Ann"}}, _one("Ann")),
        ("image", "banner_image", {"banner_image": PICTURE}, PICTURE),
    ]
    cases += [Case("native", *row) for row in rows]
    cases += [Case("JSON Feed", *row) for row in rows[1:]]
    return [
        *cases,
        Case("JSON Feed", "title", "content_text", {"content_text": "First words"}, "First words"),
        Case("JSON Feed", "authors", "feed/authors", {"feed authors": _one("Ann")}, _one("Ann")),
        Case("JSON Feed", "language", "feed/language", {"feed language": "uk"}, "uk"),
        Case(
            "JSON Feed", "image", "attachments", {"attachments": [{"url": PICTURE, "mime_type": "image/jpeg"}]}, PICTURE
        ),
    ]


def _ninjs1() -> list[Case]:
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
        ("authors", "byline", {"byline": "Ann"}, _one("Ann")),
        ("date_published", "firstcreated", {"firstcreated": NOON}, NOON),
        ("date_published", "versioncreated", {"versioncreated": NOON}, NOON),
        ("date_published", "contentcreated", {"contentcreated": NOON}, NOON),
        ("date_modified", "versioncreated", {"versioncreated": NOON}, NOON),
        ("version", "version", {"version": "7"}, "7"),
        ("language", "language", {"language": "uk"}, "uk"),
        ("tags", "subject", {"subject": [{"name": "Sea"}]}, ["Sea"]),
        ("image", "renditions", {"type": "picture", "renditions": rendition}, PICTURE),
        ("image", "associations", {"associations": {"p": {"type": "picture", "renditions": rendition}}}, PICTURE),
        ("attributions", "infosource", {"infosource": [{"name": "Wire"}]}, _one("Wire")),
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


def _ninjs3() -> list[Case]:
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
        ("authors", "by", {"by": "Ann"}, _one("Ann")),
        ("date_published", "firstCreated", {"firstCreated": NOON}, NOON),
        ("date_published", "versionCreated", {"versionCreated": NOON}, NOON),
        ("date_published", "contentCreated", {"contentCreated": NOON}, NOON),
        ("date_modified", "versionCreated", {"versionCreated": NOON}, NOON),
        ("version", "version", {"version": "7"}, "7"),
        ("language", "language", {"language": "uk_UA"}, "uk-UA"),
        ("tags", "subjects", {"subjects": [{"name": "Sea"}]}, ["Sea"]),
        ("image", "renditions", {"type": "picture", "renditions": rendition}, PICTURE),
        ("image", "associations", {"associations": [{"type": "picture", "renditions": rendition}]}, PICTURE),
        ("attributions", "infoSources", {"infoSources": [{"name": "Wire"}]}, _one("Wire")),
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


def _newsml() -> list[Case]:
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
        ("authors", "creator", {"contentMeta": "<creator><name>Ann</name></creator>"}, _one("Ann")),
        ("authors", "by", {"contentMeta": "<by>Ann</by>"}, _one("Ann")),
        ("authors", "NITF byline", nitf(head="<byline>By Ann</byline>"), _one("Ann")),
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
        ("attributions", "infoSource", {"contentMeta": "<infoSource><name>Wire</name></infoSource>"}, _one("Wire")),
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


CASES = (*_rss(), *_atom(), *_json(), *_ninjs1(), *_ninjs3(), *_newsml())
