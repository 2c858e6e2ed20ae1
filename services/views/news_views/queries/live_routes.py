"""Counts as they change, as an event stream that any browser's ``EventSource`` reads."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from news_shared.article_ids import ArticleId, parse_article_id
from news_shared.clock import rfc3339
from news_shared.event_streams import Patience, answer_with_events
from news_shared.problems import GONE, NOT_FOUND
from news_views.beacons.door import PATH
from news_views.queries.answers import counted, uncounted
from news_views.queries.counts_query import ArticleCount
from news_views.queries.live import LiveCounts, Watch
from news_views.queries.routes import MAX_ARTICLES

router = APIRouter(tags=["views"])

_EXAMPLE: Final = """retry: 2741

event: articles
data: {"morrow-herald:ferry-timetable":"0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11"}

data: {"article":"0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11","views":21478,"readers":17402,"readers_today":913,"filtered":\
{"bot":3120,"prefetch":288,"repeat":9071,"opted_out":640,"burst":12,"unknown":0},"as_of":"2026-01-15T12:00:03Z"}

: still here

event: gone
data: {"article":"0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11","views":null,"readers":null,"readers_today":null,\
"filtered":null,"status":410,"as_of":"2026-01-15T12:03:09Z"}

"""
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The stream. Messages without a name carry counts.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    },
    400: {"description": "Neither an id nor `source:guid`."},
    422: {"description": "None, or more than 100."},
    503: {"description": "Too many pages are watching: ask for the counts now and then instead."},
}


@router.get(
    f"{PATH}/live",
    responses=_RESPONSES,
    response_class=StreamingResponse,
    summary="Counts as they change",
)
async def live_counts(
    request: Request,
    article: Annotated[
        list[str],
        Query(min_length=1, max_length=MAX_ARTICLES, description="Ids or `source:guid`, up to 100."),
    ],
) -> Response:
    """The counts of each article at once, and again whenever they change.

    First comes an event `articles` that says which id each asked name has; then messages like the answers of
    `GET /v1/views`. An event `gone` says that an article was withdrawn, `unknown` that nobody has announced it; show
    nothing for it until its counts come. While counts cannot be had, comments keep the stream open and nothing is said.
    After some minutes the stream ends and the browser opens it again.
    """
    names = {name: parse_article_id(name) for name in article}
    return _Stream(names, request.state.live, request.state.patience)


class _Stream(Response):
    """Watches before it answers, so that one page too many is refused with a status."""

    def __init__(self, names: Mapping[str, ArticleId], live: LiveCounts, patience: Patience) -> None:
        super().__init__()
        self._names = names
        self._live = live
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._live.watching(self._names.values()) as watch:
            await answer_with_events(self._events(watch), scope, receive, send)

    async def _events(self, watch: Watch) -> AsyncIterator[bytes]:
        yield b"event: articles\ndata: %s\n\n" % _json(self._names)
        patience = self._patience.drawn()
        async for changes in watch.changes(silence=patience.heartbeat, life=patience.life):
            yield b"".join(changes) or b": still here\n\n"


def event(count: ArticleCount) -> bytes:
    """What the stream says of an article."""
    as_of = {"as_of": rfc3339(count.as_of)}
    if count.state == "known":
        return b"data: %s\n\n" % _json({**counted(count.article, count.totals), **as_of})
    name, problem = (b"gone", GONE) if count.state == "withdrawn" else (b"unknown", NOT_FOUND)
    return b"event: %s\ndata: %s\n\n" % (name, _json({**uncounted(count.article, problem.status), **as_of}))


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
