"""HTTP that hubs call: they ask whether a subscription is meant, and send what has changed (WebSub)."""

import asyncio
import hmac
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import PlainTextResponse, Response

from news_ingest.formats.outcome import Reading
from news_ingest.intake import Taken
from news_ingest.polling.feed_reading import read_feed_document
from news_ingest.polling.feeds import Feed, feed_of
from news_ingest.polling.subscriptions import Subscription, confirmed, is_signed
from news_ingest.requests import Parts, PartsOf, body_of, terms
from news_ingest.source_answers import WEBSUB_TAKE_RESPONSES, WEBSUB_VERIFY_RESPONSES
from news_shared.clock import system_clock
from news_shared.errors import PoisonError
from news_shared.problems import GONE, NOT_FOUND, ProblemError

log = structlog.get_logger()

router = APIRouter(prefix="/v1/websub", tags=["websub"])


@router.get(
    "/{source}/{token}",
    response_class=PlainTextResponse,
    responses=WEBSUB_VERIFY_RESPONSES,
    summary="For hubs: confirm",
)
async def verify(
    source: str,
    token: str,
    made_of: PartsOf,
    mode: Annotated[str, Query(alias="hub.mode", description="subscribe or denied.")],
    topic: Annotated[str, Query(alias="hub.topic", max_length=2000, description="Address of the feed.")],
    challenge: Annotated[str, Query(alias="hub.challenge", max_length=2000, description="Sent back.")] = "",
    lease_seconds: Annotated[
        str | None, Query(alias="hub.lease_seconds", max_length=20, description="How long it holds.")
    ] = None,
    reason: Annotated[str, Query(alias="hub.reason", max_length=2000, description="Why it was denied.")] = "",
) -> Response:
    """Confirm a subscription that a poller asked for; any other is not confirmed."""
    _, known = await _subscription(made_of, source, token)
    if known.topic != topic:
        raise ProblemError(NOT_FOUND, f"hub.topic: this callback is for {known.topic}")
    if mode == "denied":
        await made_of.subscriptions.save(
            source, known.model_copy(update={"until": None, "refused": reason or "denied"})
        )
        return PlainTextResponse("")
    if mode != "subscribe" or not challenge:
        raise ProblemError(NOT_FOUND, "Only subscribing, with a hub.challenge, was asked for.")
    await made_of.subscriptions.save(source, confirmed(known, lease_seconds, system_clock()))
    return PlainTextResponse(challenge, headers={"X-Content-Type-Options": "nosniff"})


@router.post(
    "/{source}/{token}",
    status_code=202,
    response_class=Response,
    responses=WEBSUB_TAKE_RESPONSES,
    summary="For hubs: deliver",
)
async def take(
    request: Request,
    source: str,
    token: str,
    made_of: PartsOf,
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
    signature: Annotated[str | None, Header(alias="X-Hub-Signature", description="sha256=… of the body")] = None,
) -> Response:
    """Take what the hub sends as if it had been polled. What cannot be read makes the feed be polled.

    Without a right signature nothing is taken, and the answer is the same.
    """
    feed, known = await _subscription(made_of, source, token)
    body = await body_of(request, made_of.settings.max_body_bytes)
    if not is_signed(known, signature, body):
        log.warning("a hub's message has no right signature and is ignored", source=source, hub=known.hub)
        return Response(status_code=202)
    now = system_clock()
    try:
        reading = await asyncio.get_running_loop().run_in_executor(
            made_of.readers, read_feed_document, body, content_type, source, now, feed.encoding, feed.url
        )
    except PoisonError as error:
        log.info("a hub's message cannot be read, the feed is polled", source=source, reason=str(error))
        await made_of.schedule.place(feed, now, only_if_absent=False)
        return Response(status_code=202)
    items = [(index, feed.applied(item)) for index, item in reading.items]
    on = terms(None, reply=False, trace=request.state.traceparent)
    await made_of.intake.take(Reading(items=items), on, Taken())
    return Response(status_code=202)


async def _subscription(made_of: Parts, source: str, token: str) -> tuple[Feed, Subscription]:
    found = made_of.sources.find(source)
    feed = feed_of(found, made_of.sources.finding(found) if found else None)
    known = await made_of.subscriptions.find(source)
    if known is None or not hmac.compare_digest(known.token.encode(), token.encode()):
        raise ProblemError(NOT_FOUND, "No subscription has this callback.")
    if feed is None:
        raise ProblemError(GONE, f"The feed of {source} is not followed any more.")
    return feed, known
