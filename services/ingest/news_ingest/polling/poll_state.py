"""What is known of a feed from its polls, as it is stored and shown."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from news_ingest.fetching.errors import FetchProblem
from news_ingest.sources import FeedFinding, Source

MAX_ERRORS = 10
MAX_WARNINGS = 5

PollOutcome = Literal["new-items", "unchanged", "not-modified", "failed", "gone", "kafka-away"]
PollProblem = FetchProblem | Literal["http-status", "not-a-feed", "rejected-item", "bug"]


class PollError(BaseModel):
    """One thing that went wrong, with its place where it has one."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime = Field(description="When it went wrong.")
    problem: str = Field(description="What kind of thing, for programs.")
    detail: str = Field(description="What went wrong, in words.")
    item: int | None = Field(None, description="Place of the item in the feed, from 0.")
    guid: str | None = Field(None, description="Of the item.")
    field: str | None = Field(None, description="Of the item.")


class ItemCounts(BaseModel):
    """Items since this state began."""

    model_config = ConfigDict(frozen=True)

    seen: int = Field(0, description="In all documents that were read.")
    new: int = Field(0, description="Not there before.")
    changed: int = Field(0, description="There before, and different.")
    rejected: int = Field(0, description="That cannot be taken.")


class PollReport(BaseModel):
    """A feed's history in short, as operators see it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    since: AwareDatetime | None = Field(None, description="What is told is about the time from then on.")
    last_poll: AwareDatetime | None = Field(None, description="Whatever came of it.")
    last_success: AwareDatetime | None = Field(None, description="When the feed was read, or had not changed.")
    last_change: AwareDatetime | None = Field(None, description="When something in it was new.")
    next_poll: AwareDatetime | None = Field(None, description="When it is due.")
    interval: timedelta | None = Field(None, description="Between two polls.")
    why: str = Field("", description="Why the interval is what it is.")
    outcome: PollOutcome | None = Field(None, description="Of the last poll.")
    status: int | None = Field(None, description="HTTP status of the last answer.")
    http_version: str | None = Field(None, description="Of the last answer.")
    failures: int = Field(0, description="In a row.")
    failing_since: AwareDatetime | None = Field(None, description="When the first of the failures in a row was.")
    polls: int = Field(0, description="How many.")
    items: ItemCounts = Field(ItemCounts(), description="How many.")
    errors: tuple[PollError, ...] = Field((), description="The newest first.")
    warnings: tuple[str, ...] = Field((), description="Of the last reading.")
    hub: str | None = Field(None, description="Who distributes the feed (WebSub).")


class PollState(PollReport):
    """The same with what the next poll needs, as it is stored. Lost with Redis, it begins anew."""

    fingerprint: str = ""
    """Of the settings that the validators belong to."""
    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    """Of the body."""
    rhythm: timedelta | None = None
    topic: str | None = None

    def with_errors(self, errors: list[PollError]) -> "PollState":
        """The newest errors first, the oldest forgotten."""
        return self.model_copy(update={"errors": (*errors, *self.errors)[:MAX_ERRORS]})


Health = Literal["ok", "failing", "gone", "paused", "waiting", "unknown"]
_INTERNAL = PollState.model_fields.keys() - PollReport.model_fields.keys()


def polling_shown(
    source: Source, finding: FeedFinding | None, states: Mapping[str, PollState] | None
) -> dict[str, object]:
    """What operators want to see of a source's polls; durations in ISO 8601.

    Args:
        source: has a feed.
        finding: about its address.
        states: of sources by id; None while Redis is away.
    """
    state = states.get(source.id) if states is not None else None
    health: Health
    reason = None
    if not source.poll:
        health, reason = "paused", "poll is false"
    elif finding is not None and finding.gone:
        health, reason = "gone", finding.gone
    elif states is None:
        health, reason = "unknown", "Redis is away"
    elif state is None or not state.polls:
        health, reason = "waiting", "it was not polled yet"
    elif state.failures:
        health, reason = "failing", state.errors[0].detail if state.errors else None
    else:
        health = "ok"
    said: dict[str, object] = {"health": health, "reason": reason}
    if state is None:
        return said
    if health in {"paused", "gone"}:
        state = state.model_copy(update={"next_poll": None, "interval": None, "why": ""})
    return said | state.model_dump(mode="json", exclude=set(_INTERNAL))


def new_state(now: datetime) -> PollState:
    """Of a feed that was never polled, as far as is known."""
    return PollState(since=now)
