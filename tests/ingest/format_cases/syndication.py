"""Feeds: RSS, RDF and Atom."""

from news_ingest.formats.detection import Format
from tests.ingest.format_cases.case import MORNING, NOON, PAGE, PICTURE, Case, persons

NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:xhtml="http://www.w3.org/1999/xhtml" '
    'xmlns:app="http://www.w3.org/2007/app" xmlns:at="http://purl.org/atompub/tombstones/1.0"'
)


def rss(said: str, *, channel: str = "") -> tuple[Format, bytes]:
    """One item; ``channel`` stands before it."""
    title = "" if "title>" in said or "description>" in said else "<title>T</title>"
    return Format.RSS, (
        f'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" {NAMESPACES}><channel>{channel}'
        f"<item>{title}{said}</item></channel></rss>"
    ).encode()


def atom(said: str, *, feed: str = "") -> tuple[Format, bytes]:
    """One entry, or a tombstone; ``feed`` stands before it."""
    entry = (
        said if said.startswith("<at:") else f"<entry>{'' if '<title' in said else '<title>T</title>'}{said}</entry>"
    )
    return Format.ATOM, f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES}>{feed}{entry}</feed>'.encode()


def rss_cases() -> list[Case]:
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
        ("authors", "author", "<author>a@a.example (Ann)</author>", persons("Ann")),
        ("authors", "dc:creator", "<dc:creator>Ann</dc:creator>", persons("Ann")),
        ("authors", "itunes:author", "<itunes:author>Ann</itunes:author>", persons("Ann")),
        ("authors", "atom:author", "<atom:author><atom:name>Ann</atom:name></atom:author>", persons("Ann")),
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
        ("tags", "category", "<category>Sea</category>", ["Sea"]),
        ("tags", "dc:subject", "<dc:subject>Sea</dc:subject>", ["Sea"]),
        ("tags", "media:category", "<media:category>Sea</media:category>", ["Sea"]),
        ("image", "media:content", f'<media:content url="{PICTURE}" medium="image"/>', PICTURE),
        ("image", "media:thumbnail", f'<media:thumbnail url="{PICTURE}"/>', PICTURE),
        ("image", "enclosure", f'<enclosure url="{PICTURE}" type="image/jpeg"/>', PICTURE),
        ("image", "itunes:image", f'<itunes:image href="{PICTURE}"/>', PICTURE),
        ("attributions", "source", f'<source url="{PAGE}">Wire</source>', persons("Wire", PAGE)),
    ]
    of_channel = {"channel": "<language>uk_UA</language>"}
    return [
        *(Case("RSS, RDF", *row) for row in rows),
        Case("RSS, RDF", "language", "channel/language", "", "uk-UA", of_channel),
    ]


def atom_cases() -> list[Case]:
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
        ("authors", "author", f"<author><name>Ann</name><uri>{PAGE}</uri></author>", persons("Ann", PAGE)),
        ("authors", "contributor", "<contributor><name>Ann</name></contributor>", persons("Ann")),
        ("date_published", "published", f"<published>{NOON}</published>", NOON),
        ("date_published", "issued", f"<issued>{NOON}</issued>", NOON),
        ("date_published", "updated", f"<updated>{NOON}</updated>", NOON),
        ("date_modified", "updated", modified, NOON),
        ("date_modified", "modified", modified.replace("updated", "modified"), NOON),
        ("language", "xml:lang", '<content xml:lang="uk">B</content>', "uk"),
        ("tags", "category", '<category term="sea-1" label="Sea"/>', ["Sea"]),
        ("image", "link[enclosure]", f'<link rel="enclosure" type="image/jpeg" href="{PICTURE}"/>', PICTURE),
        ("image", "media:thumbnail", f'<media:thumbnail url="{PICTURE}"/>', PICTURE),
        ("attributions", "source", "<title>T</title><source><title>Wire</title></source>", persons("Wire")),
        ("status", "app:draft", "<app:control><app:draft>yes</app:draft></app:control>", "withheld"),
        ("status", "at:deleted-entry", f'<at:deleted-entry ref="g" when="{NOON}"/>', "canceled"),
        (
            "translation_of",
            "link[hreflang]",
            f'<link href="https://a.example/uk"/><link hreflang="en" href="{PAGE}"/>',
            PAGE,
        ),
    ]
    of_feed = {"feed": "<author><name>Ann</name></author>"}
    return [
        *(Case("Atom", *row) for row in rows),
        Case("Atom", "authors", "feed/author", "", persons("Ann"), of_feed),
    ]
