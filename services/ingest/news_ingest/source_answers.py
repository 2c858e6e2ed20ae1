"""What the HTTP API tells of sources, as schemas with examples."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from news_ingest.polling.poll_state import Health, PollReport
from news_ingest.sources import Source
from news_shared.api_keys import Scope


class KeyShown(BaseModel):
    """A key without its secret."""

    id: str
    scopes: tuple[Scope, ...]
    created_at: AwareDatetime


class WebSubShown(BaseModel):
    """The subscription at a feed's hub."""

    state: Literal["asked", "active", "refused"]
    hub: str
    topic: str
    asked_at: AwareDatetime
    until: AwareDatetime | None = Field(None, description="End of the lease that the hub has confirmed.")
    refused: str | None = None


class PollingShown(PollReport):
    """What a feed's polls told; only health and reason before the first one."""

    health: Health
    reason: str | None
    websub: WebSubShown | None = None


class SourceShown(Source):
    """A source; ``feed_url`` is where the feed is now."""

    keys: tuple[KeyShown, ...] = ()  # type: ignore[assignment]  # without what is secret
    moved_from: str | None = Field(None, description="What was set, before permanent redirects.")
    polling: PollingShown | None = None


class SourcesPage(BaseModel):
    """Sources by id."""

    items: list[SourceShown]
    next: str | None = Field(None, description="There when there are more.")


class PollDue(BaseModel):
    """A poll that was asked for."""

    due: AwareDatetime


class FoundFeedShown(BaseModel):
    """A feed that answers and can be read."""

    url: str
    title: str
    items: int
    rejected: int


class FoundFeeds(BaseModel):
    """The feeds of a site."""

    url: str
    feeds: list[FoundFeedShown]


class ListedFeed(BaseModel):
    """A feed of a list, and the source that polls it."""

    id: str
    feed_url: str


class RefusedFeed(BaseModel):
    """An entry of a list that cannot be taken."""

    title: str
    feed_url: str
    error: str


class ImportedList(BaseModel):
    """What became of a list of feeds."""

    created: list[ListedFeed]
    existing: list[ListedFeed]
    rejected: list[RefusedFeed]


SOURCE = {
    "id": "herald",
    "title": "The Herald",
    "url": "https://herald.example/",
    "feed_url": "https://herald.example/feed.xml",
    "language": "uk",
    "themes": ["Kyiv"],
    "created_at": "2026-01-15T12:00:00Z",
    "keys": [],
    "poll": True,
    "encoding": None,
    "polling": {
        "health": "ok",
        "reason": None,
        "since": "2026-01-14T09:00:00Z",
        "last_poll": "2026-01-15T12:00:00Z",
        "last_success": "2026-01-15T12:00:00Z",
        "last_change": "2026-01-15T11:20:00Z",
        "next_poll": "2026-01-15T12:26:00Z",
        "interval": "PT26M",
        "why": "the feed had not changed: a quarter less often",
        "outcome": "not-modified",
        "status": 304,
        "failures": 0,
        "polls": 12,
        "items": {"seen": 240, "new": 31, "changed": 2, "rejected": 1},
        "errors": [
            {
                "at": "2026-01-15T09:00:00Z",
                "problem": "rejected-item",
                "detail": "Field required",
                "item": 4,
                "guid": "urn:herald:4711",
                "field": "title",
            }
        ],
        "warnings": [],
    },
}
FOUND = {
    "url": "https://example.org/",
    "feeds": [{"url": "https://example.org/feed.xml", "title": "Example", "items": 20, "rejected": 0}],
}
IMPORTED = {
    "created": [{"id": "example", "feed_url": "https://example.org/feed.xml"}],
    "existing": [{"id": "herald", "feed_url": "https://herald.example/rss"}],
    "rejected": [{"title": "Old", "feed_url": "gopher://old.example", "error": "is not an absolute http or https URL"}],
}


def documented(model: type[BaseModel], example: object) -> dict[str, object]:
    """An entry of a route's ``responses``."""
    return {"model": model, "content": {"application/json": {"example": example}}}
