"""Plain posts of articles in front of everything else, as raw ASGI (docs/adr/0019).

The layers, the routing and the request's objects cost more than reading and sanitising an article does.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from orjson import dumps
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from news_ingest.formats.detection import Format, format_of, read_document
from news_ingest.intake import Taken
from news_ingest.post_answers import answer_to, location_of
from news_ingest.requests import Parts, terms, writer_of
from news_ingest.routes import SETTLED, SMALL
from news_shared.clock import system_clock
from news_shared.http import COMPRESSED_FROM, trace_of

PATH: Final = "/v1/articles"
_QUERY: Final = re.compile(rb"(?:source=([a-z0-9._-]+))?")
_FOR_THE_LAYERS: Final = frozenset({b"origin", b"prefer", b"content-encoding", b"transfer-encoding"})


class ArticleDoor:
    """Takes plain posts itself and passes every other request on.

    Plain is what needs no layer: a small body of announced length and a type that names the format, at most
    ``?source=`` behind the path, no wish to wait, no page of another origin. What becomes of it is what the route
    does, by the same functions. A refusal, or an answer that is long enough to be compressed, goes out through the
    layers.

    Args:
        app: what answers the rest; its lifespan yields ``parts`` as state.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        headers = _headers_of_post(scope)
        form = _format(headers.get(b"content-type", b"")) if headers is not None else None
        query = _QUERY.fullmatch(scope["query_string"]) if headers is not None else None
        if headers is None or form is None or query is None:
            await self._app(scope, receive, send)
            return
        made_of: Parts = scope["state"]["parts"]
        trace = trace_of(headers.get(b"traceparent"))
        settled: Response | Exception
        try:
            authorization, source = headers.get(b"authorization", b"").decode("latin-1"), query[1]
            caller, owner = await writer_of(made_of, authorization, source.decode() if source else None)
            key = headers.get(b"idempotency-key")
            on = terms(key.decode("latin-1") if key is not None else None, reply=False, trace=trace)
            body = await _body(receive)
            if body is None:
                return
            content_type = headers[b"content-type"].decode("latin-1")
            reading = read_document(form, body, content_type, owner, system_clock())
            made_of.limits.articles(caller, len(reading.items))
            taken = Taken()
            await made_of.intake.take(reading, on, taken)
            content = dumps(taken.answer())
            if taken.items and len(content) < COMPRESSED_FROM:
                await _send(send, content, location_of(taken), trace)
                return
            settled = answer_to(taken)
        except Exception as error:  # noqa: BLE001  # the layers know what each becomes, and log what is a bug
            settled = error
        scope["headers"] = [*scope["headers"], (b"traceparent", trace.encode())]
        scope["state"][SETTLED] = settled
        await self._app(scope, receive, send)


def _headers_of_post(scope: Scope) -> dict[bytes, bytes] | None:
    """The first value of each header of a post that may be plain; None for any other request."""
    if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
        return None
    headers: dict[bytes, bytes] = {}
    found: Iterable[tuple[bytes, bytes]] = scope["headers"]
    for name, value in found:
        if name in _FOR_THE_LAYERS:
            return None
        headers.setdefault(name, value)
    length = headers.get(b"content-length", b"")
    most = min(SMALL, scope["state"]["parts"].settings.max_body_bytes)
    return headers if length.isdigit() and int(length) <= most else None


@lru_cache(64)
def _format(content_type: bytes) -> Format | None:
    """The format that a type names; None for lines, which stream, and where the content would have to tell."""
    form = format_of(None, content_type.decode("latin-1"), b"")
    return None if form is Format.NDJSON else form


async def _body(receive: Receive) -> bytes | None:
    """The request's body, of which the server reads no more than was announced; None when the client has gone."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


async def _send(send: Send, content: bytes, location: str | None, trace: str) -> None:
    headers = [
        (b"content-length", str(len(content)).encode()),
        (b"content-type", b"application/json"),
        (b"vary", b"Origin"),  # to a page of another origin the layers answer with more
        (b"traceparent", trace.encode()),
    ]
    if location is not None:
        headers.append((b"location", location.encode()))
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": content})
