"""The contract of ``news.articles``: the whole article as an event (CloudEvents 1.0, binary mode)."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal

from aiokafka import ConsumerRecord
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from news_shared.article_ids import ArticleId
from news_shared.clock import rfc3339
from news_shared.errors import PoisonError

Headers = list[tuple[str, bytes]]
Standing = Literal["sticky", "withheld", "lifted"]
"""What a withdrawal bars: every version until a restore, none once its source lists the article again, or nothing."""


class EventType(StrEnum):
    """What happened to an article; the ``ce_type`` header."""

    PUBLISHED = "org.newsfeed.article.published.v1"
    UPDATED = "org.newsfeed.article.updated.v1"
    WITHDRAWN = "org.newsfeed.article.withdrawn.v1"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # readers ignore unknown fields


class Person(_Value):
    """An author, or a source that the text is attributed to."""

    name: str = Field(description="As it is to be shown.")
    url: str | None = Field(None, description="Of a page about them.")


class Correction(_Value):
    """What was wrong, and when it was put right."""

    at: AwareDatetime = Field(description="When it was put right.")
    note: str = Field(description="What was wrong, as text.")


class Link(_Value):
    """A hyperlink of the body, in the order of the text."""

    url: str = Field(description="Absolute and canonical.")
    text: str = Field(description="What readers see of it.")
    paragraph: int = Field(ge=0, description="Index of the top-level block of the body that it stands in.")


class Article(_Value):
    """An article as readers may see it: everything sanitised, links canonical.

    The fields are those of a JSON Feed 1.1 item, with additions (docs/formats.md).
    """

    id: ArticleId = Field(description="Ours: made of source and guid.")
    revision: int = Field(ge=1, description="1, 2, 3 … in our log.")
    source: str = Field(description="Whose article it is.")
    guid: str = Field(description="The source's own name of it.")
    url: str | None = Field(None, description="Canonical: where the source has it.")
    version: str | None = Field(None, description="The source's own, where it has one.")
    language: str = Field("und", description="BCP 47; und where unknown.")
    title: str = Field(description="The headline, as text.")
    summary: str | None = Field(None, description="The lead, as text.")
    content_html: str | None = Field(None, description="The body, sanitised.")
    content_text: str | None = Field(None, description="The body, where the source sent text.")
    authors: tuple[Person, ...] = Field((), description="Who wrote it.")
    date_published: AwareDatetime = Field(description="As the source says.")
    date_modified: AwareDatetime | None = Field(None, description="As the source says.")
    dated: bool = Field(True, description="False: the source gave no date, date_published is the time of arrival.")
    tags: tuple[str, ...] = Field((), description="Themes.")
    image: str | None = Field(None, description="URL of the main picture.")
    translation_of: str | None = Field(None, description="guid, or canonical URL.")
    translation_of_guid: str | None = Field(
        None, description="As the source said it, where translation_of is the canonical form of that."
    )
    attributions: tuple[Person, ...] = Field((), description="Whom the text quotes or relies on.")
    corrections: tuple[Correction, ...] = Field((), description="What was put right since.")
    links: tuple[Link, ...] = Field((), description="Of the body, in its order.")
    first_published_at: AwareDatetime = Field(description="When the first revision entered our log.")


class Withdrawal(_Value):
    """What is left of a withdrawn article: enough to remove it, no text."""

    id: ArticleId = Field(description="The article's.")
    revision: int = Field(ge=1, description="Counts on from the article's last.")
    source: str = Field(description="Whose article it was.")
    guid: str = Field(description="Empty while an embargo forbids to name an article that was never published.")
    url: str | None = Field(None, description="Where the source had it.")
    time: AwareDatetime = Field(description="When it was withdrawn.")
    standing: Standing | None = Field(
        None,
        description="sticky: until it is restored; withheld: until its source lists it again; lifted: restored, but "
        "there is no text to publish. Earlier records have none.",
    )
    reason: str | None = Field(None, description="As it was given, for people.")


class ArticleEvent(BaseModel):
    """One record of ``news.articles``."""

    model_config = ConfigDict(frozen=True)

    type: EventType
    article: Article | Withdrawal
    submission: tuple[int, int] = Field(description="Partition and offset in news.submissions that decided it.")
    trace: str | None = Field(None, description="W3C traceparent of the request that brought it.")

    @property
    def id(self) -> ArticleId:
        """The article's id, which is the record's key."""
        return self.article.id


def encode_event(event: ArticleEvent) -> tuple[bytes, bytes, Headers]:
    """Key, value and headers of an event; equal events give equal bytes."""
    body = event.article
    at: datetime = body.time if isinstance(body, Withdrawal) else (body.date_modified or body.date_published)
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{body.id}/{body.revision}".encode()),
        ("ce_source", f"/sources/{body.source}".encode()),
        ("ce_type", event.type.encode()),
        ("ce_time", rfc3339(at).encode()),
        ("ce_subject", body.id.encode()),
        ("content-type", b"application/json"),
        ("submission", f"{event.submission[0]}/{event.submission[1]}".encode()),
    ]
    if event.trace:
        headers.append(("traceparent", event.trace.encode()))
    return body.id.encode(), body.model_dump_json(exclude_defaults=True).encode(), headers


def decode_event(value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> ArticleEvent | None:
    """The event of a record; None for a type that this version does not know, so that producers can move first.

    Raises:
        PoisonError: not an article event, with the field that is wrong.
    """
    named = dict(headers)
    kind = named.get("ce_type", b"").decode(errors="replace")
    if kind not in set(EventType):
        if kind.startswith("org.newsfeed."):
            return None
        raise PoisonError(f"ce_type {kind!r} is not an article event")
    event_type = EventType(kind)
    model: type[Article] | type[Withdrawal] = Withdrawal if event_type is EventType.WITHDRAWN else Article
    try:
        partition, _, offset = named["submission"].decode().partition("/")
        return ArticleEvent(
            type=event_type,
            article=model.model_validate_json(value or b""),
            submission=(int(partition), int(offset)),
            trace=named["traceparent"].decode() if "traceparent" in named else None,
        )
    except KeyError as error:
        raise PoisonError(f"header {error} is missing") from error
    except (ValidationError, ValueError) as error:
        raise PoisonError(f"{kind}: {error}") from error


def event_of(record: ConsumerRecord) -> ArticleEvent | None:
    """The event of a record of ``news.articles``; None for a deleted key or a type of the future.

    Raises:
        PoisonError: it is not an article event, or its key is another article's.
    """
    if record.value is None:
        return None
    event = decode_event(record.value, record.headers)
    if event is not None and record.key != event.id.encode():
        raise PoisonError(f"key {record.key!r} is not the id of its article, {event.id}")
    return event


Status = Literal["usable", "withheld", "canceled"]
"""What a source says of an item's state."""
