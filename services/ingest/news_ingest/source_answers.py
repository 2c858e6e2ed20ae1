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
                "detail": "is missing",
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

    id: str = Field(description="The middle part of its token.")
    scopes: list[Scope] = Field(description="What it opens.")
    created_at: AwareDatetime = Field(description="When it was made.")
    expires_at: AwareDatetime | None = Field(description="From then on it opens nothing; null: never.")
    requests_per_minute: int | None = Field(None, description="Its own limit; absent: the default.")
    articles_per_minute: int | None = Field(None, description="Its own limit; absent: the default.")


class KeyList(BaseModel):
    """Keys of a source, oldest first."""

    items: list[KeyShown] = Field(description="All of them.")


class KeyMade(KeyShown):
    """A new key, with its secret for the only time."""

    token: str = Field(description="To be sent as `Authorization: Bearer`; it is shown this once.")


class KeyReplaced(BaseModel):
    """A key that was rotated."""

    id: str = Field(description="Of the old key.")
    expires_at: AwareDatetime = Field(description="Until then it opens doors beside the new one.")


class KeyRotated(KeyMade):
    """A key that replaces another."""

    replaces: KeyReplaced


class WebSubShown(BaseModel):
    """The subscription of a feed at its hub."""

    state: str = Field(description="active, asked or refused.")
    hub: str = Field(description="Whom it is with.")
    topic: str = Field(description="Address of the feed there.")
    asked_at: AwareDatetime = Field(description="When it was asked for.")
    until: AwareDatetime | None = Field(description="When it ends, unless it is renewed.")
    refused: str | None = Field(description="Why the hub refused.")


class PollingShown(PollReport):
    """How a feed does; nothing but health and reason before its first poll."""

    health: Health = Field(description="How it does, in a word.")
    reason: str | None = Field(description="Why it is not ok.")
    websub: WebSubShown | None = Field(None, description="Where its hub was asked to tell of changes.")


class SourceShown(Source):
    """A source with its keys, and with what polls told."""

    keys: list[KeyShown] = Field(description="Without their secrets.")
    polling: PollingShown | None = Field(None, description="Of a source with a feed.")
    moved_from: str | None = Field(None, description="The feed's address as it was set, before permanent redirects.")


class SourcesPage(BaseModel):
    """Sources by id."""

    items: list[SourceShown] = Field(description="At most `limit`.")
    next: str | None = Field(None, description="There when there are more: ask for it as `after`.")


class PollDue(BaseModel):
    """When the feed is due."""

    due: AwareDatetime = Field(description="Polled then, or as soon as its host may be asked.")


class DiscoveredFeed(BaseModel):
    """A feed that was tried."""

    url: str = Field(description="Its address.")
    title: str = Field(description="As it calls itself.")
    items: int = Field(description="That can be read.")
    rejected: int = Field(description="Items that cannot.")


class Discovered(BaseModel):
    """The feeds of a site, the best first."""

    url: str = Field(description="What was looked at.")
    feeds: list[DiscoveredFeed] = Field(description="Those that can be read.")


class ListedFeed(BaseModel):
    """A feed of a list, and its source."""

    id: str = Field(description="Of its source.")
    feed_url: str = Field(description="Its address.")


class RefusedFeed(BaseModel):
    """A line of a list that is no feed."""

    title: str = Field(description="As the list has it.")
    feed_url: str = Field(description="As the list has it.")
    error: str = Field(description="Why it is none.")


class Imported(BaseModel):
    """What became of a list of feeds."""

    created: list[ListedFeed] = Field(description="Sources that are new.")
    existing: list[ListedFeed] = Field(description="Feeds that a source had already.")
    rejected: list[RefusedFeed] = Field(description="What is no feed.")


def _responses(status: int, model: object, value: object, *also: int) -> Responses:
    return {**AUTHORISED, **{one: _ALSO[one] for one in also}, status: example(model, value)}


_ALSO: Final[Responses] = {
    404: {"description": "There is no such source or key."},
    409: {"description": "There is a source of this id already."},
    412: {"description": "It was changed since you read it: `If-Match` does not fit."},
}
LIST_RESPONSES = _responses(200, SourcesPage, {"items": [_SOURCE], "next": "herald"})
ONE_RESPONSES = _responses(200, SourceShown, _SOURCE, 404)
CHANGE_RESPONSES = _responses(200, SourceShown, _SOURCE, 404, 412)
CREATE_RESPONSES = _responses(201, SourceShown, _SOURCE, 409)
PUT_RESPONSES = {**_responses(200, SourceShown, _SOURCE, 412), 201: example(SourceShown, _SOURCE, "It is new.")}
DELETE_RESPONSES: Responses = {**AUTHORISED, 404: _ALSO[404], 412: _ALSO[412], 204: {"description": "It is gone."}}
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
