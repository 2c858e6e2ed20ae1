"""Whatever is sent is read or refused: structures of the formats' own names, and samples whose bytes were changed."""

import json
from time import process_time
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from news_ingest.formats.detection import Format, format_of, read_document
from news_shared.errors import PoisonError
from tests.ingest.format_cases import BUILDERS, CASES
from tests.ingest.hostile_documents import MOST_SECONDS
from tests.ingest.safety import assert_accounted
from tests.ingest.test_samples import NAMES, NOW, SAMPLES
from tests.testbed.effort import often

VECTORS = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src=javascript:alert(1)>",
    "<object data=javascript:alert(1)><param name=x></object>",
    "<embed src=data:text/html,<script>alert(1)</script>>",
    "<video><source onerror=alert(1) src=javascript:alert(1)></video>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='jav&#x09;ascript:alert(1)'>x</a>",
    "<a href='&#1;javascript:alert(1)'>x</a>",
    "<a href=\"https://a.example/\" onclick='alert(1)' style='x:expression(alert(1))'>x</a>",
    "<base href=javascript:/a/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<details open ontoggle=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<textarea></textarea><script>alert(1)</script>",
    "<title><img title='</title><script>alert(1)</script>'>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "]]><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript:msgbox(1)",
    'https://a.example/"onload="alert(1)',
    "https://a.example/<script>alert(1)</script>",
    "//javascript:alert(1)@a.example",
    "<div data-href='javascript:alert(1)'></div>",
    "<blockquote class=x-embed cite=javascript:alert(1)>x</blockquote>",
]
junk = st.sampled_from(
    ["", "\0", "\t", "\n", "/", "<", ">", '"', "'", "&", ";", "<!--", "&#0;", "\u2028", "İ", "ſ", "&#x3c;"]
)


@st.composite
def vectors(draw: st.DrawFn) -> str:
    """Known ways to run a script, changed: case, junk inside, escaped once more, two in one."""
    text = draw(st.sampled_from(VECTORS))
    at = draw(st.integers(0, len(text)))
    text = text[:at] + draw(junk) + text[at:]
    how = draw(st.integers(0, 4))
    if how == 0:
        return text.swapcase()
    if how == 1:
        return escape(text)
    if how == 2:
        other = draw(st.sampled_from(VECTORS))
        return text[:at] + other + text[at:]
    return text


def _injected(said: object, vector: str) -> object:
    """The smallest document of a case with the vector in place of every text in it."""
    if isinstance(said, dict):
        return {name: _injected(value, vector) for name, value in said.items()}
    if isinstance(said, list):
        return [_injected(value, vector) for value in said]
    if not isinstance(said, str):
        return said
    for word in ("First words", "A name.", "Ann", "Sea", "Wire", "https://a.example/page", "https://a.example/p.jpg"):
        said = said.replace(word, escape(vector, {'"': "&quot;"}) if "<" in said else vector)
    return said.replace("&lt;p&gt;B&lt;/p&gt;", escape(vector)) if "<" in said else said.replace("<p>B</p>", vector)


@given(st.sampled_from(CASES), vectors())
@settings(max_examples=often(400), suppress_health_check=[HealthCheck.too_slow])
def test_nothing_active_survives_in_any_field_of_any_format(case_: object, vector: str) -> None:
    case = next(case for case in CASES if case is case_)
    around = {name: _injected(value, vector) for name, value in case.around.items()}
    form, document = BUILDERS[case.format](_injected(case.said, vector), **around)
    try:
        reading = read_document(form, document, "", "s", NOW)
    except PoisonError:
        return
    assert_accounted(reading)


@pytest.mark.parametrize("vector", VECTORS)
def test_a_known_vector_does_nothing_in_any_field_of_the_native_format(vector: str) -> None:
    people = [{"name": vector, "url": vector}]
    said = {
        "id": vector,
        "url": vector,
        "title": f"T {vector}",
        "summary": vector,
        "content_html": f"<p>{vector}</p>",
        "authors": people,
        "attributions": people,
        "tags": [vector],
        "image": vector,
        "version": vector[:90],
        "corrections": [{"at": "2026-01-15T12:00:00Z", "note": vector}],
    }
    reading = read_document(Format.JSON, json.dumps(said).encode(), "", "s", NOW)
    assert len(reading.items) == 1
    assert_accounted(reading)


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | vectors(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
NAMES_OF_NINJS = [
    *("uri", "guid", "headline", "headlines", "bodies", "body_html", "body_text", "versioncreated", "versionCreated"),
    *(
        "pubstatus",
        "embargoed",
        "embargoedUntil",
        "altids",
        "associations",
        "renditions",
        "subject",
        "infosource",
        "by",
    ),
    *("representationtype", "language", "signal", "ednote", "type", "descriptions", "version"),
]
NAMES_INSIDE = ["value", "role", "contentType", "name", "href", "uri", "type", "rel", "width", "renditions", "headline"]
inside = st.dictionaries(st.sampled_from(NAMES_INSIDE), any_json, max_size=4)
of_ninjs = any_json | st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3)


@given(st.dictionaries(st.sampled_from(NAMES_OF_NINJS), of_ninjs, max_size=8))
@settings(max_examples=often(300), suppress_health_check=[HealthCheck.too_slow])
def test_any_object_with_the_names_of_ninjs_is_read_or_refused(document: dict[str, object]) -> None:
    reading = read_document(Format.NINJS, json.dumps({"uri": "u", **document}).encode(), "", "s", NOW)
    assert len(reading.items) + len(reading.rejected) == 1
    assert_accounted(reading)


@given(
    st.dictionaries(st.sampled_from(["version", "items", "language", "authors", "home_page_url"]), any_json), any_json
)
def test_any_json_feed_is_read_or_refused(document: dict[str, object], items: object) -> None:
    document = {"version": "https://jsonfeed.org/version/1.1", "items": items, **document}
    try:
        assert_accounted(read_document(Format.JSON_FEED, json.dumps(document).encode(), "", "s", NOW))
    except PoisonError as error:
        assert str(error)  # noqa: PT017


NAMES_OF_XML = [
    *("rss", "channel", "item", "title", "link", "guid", "description", "content:encoded", "pubDate", "category"),
    *(
        "feed",
        "entry",
        "id",
        "content",
        "summary",
        "author",
        "name",
        "updated",
        "source",
        "media:group",
        "media:content",
    ),
    *(
        "newsItem",
        "itemMeta",
        "contentMeta",
        "contentSet",
        "inlineXML",
        "inlineData",
        "nitf",
        "body",
        "body.content",
        "p",
    ),
    *(
        "headline",
        "pubStatus",
        "embargoed",
        "versionCreated",
        "media",
        "media-reference",
        "remoteContent",
        "subject",
        "div",
    ),
]
NAMES_OF_ATTRIBUTES = [
    "type",
    "href",
    "rel",
    "xml:base",
    "xml:lang",
    "qcode",
    "guid",
    "url",
    "source",
    "contenttype",
    "role",
]
texts = (
    st.text(max_size=6).map(escape)
    | vectors().map(escape)
    | vectors()
    | st.sampled_from(["2026-01-15", "html", "xhtml"])
)
attributes = st.dictionaries(st.sampled_from(NAMES_OF_ATTRIBUTES), st.text(max_size=8) | vectors(), max_size=3)


def _element(parts: tuple[str, dict[str, str], list[str]]) -> str:
    name, said, content = parts
    return f"<{name} {' '.join(f'{n}={quoteattr(v)}' for n, v in said.items())}>{''.join(content)}</{name}>"


elements = st.recursive(
    texts,
    lambda inner: st.tuples(st.sampled_from(NAMES_OF_XML), attributes, st.lists(inner, max_size=4)).map(_element),
    max_leaves=12,
)
ROOTS = [
    '<rss xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><item>{}</item>{}</channel></rss>',
    '<feed xmlns="http://www.w3.org/2005/Atom"><entry>{}</entry>{}</feed>',
    '<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="g">{}{}</newsItem>',
    "<rdf:RDF>{}{}",
    "{}{}",
]


@given(st.sampled_from(ROOTS), elements, elements)
@settings(max_examples=often(400), suppress_health_check=[HealthCheck.too_slow])
def test_any_xml_with_the_names_of_the_formats_is_read_or_refused(root: str, first: str, second: str) -> None:
    body = root.format(first, second).encode(errors="surrogatepass")
    try:
        assert_accounted(read_document(Format.RSS, body, "", "s", NOW))
    except PoisonError as error:
        assert str(error)  # noqa: PT017


@st.composite
def changed_samples(draw: st.DrawFn) -> tuple[str, bytes]:
    """A sample with some bytes changed, left out, doubled, or of another sample."""
    name = draw(st.sampled_from([name for name in NAMES if not name.endswith("ndjson")]))
    body = bytearray((SAMPLES / name).read_bytes())
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(body)))
        length = draw(st.integers(0, 60))
        match draw(st.integers(0, 4)):
            case 0:
                body[at : at + length] = b""
            case 1:
                body[at:at] = draw(st.binary(max_size=8))
            case 2:
                body[at:at] = body[at : at + length] * draw(st.integers(1, 20))
            case 3:
                body[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case _:
                other = (SAMPLES / draw(st.sampled_from(NAMES))).read_bytes()
                start = draw(st.integers(0, len(other)))
                body[at:at] = other[start : start + 200]
    return name, bytes(body)


@given(changed_samples())
@settings(max_examples=often(500), suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
def test_a_changed_sample_is_read_or_refused_in_time(changed: tuple[str, bytes]) -> None:
    _, body = changed
    begun = process_time()
    for form in {format_of(None, "", body[:200]) or Format.RSS, Format.JSON}:
        try:
            assert_accounted(read_document(form, body, "", "s", NOW))
        except PoisonError as error:
            assert str(error)  # noqa: PT017
    assert process_time() - begun < MOST_SECONDS
