"""What every HTTP service of ours does alike: problem details, health, metrics, CORS, gzip, ETags, trace ids."""

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from news_shared import problems
from news_shared.errors import OverloadError, PoisonError, RebuildingError, TransientError
from news_shared.mistakes import in_words
from news_shared.openapi import describe_paths, describe_problems
from news_shared.problems import ProblemError

log = structlog.get_logger()

Lifespan = (
    Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]
    | Callable[[FastAPI], AbstractAsyncContextManager[None]]
)
COMPRESSED_FROM = 1000
"""Bytes of an answer."""
_GZIP_LEVEL = 5  # nine takes three times as long for a hundredth less
_A_BUG = "This is a bug of ours; it is in the log with the trace id of this answer."
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def create_service(title: str, lifespan: Lifespan, *, unready: Callable[[], list[str]]) -> FastAPI:
    """An application with our conventions.

    Args:
        title: for the OpenAPI document.
        lifespan: opens what the service works with; nothing is answered before it is through.
        unready: reasons why ``/readyz`` says 503 now; empty when all is well.
    """
    app = FastAPIOffline(title=title, version="1", lifespan=lifespan, redoc_url=None)  # /docs asks nobody else
    app.openapi = partial(_described, app)  # type: ignore[method-assign]  # as FastAPI wants it
    app.add_middleware(BugMiddleware)
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM, compresslevel=_GZIP_LEVEL)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["*"],
        expose_headers=["As-Of", "ETag", "Location", "Retry-After", "traceparent"],
    )
    app.add_middleware(TraceMiddleware)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(PoisonError, _bad_request)
    app.add_exception_handler(TransientError, _unavailable)
    app.add_exception_handler(HTTPException, _http_error)

    @app.get("/livez", include_in_schema=False)
    async def livez() -> Response:
        return JSONResponse({"status": "alive"})

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        reasons = unready()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once, with our problems."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        describe_paths(document)
        describe_problems(document)
    assert app.openapi_schema is not None
    return app.openapi_schema


def etag_json(request: Request, content: object, *, status: int = 200) -> Response:
    """JSON with an ETag that must be asked for again each time; 304 when the caller has it already.

    ``no-cache``, not an age: a withdrawn article must vanish within a second.
    """
    return etagged(request, orjson.dumps(content), "application/json", status=status)


def etagged(
    request: Request, body: bytes, media_type: str, *, status: int = 200, cache_control: str = "no-cache"
) -> Response:
    """Any content with an ETag; 304 when the caller has it already."""
    etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": cache_control}
    known = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
    if status == 200 and (etag in known or "*" in known):
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, media_type)


def trace_of(traceparent: bytes | None) -> str:
    """The caller's ``traceparent`` where it is one, else a new one."""
    given = (traceparent or b"").decode("latin-1")
    if _TRACEPARENT.fullmatch(given):
        return given
    drawn = secrets.token_hex(24)
    return f"00-{drawn[:32]}-{drawn[32:]}-01"


class TraceMiddleware:
    """Takes the caller's W3C ``traceparent`` or makes one; it is in every log line of the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the trace id in the logging context and in ``request.state``."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = trace_of(dict(scope["headers"]).get(b"traceparent"))
        scope.setdefault("state", {})["traceparent"] = trace

        async def send_with_trace(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"traceparent", trace.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(trace=trace[3:35]):
            await self._app(scope, receive, send_with_trace)


class BugMiddleware:
    """Answers what no handler knows with a problem, inside of what gives every answer its headers and its trace."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an answer that has begun cannot become another: then the server cuts it off."""
        has_begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            if scope["type"] != "http":
                raise
            log.error("request failed", path=scope["path"], exc_info=error)
            if has_begun:
                raise
            await problems.INTERNAL.response(_A_BUG)(scope, receive, send)


# Coroutines, though they wait for nothing: others are run in a thread, which takes longer than what they do.


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.problem.response(error.detail, error.headers, **error.extra)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [{"field": _field(mistake), "error": in_words(mistake)} for mistake in error.errors()]
    said = "; ".join(f"{e['field']}: {e['error']}" for e in errors)
    return problems.INVALID.response(said, errors=errors)


def _field(mistake: Mapping[str, Any]) -> str:
    kind, *place = mistake["loc"]  # the kind of parameter; what is not JSON has a place in the text
    return str(kind) if mistake["type"] == "json_invalid" or not place else ".".join(map(str, place))


async def _bad_request(request: Request, error: Exception) -> Response:
    return problems.BAD_REQUEST.response(str(error))


async def _unavailable(request: Request, error: Exception) -> Response:
    if isinstance(error, RebuildingError):
        return problems.REBUILDING.response(str(error), {"Retry-After": "2"})
    if isinstance(error, OverloadError):
        return problems.AT_CAPACITY.response(str(error), {"Retry-After": "1"})
    log.info("a part is away", reason=str(error))
    return problems.UNAVAILABLE.response(
        "Kafka or Redis is away for the moment. Repeating the request is safe.", {"Retry-After": "2"}
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {p.status: p for p in (problems.NOT_FOUND, problems.METHOD_NOT_ALLOWED, problems.TOO_LARGE)}
    problem = known.get(error.status_code, problems.BAD_REQUEST)  # type: ignore[call-overload]
    detail = f"{request.method} {request.url.path}: {error.detail}. See /docs for what there is."
    response: JSONResponse = problem.response(detail, error.headers)
    response.status_code = error.status_code
    return response
