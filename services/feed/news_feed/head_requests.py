"""HEAD is GET without the body, everywhere but on the stream, whose body has no end."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from news_feed.stream_routes import PATH as STREAM


class HeadAnswers:
    """Answers HEAD with what GET would have said; the length and the validators are those of the body left out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as GET and drop the body of the answer."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"] == STREAM:
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_without_body)
