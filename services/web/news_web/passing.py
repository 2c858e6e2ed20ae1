"""Passes the public API on to the services, byte by byte; in production an ingress may do the same."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus

import httpx
import structlog
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from news_shared.problems import NOT_FOUND, UNAVAILABLE, ProblemError
from news_web.event_streams import until_stop, while_listened_to
from news_web.forwarding import Network, request_headers, response_headers
from news_web.peers import Peers
from news_web.public_paths import service_for

log = structlog.get_logger()


async def pass_on(request: Request, peers: Peers, trusted: Iterable[Network], stopping: asyncio.Event) -> Response:
    """The answer of the service that the path belongs to; an event stream ends when ``stopping`` is set.

    Raises:
        ProblemError: 404 for a path that is not public; 503 when the service does not answer.
    """
    path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    service = service_for(request.method, path.decode("latin-1"))
    if service is None:
        raise ProblemError(NOT_FOUND, f"{request.method} {request.url.path}: there is no such call. See /docs.")
    query: bytes = request.scope["query_string"]
    outgoing = httpx.Request(
        request.method,
        peers.url(service, path + (b"?" + query if query else b"")),
        headers=request_headers(
            request.headers.raw,
            peer=request.client.host if request.client else None,
            trusted=trusted,
            trace=getattr(request.state, "traceparent", None),
        ),
        content=request.stream() if _has_body(request) else None,
        extensions={"timeout": peers.client.timeout.as_dict()},
    )
    try:
        if _wants_events(request):
            incoming, close = await while_listened_to(request, peers.open_events(service, outgoing))
        else:
            incoming = await peers.client.send(outgoing, stream=True)
            close = incoming.aclose
    except httpx.HTTPError as error:
        log.info("a service does not answer", service=service, reason=repr(error))
        raise ProblemError(
            UNAVAILABLE,
            f"The service for {request.url.path} does not answer. Whether a change was made is unknown; "
            "repeating the request is safe.",
            {"Retry-After": "2"},
        ) from error
    except ClientDisconnect:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it
    content = incoming.aiter_raw()
    if incoming.headers.get("content-type", "").startswith("text/event-stream"):
        content = until_stop(content, stopping)
    response = StreamingResponse(content, status_code=incoming.status_code, background=BackgroundTask(close))
    response.raw_headers = response_headers(incoming.headers.raw)
    return response


def _wants_events(request: Request) -> bool:
    is_question = request.method == "GET" and not _has_body(request)
    return is_question and "text/event-stream" in request.headers.get("accept", "")


def _has_body(request: Request) -> bool:
    return "content-length" in request.headers or "transfer-encoding" in request.headers
