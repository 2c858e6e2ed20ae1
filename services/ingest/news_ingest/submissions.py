"""The contract of ``news.submissions``: what a source said, or a command about an article."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aiokafka import ConsumerRecord
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from news_ingest.items import Item
from news_shared.article_ids import ArticleId, partition_of
from news_shared.clock import epoch_ms
from news_shared.errors import PoisonError
from news_shared.producer import Outgoing
from news_shared.topics import SUBMISSIONS

Kind = Literal["article", "withdraw", "restore", "release"]
_APPEND_TIME = 1  # timestamp type of a topic whose broker sets the time


class Submission(BaseModel):
    """Value of a record. ``item`` goes with kind ``article``; ``until`` says which embargo a ``release`` ends."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Kind = Field(description="A version of an article, or a command about one.")
    id: str = Field(description="The article's, which is the key.")
    source: str | None = Field(None, description="Of a command, where the article was named by it.")
    guid: str | None = Field(None, description="Of a command, where the article was named by it.")
    received_at: AwareDatetime = Field(description="When it came in.")
    item: Item | None = Field(None, description="The version that the source sent.")
    reason: str | None = Field(None, description="Why the article is withdrawn.")
    until: AwareDatetime | None = Field(None, description="Which embargo is over.")

    @model_validator(mode="after")
    def _an_article_has_an_item(self) -> "Submission":
        if (self.kind == "article") != (self.item is not None):
            raise ValueError("kind article comes with an item, and no other kind does")
        return self


@dataclass(frozen=True)
class Received:
    """A submission as it stands in the log."""

    submission: Submission
    partition: int
    offset: int
    appended_ms: int
    expired: bool
    idempotency_key: str | None
    reply: bool
    trace: str | None

    @property
    def id(self) -> ArticleId:
        """The article that it is about."""
        return ArticleId(self.submission.id)


def encode_submission(
    submission: Submission,
    *,
    partitions: int,
    answer_by: datetime | None = None,
    idempotency_key: str | None = None,
    reply: bool = False,
    trace: str | None = None,
) -> Outgoing:
    """The record of a submission, for the partition of its article."""
    headers: list[tuple[str, bytes]] = []
    if answer_by is not None:
        headers.append(("answer_by", str(epoch_ms(answer_by)).encode()))
    if idempotency_key:
        headers.append(("idempotency-key", idempotency_key.encode()))
    if reply:
        headers.append(("reply", b"1"))
    if trace:
        headers.append(("traceparent", trace.encode()))
    value = submission.model_dump_json(exclude_defaults=True).encode()
    key = submission.id.encode()
    return Outgoing(SUBMISSIONS, partition_of(key, partitions), key, value, headers)


def decode_submission(record: ConsumerRecord) -> Received:
    """Read a record.

    Raises:
        PoisonError: it is no submission, or not under its article's key.
    """
    try:
        submission = Submission.model_validate_json(record.value or b"")
    except ValidationError as error:
        raise PoisonError(f"not a submission: {error}") from error
    if (record.key or b"").decode(errors="replace") != submission.id:
        raise PoisonError(f"the key is {record.key!r}, the submission is about {submission.id}")
    headers = dict(record.headers)
    return Received(
        submission=submission,
        partition=record.partition,
        offset=record.offset,
        appended_ms=record.timestamp,
        expired=record.timestamp_type == _APPEND_TIME and record.timestamp > _answer_by(record.headers),
        idempotency_key=headers["idempotency-key"].decode() if "idempotency-key" in headers else None,
        reply="reply" in headers,
        trace=headers["traceparent"].decode() if "traceparent" in headers else None,
    )


def _answer_by(headers: Sequence[tuple[str, bytes]]) -> float:
    value = dict(headers).get("answer_by", b"")
    return int(value) if value.isdigit() else float("inf")
