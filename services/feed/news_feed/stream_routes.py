"""Published, updated and withdrawn articles as an event stream that any browser's ``EventSource`` reads."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any, Final, TypedDict

import structlog
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from news_feed.article_stream import ArticleStream
from news_feed.recent_events import RecentEvents
from news_feed.selecting import Language, Source, Theme, selection_of
from news_feed.stream_position import LONGEST_POSITION, Offsets, parse_position
from news_feed.timelines import Selection
from news_shared.errors import TransientError
from news_shared.event_streams import Patience, answer_with_events

log = structlog.get_logger()
router = APIRouter(tags=["articles"])

PATH: Final = "/v1/stream"
_LOG_WITHIN: Final = timedelta(seconds=5)
_EXAMPLE: Final = """retry: 2741

id: AAEAAAAAAAAAAAAA
event: heartbeat
data: {"next_within_seconds":15.0}

id: AAEAAQAAAAAAAAAA
event: published
data: {"id":"0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11","revision":1,"source":"morrow-herald","guid":"ferry-timetable",\
"url":"https://herald.example/ferry-timetable","language":"en","title":"Night ferries return to Port Morrow",\
"date_published":"2026-01-15T12:00:00Z","tags":["Transport"],"first_published_at":"2026-01-15T12:00:02Z"}

id: AAEAAgAAAAAAAAAA
event: withdrawn
data: {"id":"0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11","revision":2,"url":"https://herald.example/ferry-timetable",\
"time":"2026-01-15T12:03:09Z","reason":"wrong timetable"}

"""
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The stream.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    },
    400: {"description": "The last id is none that this stream gave."},
    422: {"description": "A part of the selection cannot be."},
    503: {"description": "Too many read the stream, or the log cannot be reached: ask for lists now and then instead."},
}


class StreamState(TypedDict):
    """What the route works with; opened by the lifespan."""

    stream: ArticleStream
    patience: Patience
    partitions: int


@router.get(PATH, responses=_RESPONSES, response_class=StreamingResponse, summary="Articles as they come and go")
async def stream(
    request: Request,
    theme: Theme = None,
    language: Language = None,
    source: Source = None,
    last_event_id: Annotated[
        str | None,
        Query(max_length=LONGEST_POSITION, description="Where there is no way to send the header `Last-Event-ID`."),
    ] = None,
    last_id: Annotated[
        str | None,
        Header(alias="Last-Event-ID", max_length=LONGEST_POSITION, description="Of the last event that was received."),
    ] = None,
) -> Response:
    """Events `published`, `updated` and `withdrawn`, as soon as every query answers with them.

    The data is an article as lists show it; of a withdrawal `id`, `revision`, `url`, `reason` and `time`. The `id`
    of an event says how far one has come: with `Last-Event-ID` nothing is left out, however long one was away. A
    stream without it begins with a `heartbeat`, whose id says where it begins; there is another one after each
    silence, and who hears nothing for longer than its `next_within_seconds` has lost the connection and comes back.
    What is read back from the log has `"replayed": true`; the log is compacted, so of each article that may be its
    newest state only. An event `reset` says that the log is another one: what is not replayed after it is not there
    any more. An event may come twice; an older `revision` than one has is to be ignored. Withdrawals come whatever
    the theme and the language. After some minutes the stream ends and the browser opens it again.
    """
    selection = selection_of(theme, language, source)
    said = last_id or last_event_id
    begin = parse_position(said, request.state.partitions) if said else None
    return _Stream(request.state.stream, selection, begin, request.state.patience)


class _Stream(Response):
    """Becomes a reader before it answers, so that one too many is refused with a status."""

    def __init__(self, stream: ArticleStream, selection: Selection, begin: Offsets | None, patience: Patience) -> None:
        super().__init__()
        self._stream = stream
        self._selection = selection
        self._begin = begin
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._stream.wait_for_log(_LOG_WITHIN)
        with self._stream.reading() as recent:
            await answer_with_events(self._events(recent), scope, receive, send)

    async def _events(self, recent: RecentEvents) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream.messages(recent, self._selection, self._begin, self._patience.drawn()):
                yield piece
        except TransientError as error:  # the answer has begun: ending it makes the browser come back
            log.info("a reader of the stream has to come back", reason=str(error))
