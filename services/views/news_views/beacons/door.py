"""``POST /v1/views`` in front of everything else, as raw ASGI; plain ones are answered before (`protocol`)."""

from starlette.types import ASGIApp, Receive, Scope, Send

from news_shared.problems import TOO_LARGE, ProblemError
from news_views.beacons.answers import ACCEPTED_HEADERS, ACCEPTED_STATUS, accepted_body, refusal
from news_views.beacons.intake import BeaconIntake
from news_views.beacons.metrics import BeaconMetrics
from news_views.beacons.request import BODY_LIMIT

PATH = "/v1/views"


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
        except Exception as error:  # noqa: BLE001  # a bug is logged there, and answered as one
            await refusal(error, metrics)(scope, receive, send)
            return
        metrics.beacon("accepted")
        await send({"type": "http.response.start", "status": ACCEPTED_STATUS, "headers": ACCEPTED_HEADERS})
        await send({"type": "http.response.body", "body": accepted_body(article)})


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
