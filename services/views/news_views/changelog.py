"""The records of ``news.view-counts``: the projector's whole state, as of an offset (docs/schemas/view-counts.v1.json).

Keys: ``<article>``, ``<article>|<day>`` and ``@<partition>``. Each value says with ``as_of`` which records of
``news.views`` are in it: those before that offset.
"""

import base64
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from news_shared.article_ids import ArticleId
from news_shared.errors import PoisonError
from news_views.counting.counts import HOURS_OF_A_DAY, REASONS, Day, Reason
from news_views.counting.standing import Transition
from news_views.counting.trending import Window
from news_views.view_log import State

_FIRST_DAY = date(1970, 1, 1).toordinal()


def _from_base64(value: object) -> object:
    return base64.b64decode(value, validate=True) if isinstance(value, str) else value


def _to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


_Bytes = Annotated[bytes, BeforeValidator(_from_base64), PlainSerializer(_to_base64, when_used="json")]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ArticleCounts(_Value):
    """Everything counted of one article, and what the markers said of it."""

    views: int = 0
    readers: int = Field(0, description="Sum of the days' readers; a restore takes it from the days.")
    filtered: Mapping[Reason, int] = dict.fromkeys(REASONS, 0)
    state: State
    revision: int
    language: str
    themes: tuple[str, ...]
    transitions: tuple[Transition, ...] = Field(description="Offset, state from there on, partition clock in ms.")
    log_scores: Mapping[Window, float] = Field({}, description="For trending, see there; empty: no views.")
    as_of: int


class Imported(_Value):
    """What another system said."""

    views: int
    readers: int


class DayCounts(_Value):
    """What was counted of one article on one day (UTC), and what others counted."""

    hours: Annotated[tuple[int, ...], Field(min_length=HOURS_OF_A_DAY, max_length=HOURS_OF_A_DAY)]
    readers: int
    filtered: Mapping[Reason, int]
    sketch: _Bytes = Field(description="The readers' HyperLogLog, as Redis keeps it; empty: nobody.")
    imports: Mapping[str, Imported] = Field({}, description="By origin.", exclude_if=lambda imports: not imports)
    as_of: int


class PartitionProgress(_Value):
    """How complete the changelog is: all changes before ``next_offset`` are written."""

    partition: int
    next_offset: int
    clock_ms: int
    log_ms: int


class PartitionKey(NamedTuple):
    """Key of a partition's progress."""

    partition: int


Key = ArticleId | Day | PartitionKey
Counts = ArticleCounts | DayCounts | PartitionProgress


@lru_cache(maxsize=64)
def day_text(day: int) -> str:
    """The day as ``2026-01-15``."""
    return date.fromordinal(_FIRST_DAY + day).isoformat()


def day_number(day: date) -> int:
    """The day as it is counted from 1970."""
    return day.toordinal() - _FIRST_DAY


def encode_key(key: Key) -> bytes:
    """The key of a record."""
    match key:
        case Day():
            return f"{key.article}|{day_text(key.day)}".encode()
        case PartitionKey():
            return f"@{key.partition}".encode()
        case _:
            return key.encode()


def decode_key(key: bytes) -> Key:
    """The inverse of `encode_key`.

    Raises:
        PoisonError: not a key of this topic.
    """
    text = key.decode(errors="replace")
    try:
        if text.startswith("@"):
            return PartitionKey(int(text[1:]))
        article, bar, day = text.partition("|")
        return Day(ArticleId(article), day_number(date.fromisoformat(day))) if bar else ArticleId(article)
    except ValueError as error:
        raise PoisonError(f"{text[:100]!r} is not a key of news.view-counts") from error


def encode_counts(counts: Counts) -> bytes:
    """The value of a record."""
    return counts.model_dump_json().encode()


def decode_counts(key: Key, value: bytes) -> Counts:
    """The inverse of `encode_counts`.

    Raises:
        PoisonError: not a value of this key.
    """
    model: type[Counts]
    match key:
        case Day():
            model = DayCounts
        case PartitionKey():
            model = PartitionProgress
        case _:
            model = ArticleCounts
    try:
        return model.model_validate_json(value)
    except ValidationError as error:
        raise PoisonError(f"{key}: {error}") from error
