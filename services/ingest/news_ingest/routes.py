"""HTTP of articles: submit, ask what became of it, withdraw, restore."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response

from news_ingest.answers import (
    IDEMPOTENCY_KEY,
    OUTCOME_RESPONSES,
    PREFER,
    RESTORE_RESPONSES,
    SUBMIT_OPENAPI,
    SUBMIT_RESPONSES,
    WITHDRAW_RESPONSES,
)
from news_ingest.article_state import Outcome
from news_ingest.formats.detection import KNOWN, Format, format_of, read_document
from news_ingest.formats.outcome import Reading
from news_ingest.intake import Taken
from news_ingest.items import article_of
from news_ingest.post_answers import answer_to, cut_short
from news_ingest.requests import (
    Authorization,
    Parts,
    PartsOf,
    body_of,
    not_found,
    own_article,
    parts,
    patience,
    terms,
    writer_of,
)
from news_ingest.submissions import Kind, Submission
from news_shared.article_ids import parse_article_id
from news_shared.clock import system_clock
from news_shared.http import etag_json
from news_shared.problems import INVALID, UNSUPPORTED, ProblemError

SMALL: Final = 16 * 1024
"""Bytes of a document that is read at once: that takes less time than the way to a thread and back."""
SETTLED: Final = "settled"
"""In the request's state: what the door found out already, an answer or an error."""
_YES_OR_NO: Final = TypeAdapter(bool)
_NO_TRUTH: Final = {"field": "dry_run", "error": "neither true nor false"}

router = APIRouter(prefix="/v1/articles", tags=["articles"])

Prefer = Annotated[str | None, Header(description=PREFER)]
IdempotencyKey = Annotated[str | None, Header(description=IDEMPOTENCY_KEY)]


class _ArticleName(Convertor[str]):
    """The rest of a path as `PathConvertor` has it, and with line breaks: guids may have them."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("article", _ArticleName())


class _PlainRoute(APIRoute):
    """Hands the request over as it is: reading nine parameters costs as much as sanitising half an article."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint itself. Source: fastapi.routing.APIRoute."""
        return self.endpoint


async def submit(request: Request) -> Response:
    """Submit one or many articles. 202: Kafka has them. 422: none can be taken.

    Of more than 10,000 accepted, 1,000 refused or 100 warnings only the first are listed; the counts are of all.
    """
    settled: Response | Exception | None = getattr(request.state, SETTLED, None)
    if isinstance(settled, Exception):
        raise settled
    if settled is not None:
        return settled
    made_of = await parts(request)
    asked, headers = request.query_params, request.headers
    dry_run, content_type = _dry_run_of(asked), headers.get("content-type", "")
    caller, owner = await writer_of(made_of, headers.get("authorization"), asked.get("source"), dry_run=dry_run)
    waiting = patience(headers.get("prefer"), made_of.settings)
    trace: str = request.state.traceparent
    on = terms(headers.get("idempotency-key"), reply=waiting is not None, trace=trace)
    form = _format(asked.get("format"), content_type)
    if form is Format.NDJSON and not dry_run:
        taken = await made_of.intake.take_lines(
            request.stream(),
            owner,
            on,
            max_line_bytes=made_of.settings.max_line_bytes,
            allowed=partial(made_of.limits.some_articles, caller),
        )
        if taken.stopped_at is not None:
            return cut_short(made_of.limits, caller, taken)
        return await _answer(made_of, taken, waiting)
    body = await body_of(request, made_of.settings.max_body_bytes)
    if form is Format.NDJSON:
        settings = made_of.settings
        return _dry_run(await made_of.intake.read_lines(_at_once(body), owner, max_line_bytes=settings.max_line_bytes))
    form = form or _format(asked.get("format"), content_type, body)
    if form is None:
        raise _unsupported(content_type)
    reading = await _read(form, body, content_type, owner)
    if dry_run:
        return _dry_run(reading)
    made_of.limits.articles(caller, len(reading.items))
    taken = Taken()
    await made_of.intake.take(reading, on, taken)
    return await _answer(made_of, taken, waiting)


router.add_api_route(
    "",
    submit,
    methods=["POST"],
    status_code=HTTPStatus.ACCEPTED,
    responses=SUBMIT_RESPONSES,
    openapi_extra=SUBMIT_OPENAPI,
    summary="Articles come in",
    route_class_override=_PlainRoute,
)


@router.get("/{article:article}/outcome", responses=OUTCOME_RESPONSES, summary="What became of an article")
async def outcome(request: Request, article: str, made_of: PartsOf) -> Response:
    """Revision, version, state, when and why."""
    found = await made_of.outcomes.of_article(parse_article_id(article))
    if found is None:
        raise not_found(article)
    return etag_json(request, found)


@router.delete("/{article:article}", status_code=202, responses=WITHDRAW_RESPONSES, summary="Withdraw an article")
async def withdraw(
    request: Request,
    article: str,
    made_of: PartsOf,
    reason: Annotated[str | None, Query(max_length=2000, description="Shown to whoever asks for it.")] = None,
    authorization: Authorization = None,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """It is gone everywhere until it is restored; also one that has not come yet."""
    return await _command(request, made_of, "withdraw", article, authorization, prefer, idempotency_key, reason)


@router.post("/{article:article}/restore", status_code=202, responses=RESTORE_RESPONSES, summary="Undo a withdrawal")
async def restore(
    request: Request,
    article: str,
    made_of: PartsOf,
    authorization: Authorization = None,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The last version before the withdrawal is published again, or what came since."""
    return await _command(request, made_of, "restore", article, authorization, prefer, idempotency_key, None)


async def _command(
    request: Request,
    made_of: Parts,
    kind: Kind,
    article: str,
    authorization: str | None,
    prefer: str | None,
    idempotency_key: str | None,
    reason: str | None,
) -> Response:
    article_id, source, guid = own_article(made_of, authorization, article)
    waiting = patience(prefer, made_of.settings)
    on = terms(idempotency_key, reply=waiting is not None, trace=request.state.traceparent)
    submission = Submission(
        kind=kind, id=article_id, source=source, guid=guid, reason=reason, received_at=system_clock()
    )
    position = await made_of.intake.command(submission, on)
    taken = Taken()
    taken.accept({"id": article_id}, position)
    decided = waiting is not None and await made_of.intake.wait(taken, waiting)
    return JSONResponse(taken.items[0], 200 if decided else 202)


async def _answer(made_of: Parts, taken: Taken, waiting: timedelta | None) -> Response:
    decided = waiting is not None and bool(taken.items) and await made_of.intake.wait(taken, waiting)
    return answer_to(taken, waited=waiting is not None, decided=decided)


async def _read(form: Format, body: bytes, content_type: str, owner: str) -> Reading:
    if len(body) <= SMALL:
        return read_document(form, body, content_type, owner, system_clock())
    return await asyncio.to_thread(read_document, form, body, content_type, owner, system_clock())


async def _at_once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _dry_run(reading: Reading) -> Response:
    taken = Taken(warnings=reading.warnings)
    now = system_clock()
    for _, item in reading.items:
        shown: dict[str, object] = {"id": item.id, "guid": item.guid, "url": item.url}
        if item.status == "usable":
            article = article_of(item, revision=1, first_published_at=now)
            shown["article"] = article.model_dump(mode="json", exclude_defaults=True)
        else:
            shown["outcome"] = Outcome.WITHDRAWN
        taken.accept(shown)
    taken.refuse(reading.rejected)
    return JSONResponse(taken.answer()) if taken.items or not taken.rejected_count else answer_to(taken)


def _dry_run_of(asked: QueryParams) -> bool:
    """Whether nothing is to be written.

    Raises:
        ProblemError: 422: neither yes nor no; nobody's articles may be published by a slip.
    """
    try:
        return _YES_OR_NO.validate_python(asked.get("dry_run", "false"))
    except ValidationError as error:
        raise ProblemError(INVALID, "dry_run: say true or false.", errors=[_NO_TRUTH]) from error


def _format(name: str | None, content_type: str, body: bytes | None = None) -> Format | None:
    form = format_of(name, content_type, (body or b"")[:200])
    if form is None and (name or body is not None):
        raise _unsupported(name or content_type)
    return form


def _unsupported(said: str) -> ProblemError:
    return ProblemError(
        UNSUPPORTED,
        f"{said[:100] or 'The body'} is not a known format. Send one of: {KNOWN}; or name one with ?format=: "
        + ", ".join(Format),
    )
