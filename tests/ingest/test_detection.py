"""Which format a document is in."""

import pytest

from news_ingest.formats.detection import Format, format_of, read_document
from tests.ingest.reading import NOW, only


@pytest.mark.parametrize(
    ("name", "content_type", "beginning", "form"),
    [
        ("ndjson", "application/json", b"", Format.NDJSON),
        ("yaml", "application/json", b"{", None),
        (None, "application/json; charset=utf-8", b"", Format.JSON),
        (None, "Application/Feed+JSON", b"", Format.JSON_FEED),
        (None, "text/xml", b"", Format.RSS),
        (None, "application/atom+xml", b"", Format.ATOM),
        (None, "", b'\xef\xbb\xbf\n {"', Format.JSON),
        (None, "text/plain", b"[", Format.JSON),
        (None, "application/octet-stream", b"<?xml", Format.RSS),
        (None, "", b"title", None),
        (None, "image/png", b"{", None),
    ],
)
def test_the_format_is_told_by_name_then_type_then_content(
    name: str | None, content_type: str, beginning: bytes, form: Format | None
) -> None:
    assert format_of(name, content_type, beginning) is form


def test_a_byte_order_mark_before_json_is_no_error() -> None:
    assert only(read_document(Format.JSON, b'\xef\xbb\xbf{"title": "A"}', "", "s", NOW)).title == "A"
