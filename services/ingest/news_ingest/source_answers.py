"""The shapes of the answers about sources, their keys and their feeds, as the OpenAPI document tells them."""

from typing import Final

from pydantic import AwareDatetime, BaseModel, Field

from news_ingest.answers import AUTHORISED, Responses, example
from news_ingest.polling.poll_state import Health, PollReport
from news_ingest.sources import Source
from news_shared.api_keys import Scope

_KEY: Final = {
    "id": "a3f09c11",
    "scopes": ["articles:write"],
    "created_at": "2026-01-15T12:00:00Z",
    "expires_at": None,
    "articles_per_minute": 600,
}
_TOKEN: Final = {"token": "herald.a3f09c11.gZ1mTn0uP4…"}
_SOURCE: Final = {
    "id": "herald",
    "title": "The Herald",
    "url": "https://herald.example/",
    "created_at": "2026-01-15T12:00:00Z",
    "feed_url": "https://herald.example/feed.xml",
    "poll": True,
    "language": "uk",
    "themes": ["Kyiv"],
    "encoding": None,
    "keys": [_KEY],
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


class KeyShown(BaseModel):
    """A key without its secret."""

    id: str
    scopes: list[Scope]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    requests_per_minute: int | None = Field(None, description="Its own limit; absent: the default.")
    articles_per_minute: int | None = Field(None, description="Its own limit; absent: the default.")


class KeyList(BaseModel):
    """Keys of a source, oldest first."""

    items: list[KeyShown]


class KeyMade(KeyShown):
    """A new key, with its secret for the only time."""

    token: str


class KeyReplaced(BaseModel):
    """A key that was rotated."""

    id: str
    expires_at: AwareDatetime = Field(description="Until then it opens doors beside the new one.")


class KeyRotated(KeyMade):
    """A key that replaces another."""

    replaces: KeyReplaced


class WebSubShown(BaseModel):
    """The subscription of a feed at its hub."""

    state: str
    hub: str
    topic: str
    asked_at: AwareDatetime
    until: AwareDatetime | None
    refused: str | None


class PollingShown(PollReport):
    """How a feed does; nothing but health and reason before its first poll."""

    health: Health
    reason: str | None
    websub: WebSubShown | None = None


class SourceShown(Source):
    """A source with its keys, and with what polls told."""

    keys: list[KeyShown]
    polling: PollingShown | None = None
    moved_from: str | None = Field(None, description="The feed's address as it was set, before permanent redirects.")


class SourcesPage(BaseModel):
    """Sources by id."""

    items: list[SourceShown]
    next: str | None = Field(None, description="There when there are more: ask for it as `after`.")


class PollDue(BaseModel):
    """When the feed is due."""

    due: AwareDatetime


class DiscoveredFeed(BaseModel):
    """A feed that was tried."""

    url: str
    title: str
    items: int
    rejected: int


class Discovered(BaseModel):
    """The feeds of a site, the best first."""

    url: str
    feeds: list[DiscoveredFeed]


class ListedFeed(BaseModel):
    """A feed of a list, and its source."""

    id: str
    feed_url: str


class RefusedFeed(BaseModel):
    """A line of a list that is no feed."""

    title: str
    feed_url: str
    error: str


class Imported(BaseModel):
    """What became of a list of feeds."""

    created: list[ListedFeed]
    existing: list[ListedFeed]
    rejected: list[RefusedFeed]


def _responses(status: int, model: object, value: object, *also: int) -> Responses:
    return {**AUTHORISED, **{one: _ALSO[one] for one in also}, status: example(model, value)}


_ALSO: Final[Responses] = {
    404: {"description": "There is no such source or key."},
    412: {"description": "It was changed since you read it: `If-Match` does not fit."},
}
LIST_RESPONSES = _responses(200, SourcesPage, {"items": [_SOURCE], "next": "herald"})
ONE_RESPONSES = _responses(200, SourceShown, _SOURCE, 404)
CHANGE_RESPONSES = _responses(200, SourceShown, _SOURCE, 404, 412)
CREATE_RESPONSES = _responses(201, SourceShown, _SOURCE)
PUT_RESPONSES = {**_responses(200, SourceShown, _SOURCE, 412), 201: example(SourceShown, _SOURCE, "It is new.")}
DELETE_RESPONSES: Responses = {**AUTHORISED, **_ALSO, 204: {"description": "It is gone."}}
KEYS_RESPONSES = _responses(200, KeyList, {"items": [_KEY]}, 404)
KEY_MADE_RESPONSES = _responses(201, KeyMade, {**_KEY, **_TOKEN}, 404)
KEY_ROTATED_RESPONSES = _responses(
    201,
    KeyRotated,
    {**_KEY, **_TOKEN, "replaces": {"id": "77be01d2", "expires_at": "2026-01-15T13:00:00Z"}},
    404,
)
KEY_REVOKED_RESPONSES: Responses = {**AUTHORISED, 404: _ALSO[404], 204: {"description": "It opens nothing any more."}}
POLL_RESPONSES = _responses(202, PollDue, {"due": "2026-01-15T12:00:00Z"}, 404)
DISCOVER_RESPONSES: Responses = {
    **_responses(
        200,
        Discovered,
        {
            "url": "https://example.org/",
            "feeds": [{"url": "https://example.org/feed.xml", "title": "Example", "items": 20, "rejected": 0}],
        },
    ),
    502: {"description": "The site did not answer well: `reason` says how."},
}
EXPORT_RESPONSES: Responses = {**AUTHORISED, 200: {"description": "The list.", "content": {"text/x-opml": {}}}}
IMPORT_RESPONSES = {
    **_responses(
        200,
        Imported,
        {
            "created": [{"id": "example", "feed_url": "https://example.org/feed.xml"}],
            "existing": [{"id": "herald", "feed_url": "https://herald.example/rss"}],
            "rejected": [
                {"title": "Old", "feed_url": "gopher://old.example", "error": "is not an absolute http or https URL"}
            ],
        },
    ),
    400: {"description": "It is not OPML."},
    413: {"description": "The list is too large."},
}
WEBSUB_VERIFY_RESPONSES: Responses = {
    200: {"description": "The challenge: the subscription was asked for."},
    404: {"description": "It was not asked for."},
    410: {"description": "The feed is not followed any more."},
    503: AUTHORISED[503],
}
WEBSUB_TAKE_RESPONSES: Responses = {
    202: {"description": "Taken, or ignored because the signature is wrong."},
    404: {"description": "No subscription has this callback."},
    410: {"description": "The feed is not followed any more."},
    413: {"description": "The message is too large."},
    503: AUTHORISED[503],
}
