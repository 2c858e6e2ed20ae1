"""Pins and blocks of editors: the records of ``news.curation``, and their projection beside the graph."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from aiokafka import ConsumerRecord
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from news_related.graph.changes import SERVICE, TAG
from news_shared.article_ids import ArticleId, parse_article_id
from news_shared.errors import PoisonError
from news_shared.projection.contract import Checkpoint, Effects, Ownership, ProjectionSpec, Restoring
from news_shared.topics import CURATION

MAX_CHOICES = 100
"""Pins and blocks of one article's page; the API refuses more."""

Kind = Literal["pin", "block"]

# As in titles: controls that are no white space, lone surrogates, and non-characters.
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def note_of(text: str | None) -> str | None:
    """An editor's note as readers see it: one line, without characters that are no text; None when nothing is left."""
    return " ".join(_NO_TEXT.sub("", text or "").split()) or None


Note = Annotated[str | None, Field(max_length=1000), AfterValidator(note_of)]


class Choice(BaseModel):
    """An editor's word on whether an article's page shows another article: the value of ``news.curation``."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # readers ignore unknown fields

    article: ArticleId = Field(description="Whose page it is.")
    other: ArticleId = Field(description="What is pinned or blocked there; it may not have arrived.")
    kind: Kind = Field(description="pin: shown first. block: never shown, nor is a copy of its text.")
    by: str = Field(max_length=200, description="The key that was used: `admin`, or `source.key-id`.")
    at: AwareDatetime = Field(description="When it was chosen.")
    note: Note = Field(None, description="Why, in the editor's words.")

    def encode(self) -> bytes:
        """As a record's value, and as stored."""
        return self.model_dump_json(exclude_none=True).encode()


@dataclass(frozen=True)
class Chosen:
    """One record of ``news.curation``: a choice, or that it was taken back."""

    article: ArticleId
    other: ArticleId
    value: bytes | None


def curation_key(article: ArticleId, other: ArticleId) -> bytes:
    """The key of a record."""
    return f"{article}|{other}".encode()


def choices_key(prefix: str, article: ArticleId) -> str:
    """Where the choices for an article's page are kept."""
    return f"{prefix}curation:{article}"


def stored_choices(values: Iterable[bytes]) -> list[Choice]:
    """The choices for an article's page, as they are stored, oldest first."""
    try:
        choices = [Choice.model_validate_json(value) for value in values]
    except ValidationError as error:  # decoded before it was stored
        raise AssertionError("a stored choice does not decode") from error
    return sorted(choices, key=lambda choice: (choice.at, choice.other))


def decode_choice(key: bytes | None, value: bytes | None) -> Chosen:
    """The choice of a record.

    Raises:
        PoisonError: what is wrong with it.
    """
    article, bar, other = (key or b"").decode(errors="replace").partition("|")
    if not bar:
        raise PoisonError(f"key {key!r} is not article|other")
    chosen = Chosen(parse_article_id(article), parse_article_id(other), value)
    if value is None:
        return chosen
    try:
        choice = Choice.model_validate_json(value)
    except ValidationError as error:
        raise PoisonError(f"not a choice: {error}") from error
    if (choice.article, choice.other) != (chosen.article, chosen.other):
        raise PoisonError(f"key {key!r} is not the one of its choice, {choice.article}|{choice.other}")
    return chosen


CURATE_LUA = """
for i = 1, NKEYS do
  local other, value = ARGV[2 * i - 1], ARGV[2 * i]
  if value == '' then redis.call('HDEL', KEYS[i], other) else redis.call('HSET', KEYS[i], other, value) end
end
"""


class Curation:
    """One partition of the choices; the last word on a pair holds."""

    def __init__(self, ownership: Ownership) -> None:
        self._prefix = ownership.prefix

    async def restore(self, restoring: Restoring) -> int | None:
        """The compacted topic is its own changelog: begin at its beginning."""
        return None

    async def load(self, checkpoint: Checkpoint) -> None:
        """Nothing: all state is in Redis."""

    def decode(self, record: ConsumerRecord) -> Chosen | None:
        """The choice of a record; see `decode_choice`."""
        return decode_choice(record.key, record.value)

    async def decide(self, events: Sequence[Chosen]) -> Effects:
        """Each choice beside its article's key."""
        args: list[str | bytes | int | float] = []
        for chosen in events:
            args += (chosen.other, chosen.value or b"")
        return Effects([choices_key(self._prefix, chosen.article) for chosen in events], args)

    async def settle(self) -> Sequence[Effects]:
        """Nothing is put off."""
        return ()

    async def tick(self) -> None:
        """No timers."""

    async def close(self) -> None:
        """Nothing was taken."""


CHOICES: ProjectionSpec[Chosen] = ProjectionSpec(
    group="news.related-curation",
    topic=CURATION,
    service=SERVICE,
    lua=CURATE_LUA,
    open=Curation,
    max_records=200,
    tag=TAG,
    last_record_holds=True,
)
