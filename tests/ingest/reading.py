"""Documents read as if they had just come, from one source."""

import json
from datetime import UTC, datetime

from news_ingest.formats.detection import Format, read_document
from news_ingest.formats.native import read_json
from news_ingest.formats.outcome import Reading
from news_ingest.items import Item

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def feed_of(body: bytes, content_type: str = "") -> Reading:
    return read_document(Format.RSS, body, content_type, "s", NOW)


def json_of(document: object) -> Reading:
    return read_json(json.dumps(document).encode(), "s", NOW)


def only(reading: Reading) -> Item:
    assert reading.rejected == []
    [(_, item)] = reading.items
    return item


def noon(hour: int = 12) -> datetime:
    return datetime(2026, 1, 15, hour, tzinfo=UTC)
