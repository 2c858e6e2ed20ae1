"""The shapes of the answers about articles, and what the OpenAPI document says of requests and answers."""

from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, Field

from news_ingest.article_state import Outcome
from news_ingest.formats.detection import BY_TYPE, Format
from news_shared.articles import Article

AUTHORIZATION: Final = "Bearer and an API key"
PREFER: Final = "wait=N: answer when all is decided, at most N seconds later"
IDEMPOTENCY_KEY: Final = "Repeating a request with it has the first outcome"

_ID = "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11"
_TAKEN = {"id": _ID, "guid": "ferry-timetable", "url": "https://herald.example/ferry-timetable"}
_REJECTED = {"index": 1, "guid": "b", "errors": [{"field": "title", "error": "is missing"}]}


class FieldError(BaseModel):
    """What is wrong with a field."""

    field: str = Field(description="Empty: the whole item.")
    error: str = Field(description="What is wrong with it.")


class TakenItem(BaseModel):
    """An article that was taken."""

    id: str = Field(description="Ours.")
    guid: str = Field(description="The source's.")
    url: str | None = Field(description="Canonical.")
    outcome: Outcome | None = Field(
        None,
        description="With `Prefer: wait`, when it is decided; of a dry run only `withdrawn`.",
    )
    revision: int | None = Field(None, description="With its outcome; none of an article that never was.")
    article: Article | None = Field(None, description="Of a dry run: as it would be published.")


class RejectedItem(BaseModel):
    """An item that cannot be taken."""

    index: int = Field(description="Its place in the document, or its line, from 0.")
    guid: str | None = Field(description="Where the item has one.")
    errors: list[FieldError] = Field(description="All of them.")


class Submitted(BaseModel):
    """What was taken and what was not, in the order of the document."""

    accepted: int = Field(description="How many were taken.")
    items: list[TakenItem] = Field(description="Of very many only the first 10,000.")
    rejected: list[RejectedItem] = Field(description="Of very many only the first 1,000.")
    rejected_count: int | None = Field(None, description="Of all, when not all are shown.")
    warnings: list[str] | None = Field(None, description="What was put right.")


class CommandAnswer(BaseModel):
    """A withdrawal or a restoration that Kafka has."""

    id: str = Field(description="The article's.")
    outcome: Outcome | None = Field(None, description="With `Prefer: wait`, when it is decided.")
    revision: int | None = Field(None, description="With its outcome; none of an article that never was.")


class ArticleOutcome(BaseModel):
    """What became of an article."""

    id: str = Field(description="Ours.")
    source: str | None = Field(description="Whose article it is.")
    guid: str | None = Field(description="The source's own name of it.")
    url: str | None = Field(description="Canonical.")
    revision: int = Field(description="Of its last event.")
    version: str | None = Field(description="Of what is published; the source's own.")
    state: str = Field(description="published, held, withdrawn, withheld or unknown.")
    outcome: Outcome | None = Field(description="Of the newest submission.")
    at: AwareDatetime | None = Field(description="When that was decided.")
    why: str | None = Field(description="In words, where there is more to say.")
    as_of: AwareDatetime = Field(description="Up to when this is right.")


def example(model: object, value: object, description: str = "OK.") -> dict[str, Any]:
    """A documented answer."""
    return {"model": model, "description": description, "content": {"application/json": {"example": value}}}


Responses = dict[int | str, dict[str, Any]]
AUTHORISED: Final[Responses] = {
    401: {"description": "No key, or one that is wrong, revoked or expired."},
    403: {"description": "The key is for another source, or lacks a scope."},
    429: {"description": "Over the key's limit: again after `Retry-After` seconds."},
    503: {"description": "Kafka or Redis is away; the outcome is unknown, and repeating is safe."},
}
_BAD: Final[Responses] = {400: {"description": "The request cannot be read: `detail` says which part."}}
SUBMIT_RESPONSES: Final[Responses] = {
    **AUTHORISED,
    **_BAD,
    200: example(
        Submitted,
        {"accepted": 1, "items": [{**_TAKEN, "outcome": "published", "revision": 1}], "rejected": []},
        "With `Prefer: wait`: all is decided. With `dry_run`: what would be published.",
    ),
    202: example(Submitted, {"accepted": 1, "items": [_TAKEN], "rejected": [_REJECTED]}, "Kafka has them."),
    413: {"description": "A body that is too large, or more articles than the key may send in a minute."},
    415: {"description": "The format is not known: `detail` lists those that are."},
    422: {"description": "Nothing of it can be taken: `rejected` says why, item by item."},
    429: {
        "description": "Over the key's limit. Of NDJSON what stands before line `resume_at` was taken: "
        "`accepted`, `items`, `rejected`."
    },
}


def _command(outcome: Outcome, revision: int) -> Responses:
    decided = {"id": _ID, "outcome": outcome, "revision": revision}
    return {
        **AUTHORISED,
        **_BAD,
        200: example(CommandAnswer, decided, "With `Prefer: wait`: it is decided."),
        202: example(CommandAnswer, {"id": _ID}, "Kafka has it."),
    }


WITHDRAW_RESPONSES: Final = _command(Outcome.WITHDRAWN, 3)
RESTORE_RESPONSES: Final = _command(Outcome.RESTORED, 4)
OUTCOME_RESPONSES: Final[Responses] = {
    **_BAD,
    200: example(
        ArticleOutcome,
        {
            **_TAKEN,
            "source": "herald",
            "revision": 2,
            "version": "2026-01-15T12:00:00Z",
            "state": "published",
            "outcome": "updated",
            "at": "2026-01-15T12:00:02Z",
            "why": None,
            "as_of": "2026-01-15T12:00:03Z",
        },
    ),
    304: {"description": "Nothing changed since the ETag in `If-None-Match`."},
    404: {"description": "Unknown article."},
    503: {"description": "Being restored, or Redis is away: try again after `Retry-After`."},
}

_ITEM = {
    "id": "ferry-timetable",
    "url": "https://herald.example/ferry-timetable",
    "title": "Night ferries return to Port Morrow",
    "content_html": '<p>The last boat left in 2024, <a href="https://herald.example/last-boat">as we reported</a>.</p>',
    "date_published": "2026-01-15T12:00:00Z",
    "tags": ["Port Morrow"],
    "language": "en",
}
_RSS = (
    '<rss version="2.0"><channel><title>The Herald</title><item><guid>ferry-timetable</guid>'
    "<title>Night ferries return</title></item></channel></rss>"
)


def _content(media_type: str) -> dict[str, Any]:
    if media_type.endswith("json") and "ninjs" not in media_type and "ndjson" not in media_type:
        shown = {"version": "https://jsonfeed.org/version/1.1", "title": "The Herald", "items": [_ITEM]}
        return {"schema": {}, "example": shown if "feed" in media_type else _ITEM}
    return {"schema": {"type": "string"}} | ({"example": _RSS} if media_type == "application/rss+xml" else {})


def _parameter(place: str, name: str, kind: str, description: str) -> dict[str, Any]:
    return {"in": place, "name": name, "required": False, "schema": {"type": kind}, "description": description}


SUBMIT_OPENAPI: Final[dict[str, Any]] = {
    "parameters": [
        _parameter("query", "source", "string", "With the admin key: whose articles these are"),
        _parameter("query", "format", "string", ", ".join(Format)),
        _parameter("query", "dry_run", "boolean", "Say what would be published, write nothing"),
        _parameter("header", "authorization", "string", AUTHORIZATION),
        _parameter("header", "prefer", "string", PREFER),
        _parameter("header", "idempotency-key", "string", IDEMPOTENCY_KEY),
    ],
    "requestBody": {
        "required": True,
        "description": "One article or many, in any of these formats (docs/formats.md).",
        "content": {media_type: _content(media_type) for media_type in sorted(BY_TYPE)},
    },
}
