"""The contract of news.articles: bytes, headers, schema; what was written once must decode for ever."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from aiokafka import ConsumerRecord

from news_shared.article_ids import article_id
from news_shared.articles import (
    Article,
    ArticleEvent,
    Correction,
    EventType,
    Link,
    Person,
    Withdrawal,
    decode_event,
    encode_event,
    event_of,
)
from news_shared.errors import PoisonError
from news_shared.topics import ARTICLES

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
AT = datetime(2026, 1, 15, 12, 30, tzinfo=UTC)
ARTICLE = Article(
    id=article_id("ukr", "1"),
    revision=2,
    source="ukr",
    guid="1",
    url="https://example.org/1",
    language="uk",
    title="Порт відкрито",
    content_html="<p>…</p>",
    authors=(Person(name="Олена"),),
    date_published=AT,
    tags=("Harbour",),
    corrections=(Correction(at=AT, note="назву виправлено"),),
    links=(Link(url="https://example.org/2", text="раніше", paragraph=0),),
    first_published_at=AT,
)
WITHDRAWAL = Withdrawal(id=ARTICLE.id, revision=3, source="ukr", guid="1", time=AT, reason="помилка")


@pytest.mark.parametrize(
    ("event", "schema"),
    [
        (ArticleEvent(type=EventType.UPDATED, article=ARTICLE, submission=(3, 14), trace="00-a-b-01"), "article"),
        (ArticleEvent(type=EventType.WITHDRAWN, article=WITHDRAWAL, submission=(3, 15)), "withdrawal"),
    ],
)
def test_an_event_survives_its_encoding_and_fits_its_schema(event: ArticleEvent, schema: str) -> None:
    key, value, headers = encode_event(event)
    assert key == event.id.encode()
    assert decode_event(value, headers) == event
    assert encode_event(event) == (key, value, headers), "equal events give equal bytes"
    jsonschema.validate(json.loads(value), json.loads((SCHEMAS / f"{schema}.v1.json").read_text()))


def test_the_published_schemas_are_those_of_the_code() -> None:
    for model, name in ((Article, "article"), (Withdrawal, "withdrawal")):
        assert json.loads((SCHEMAS / f"{name}.v1.json").read_text()) == model.model_json_schema()


def test_a_field_that_this_version_does_not_know_is_ignored() -> None:
    _, value, headers = encode_event(ArticleEvent(type=EventType.UPDATED, article=ARTICLE, submission=(0, 1)))
    extended = json.dumps({**json.loads(value), "from_the_future": 1}).encode()
    decoded = decode_event(extended, headers)
    assert decoded is not None
    assert decoded.article == ARTICLE


def test_a_type_of_ours_from_the_future_is_skipped_and_anything_else_is_poison() -> None:
    assert decode_event(b"{}", [("ce_type", b"org.newsfeed.article.merged.v1")]) is None
    for headers in ([], [("ce_type", b"com.example.x")], [("ce_type", EventType.UPDATED.encode())]):
        with pytest.raises(PoisonError):
            decode_event(b"{}", headers)


def a_record(key: bytes, value: bytes | None, headers: list[tuple[str, bytes]]) -> ConsumerRecord:
    return ConsumerRecord(ARTICLES, 0, 7, 0, 1, key, value, None, len(key), len(value or b""), tuple(headers))


def test_a_record_is_read_under_its_own_articles_key_alone() -> None:
    event = ArticleEvent(type=EventType.UPDATED, article=ARTICLE, submission=(3, 42))
    key, value, headers = encode_event(event)
    assert event_of(a_record(key, value, headers)) == event
    assert event_of(a_record(key, None, [])) is None
    with pytest.raises(PoisonError, match="is not the id of its article"):
        event_of(a_record(article_id("ukr", "2").encode(), value, headers))
