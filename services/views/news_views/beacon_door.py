"""``POST /v1/views`` in front of everything else: raw ASGI, because most of the traffic is this one call."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from news_shared.errors import OverloadError, TransientError
from news_shared.problems import AT_CAPACITY, TOO_LARGE, UNAVAILABLE, ProblemError
from news_views.beacon_request import BODY_LIMIT
from news_views.intake import BeaconIntake
from news_views.metrics import BeaconMetrics

PATH = "/v1/views"

_ACCEPTED = {
    "type": "http.response.start",
    "status": 202,
    "headers": [
        (b"access-control-allow-origin", b"*"),
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"content-length", b"50"),  # an article id has 36 characters
    ],
}


class BeaconDoor:
    """Answers beacons itself and passes every other request on.

    Args:
        app: what answers the rest; its lifespan yields ``intake`` and ``metrics`` as state.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        intake: BeaconIntake = scope["state"]["intake"]
        metrics: BeaconMetrics = scope["state"]["metrics"]
        client = scope.get("client")
        try:
            body = await _body(receive)
            if body is None:
                return
            article = await intake.take(client[0] if client else "", scope["headers"], body)
        except ProblemError as error:
            metrics.beacon("refused" if error.problem.status == 429 else "invalid")
            response = error.problem.response(error.detail, _with_any_origin(error.headers), **error.extra)
        except OverloadError as error:
            metrics.beacon("overload")
            response = AT_CAPACITY.response(f"{error}. Repeating it is safe.", _with_any_origin({"Retry-After": "1"}))
        except TransientError:
            metrics.beacon("unavailable")
            detail = "Kafka or Redis is away for the moment. Repeating the request is safe."
            response = UNAVAILABLE.response(detail, _with_any_origin({"Retry-After": "2"}))
        else:
            metrics.beacon("accepted")
            await send(_ACCEPTED)
            await send({"type": "http.response.body", "body": b'{"article":"%s"}' % article.encode()})
            return
        await response(scope, receive, send)


async def _body(receive: Receive) -> bytes | None:
    """The request's body; None when the client has gone.

    Raises:
        ProblemError: 413.
    """
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise ProblemError(TOO_LARGE, f"A beacon has at most {BODY_LIMIT} bytes.")
        if not message.get("more_body", False):
            return body


def _with_any_origin(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {**(headers or {}), "Access-Control-Allow-Origin": "*"}
