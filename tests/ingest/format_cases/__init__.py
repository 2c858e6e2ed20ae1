"""One smallest document for every cell of the table in docs/formats.md: where a field comes from in a format."""

from collections.abc import Callable

from news_ingest.formats.detection import Format
from tests.ingest.format_cases.native import json_cases, json_feed, native
from tests.ingest.format_cases.newsml import newsml, newsml_cases
from tests.ingest.format_cases.ninjs import ninjs, ninjs1_cases, ninjs3_cases
from tests.ingest.format_cases.syndication import atom, atom_cases, rss, rss_cases

BUILDERS: dict[str, Callable[..., tuple[Format, bytes]]] = {
    "RSS, RDF": rss,
    "Atom": atom,
    "native": native,
    "JSON Feed": json_feed,
    "ninjs 1.x": ninjs,
    "ninjs 2.x, 3.x": ninjs,
    "NewsML-G2": newsml,
}

CASES = (*rss_cases(), *atom_cases(), *json_cases(), *ninjs1_cases(), *ninjs3_cases(), *newsml_cases())
