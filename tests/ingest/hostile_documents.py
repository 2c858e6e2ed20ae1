"""Documents that are made to hurt, and a program that reads each in a process of its own under a limit of memory.

Run as a program it prints what became of every document, as JSON: the tests look at that.
"""

import json
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import process_time

from news_ingest.formats.detection import Format, read_document
from news_shared.errors import PoisonError

MORE_MEMORY = 100 * 1024 * 1024
MOST_SECONDS = 2.0
_NOW = datetime(2026, 2, 1, tzinfo=UTC)
_BIG = 20_000_000


@dataclass(frozen=True)
class Fate:
    """What became of a document."""

    outcome: str  # items, refused, crashed
    detail: str
    seconds: float
    more_bytes: int


def rss(title: str = "t", description: str = "d", *, before: str = "", inside: str = "") -> bytes:
    item = f"<item><title>{title}</title><guid>1</guid><description>{description}</description>{inside}</item>"
    return f'<?xml version="1.0"?>{before}<rss version="2.0"><channel><title>c</title>{item}</channel></rss>'.encode()


def atom(content: str) -> bytes:
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title>t</title><content type="xhtml">'
        f"{content}</content></entry></feed>"
    ).encode()


def newsml(body: str, *, before: str = "", guid: str = "g") -> bytes:
    return (
        f'{before}<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="{guid}" version="1"><contentMeta>'
        "<headline>h</headline></contentMeta><contentSet><inlineXML><nitf><body><body.content>"
        f"{body}</body.content></body></nitf></inlineXML></contentSet></newsItem>"
    ).encode()


def native(**fields: object) -> bytes:
    return json.dumps({"id": "1", "title": "t", **fields}).encode()


def ninjs(**fields: object) -> bytes:
    return json.dumps({"uri": "u:1", "headline": "h", "versioncreated": "2026-01-15T12:00:00Z", **fields}).encode()


def _bomb() -> str:
    layers = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE r [<!ENTITY a0 "aaaaaaaaaa">{layers}]>'


_XXE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd">%p;]>'
_QUADRATIC = f'<!DOCTYPE r [<!ENTITY a "{"a" * 50_000}">]>'
_ATTRIBUTES = " ".join(f"a{n}='x'" for n in range(100_000))

DOCUMENTS: dict[str, Callable[[], tuple[Format, bytes]]] = {
    # entities, and what stands outside of the document
    "entity bomb in RSS": lambda: (Format.RSS, rss("&a9;", before=_bomb())),
    "entity bomb in Atom": lambda: (Format.ATOM, _bomb().encode() + atom("<div>&a9;</div>")),
    "entity bomb in NewsML-G2": lambda: (Format.NEWSML, newsml("<p>&a9;</p>", before=_bomb())),
    "quadratic entities": lambda: (Format.RSS, rss("&a;" * 5000, before=_QUADRATIC)),
    "external entities in RSS": lambda: (Format.RSS, rss("&x;", before=_XXE)),
    "external entities in NewsML-G2": lambda: (Format.NEWSML, newsml("<p>&x;</p>", before=_XXE)),
    "a million declared entities": lambda: (
        Format.RSS,
        rss(before="<!DOCTYPE r [" + "<!ENTITY a 'b'>" * 100_000 + "]>"),
    ),
    "many document types": lambda: (Format.RSS, b"<!DOCTYPE " * 100_000),
    "XInclude": lambda: (
        Format.RSS,
        rss(inside='<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'),
    ),
    "a stylesheet": lambda: (Format.RSS, rss(before='<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?>')),
    # nesting
    "elements 10,000 deep": lambda: (Format.RSS, rss(inside="<x>" * 10_000 + "</x>" * 10_000)),
    "elements 10,000 deep, left open": lambda: (Format.RSS, b"<rss>" + b"<item>" * 10_000),
    "items in items": lambda: (Format.RSS, b"<rss>" + b"<item><title>t</title>" * 200 + b"</item>" * 200 + b"</rss>"),
    "markup 10,000 deep": lambda: (Format.RSS, rss(description="&lt;b&gt;" * 9_999)),
    "xhtml 10,000 deep": lambda: (Format.ATOM, atom("<div>" * 10_000 + "</div>" * 10_000)),
    "NITF 10,000 deep": lambda: (Format.NEWSML, newsml("<p>" * 10_000 + "</p>" * 10_000)),
    "JSON 10,000 deep": lambda: (Format.JSON, b'{"title": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    "JSON a million deep": lambda: (Format.JSON, b"[" * 1_000_000),
    "objects 10,000 deep": lambda: (Format.JSON, b'{"title": "t", "x": ' + b'{"x": ' * 10_000 + b"1" + b"}" * 10_001),
    "associations 900 deep": lambda: (
        Format.NINJS,
        b'{"uri": "u", "headline": "h", "body_text": "b", "associations": {"a": ' * 900 + b"{}" + b"}}" * 900,
    ),
    "divisions 9,999 deep": lambda: (Format.JSON, native(content_html="<div>" * 9_999)),
    "inline elements 9,999 deep": lambda: (Format.JSON, native(content_html="<b>" * 9_999 + "x")),
    "tables in tables": lambda: (Format.JSON, native(content_html="<table><tr><td>" * 3_333 + "x")),
    "left open and misnested": lambda: (Format.JSON, native(content_html="<a href='/x'><b><p></a>x" * 2_499)),
    "lists in lists": lambda: (Format.JSON, native(content_html="<ul><li>" * 4_999 + "x")),
    "selects and forms": lambda: (Format.JSON, native(content_html="<select><form><svg><math>" * 2_499)),
    # size
    "a title of 20 MB in RSS": lambda: (Format.RSS, rss("x" * _BIG)),
    "a title of 15 MB in RSS": lambda: (Format.RSS, rss("x" * 15_000_000)),
    "a title of 15 MB of Cyrillic in RSS": lambda: (Format.RSS, rss("й" * 7_500_000)),
    "a title of 15 MB in UTF-16": lambda: (Format.RSS, rss("й" * 7_500_000).decode().encode("utf-16")),
    "a title of 20 MB in JSON": lambda: (Format.JSON, native(title="x" * _BIG)),
    "a title of 20 MB of markup in JSON": lambda: (Format.JSON, native(title="<b>" * (_BIG // 3))),
    "a title of 20 MB in ninjs": lambda: (Format.NINJS, ninjs(headline="x" * _BIG)),
    "a headline of 15 MB in NewsML-G2": lambda: (
        Format.NEWSML,
        newsml("<p>x</p>").replace(b"<headline>h", b"<headline>" + b"x" * 15_000_000),
    ),
    "a tag of 20 MB": lambda: (Format.JSON, native(tags=["x" * _BIG])),
    "a name of 20 MB": lambda: (Format.JSON, native(authors=[{"name": "x" * _BIG}])),
    "a URL of 20 MB": lambda: (Format.JSON, native(url="https://a.example/" + "x" * _BIG)),
    "a guid of 15 MB": lambda: (Format.NEWSML, newsml("<p>x</p>", guid="x" * 15_000_000)),
    "a body of 20 MB": lambda: (Format.JSON, native(content_html="<p>" + "x" * _BIG)),
    "a body of 20 MB of text": lambda: (Format.JSON, native(content_text="x\n\n" * (_BIG // 3))),
    "a body of a million ampersands": lambda: (Format.JSON, native(content_html="&" * 1_000_000)),
    "a body of 10,000 angle brackets": lambda: (Format.JSON, native(content_html="<" * 10_000)),
    "a body of 100,000 attributes": lambda: (Format.JSON, native(content_html=f"<a {_ATTRIBUTES}>x</a>")),
    "a million items": lambda: (Format.JSON, b'{"items": [' + b'{"title": "t"},' * 999_999 + b'{"title": "t"}]}'),
    "5,000 items": lambda: (Format.JSON, b'{"items": [' + b'{"title": "t"},' * 4_999 + b'{"title": "t"}]}'),
    "a million empty lists": lambda: (Format.JSON, b'{"title": "t", "x": [' + b"[]," * 10_000_000 + b"[]]}"),
    "a million small numbers": lambda: (Format.JSON, b'{"title": "t", "x": [' + b"1.5," * 7_000_000 + b"1]}"),
    "a number of 20 MB": lambda: (Format.JSON, b'{"id": ' + b"9" * _BIG + b"}"),
    "50,000 items of RSS": lambda: (
        Format.RSS,
        b"<rss><channel>" + b"<item><title>t</title></item>" * 50_000 + b"</channel></rss>",
    ),
    "15 million ampersands": lambda: (Format.RSS, rss("&" * 15_000_000)),
    "long addresses": lambda: (
        Format.JSON,
        native(content_html=f'<a href="https://a.example/?{"a=" * 2000}">x</a>' * 900),
    ),
    "tags of 100,000 attributes": lambda: (
        Format.JSON,
        native(content_html=f"<a {_ATTRIBUTES}>x</a><p {_ATTRIBUTES.replace('x', '>')}>y</p>"),
    ),
    "large markup of quotes": lambda: (Format.JSON, native(content_html="<a '<a \"" * 4_999 + "x" * 100_000)),
    "large markup of names": lambda: (Format.JSON, native(content_html="<a " + "a" * 2_000_000 + ">")),
    "large markup of comments": lambda: (Format.JSON, native(content_html="<!--" * 9_999 + "x" * 1_000_000)),
    "large markup of scripts": lambda: (Format.JSON, native(content_html="<script>" * 9_999 + "x" * 1_000_000)),
    "a tag of a million attributes": lambda: (Format.JSON, native(content_html="<p>a</p><a " + "b/" * 1_000_000)),
    "a million elements": lambda: (Format.RSS, b"<rss>" + b"<a/>" * 1_000_000 + b"</rss>"),
    "100,000 attributes": lambda: (Format.RSS, rss(inside=f"<a {_ATTRIBUTES}/>")),
    "50,000 namespaces": lambda: (
        Format.RSS,
        rss().replace(b"<rss", b"<rss " + b" ".join(b"xmlns:a%d='x%d'" % (n, n) for n in range(50_000))),
    ),
    # what is not well-formed
    "a million ampersands": lambda: (Format.RSS, rss("&" * 1_000_000)),
    "100,000 angle brackets": lambda: (Format.RSS, rss("<" * 100_000)),
    "100,000 CDATA sections, left open": lambda: (Format.RSS, rss("<![CDATA[" * 100_000)),
    "100,000 comments, left open": lambda: (Format.RSS, rss("<!--" * 100_000)),
    "100,000 quotes, left open": lambda: (Format.RSS, rss('<a href="' * 100_000)),
    "unknown entities": lambda: (Format.RSS, rss("&nothing;" * 100_000)),
    "end tags only": lambda: (Format.RSS, b"</rss>" * 100_000),
    "a page of HTML": lambda: (Format.RSS, b"<html>" + b"<p>x</p>" * 100_000),
    "white space": lambda: (Format.RSS, b" " * 15_000_000),
    "white space in a root": lambda: (Format.RSS, b"<rss>" + b" " * 15_000_000 + b"<"),
    # characters
    "NUL in RSS": lambda: (Format.RSS, rss("a\0b")),
    "NUL only": lambda: (Format.RSS, b"\0" * 1_000_000),
    "NUL in JSON": lambda: (Format.JSON, rb'{"title": "a\u0000b"}'),
    "lone surrogates in JSON": lambda: (Format.JSON, rb'{"title": "\ud800", "content_html": "\udfff<b>\ud800"}'),
    "lone surrogates in ninjs": lambda: (Format.NINJS, rb'{"uri": "\ud800u", "headline": "\udfffh", "bodies": []}'),
    "surrogates in UTF-8": lambda: (Format.RSS, rss("X").replace(b"X", b"\xed\xa0\x80")),
    "surrogates as references": lambda: (Format.RSS, rss("&#xD800;&#0;&#x110000;&#99999999999;")),
    "overlong UTF-8": lambda: (Format.RSS, rss("X").replace(b"X", b"\xc0\xbcscript\xc0\xbe")),
    "UTF-7": lambda: (Format.RSS, b'<?xml version="1.0" encoding="utf-7"?>' + rss("+ADw-script+AD4-")[21:]),
    "an encoding that is none": lambda: (Format.RSS, b'<?xml version="1.0" encoding="zip"?>' + rss("\xff")[21:]),
    "UTF-32": lambda: (Format.RSS, rss("й").decode().encode("utf-32")),
    "random bytes": lambda: (Format.RSS, b"<rss>" + bytes(range(256)) * 4000),
    "text encoded twice, a lot": lambda: (Format.JSON, native(content_html="РќРѕРІРёРЅРё " * 40_000)),
    # dates
    "the year 99999 in RSS": lambda: (Format.RSS, rss(inside="<pubDate>Thu, 15 Jan 99999 12:00:00 GMT</pubDate>")),
    "the year 99999 in JSON": lambda: (Format.JSON, native(date_published="99999-01-01T00:00:00Z")),
    "the year 99999 in ninjs": lambda: (Format.NINJS, ninjs(versioncreated="99999-01-01T00:00:00Z", body_text="b")),
    "the year 99999 in NewsML-G2": lambda: (
        Format.NEWSML,
        newsml("<p>x</p>").replace(
            b"<contentMeta>", b"<itemMeta><versionCreated>99999-01-01</versionCreated></itemMeta><contentMeta>"
        ),
    ),
    "a date of a million digits": lambda: (Format.RSS, rss(inside=f"<pubDate>{'1' * 1_000_000}</pubDate>")),
    "a zone beyond the day": lambda: (Format.RSS, rss(inside="<pubDate>Thu, 15 Jan 2026 12:00:00 +9999</pubDate>")),
}


def fate_of(name: str) -> Fate:
    """Read a document in a child that may take so much memory and time and no more."""
    form, body = DOCUMENTS[name]()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _limit_memory()
        os.write(writer, json.dumps(asdict(_read(form, body))).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return Fate(**json.loads(said)) if said else Fate("crashed", f"the process ended with {status}", 0, 0)


def _limit_memory() -> None:
    with open("/proc/self/statm") as pages:
        size = int(pages.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MORE_MEMORY, size + MORE_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))


def _read(form: Format, body: bytes) -> Fate:
    before, begun = _peak(), process_time()
    try:
        reading = read_document(form, body, "", "s", _NOW)
        json.dumps([item.model_dump_json() for _, item in reading.items] + reading.warnings).encode()
        json.dumps([[r.guid, r.errors] for r in reading.rejected], ensure_ascii=False).encode()
        what = "items" if reading.items else "refused"
        detail = f"{len(reading.items)} items, {len(reading.rejected)} rejected, {reading.warnings[:1]}"
        if not reading.items and not reading.rejected and not reading.warnings:
            what = "lost"
    except PoisonError as error:
        what, detail = "refused", str(error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the test tells of it
        what, detail = "crashed", f"{type(error).__name__}: {error}"
    return Fate(what, detail[:500], process_time() - begun, _peak() - before)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    for form in (Format.JSON, Format.RSS):  # what is loaded at first use
        read_document(form, native() if form is Format.JSON else rss(), "", "s", _NOW)
    json.dump({name: asdict(fate_of(name)) for name in sys.argv[1:] or DOCUMENTS}, sys.stdout)


if __name__ == "__main__":
    main()
