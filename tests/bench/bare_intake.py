"""The least that anybody would write: a server that gives a JSON body to Kafka and answers when Kafka has it.

It knows no keys, reads and sanitises nothing, and takes the same article twice. ``fastapi`` is a route, ``asgi`` an
application without any framework: uvicorn, JSON and aiokafka alone.

Run: ``uv run python -m tests.bench.bare_intake fastapi|asgi PORT BOOTSTRAP TOPIC``.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import Body, FastAPI, Request
from orjson import dumps, loads
from starlette.types import ASGIApp, Receive, Scope, Send


def with_fastapi(bootstrap: str, topic: str) -> FastAPI:
    """The application, with a producer of its own."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, AIOKafkaProducer]]:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
            yield {"producer": producer}

    app = FastAPI(lifespan=lifespan)

    @app.post("/", status_code=202)
    async def take(request: Request, article: Annotated[dict[str, Any], Body()]) -> dict[str, int]:
        producer: AIOKafkaProducer = request.state.producer
        sent = await producer.send_and_wait(topic, dumps(article), key=str(article["id"]).encode())
        return {"partition": sent.partition, "offset": sent.offset}

    return app


def without_framework(bootstrap: str, topic: str) -> ASGIApp:
    """The same, with a producer that is started by the first request."""
    producers: list[AIOKafkaProducer] = []

    async def take(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # uvicorn goes on without a lifespan
        if not producers:
            producers.append(AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all"))
            await producers[0].start()
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        sent = await producers[0].send_and_wait(topic, body, key=str(loads(body)["id"]).encode())
        content = dumps({"partition": sent.partition, "offset": sent.offset})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return take


if __name__ == "__main__":
    kind, port, bootstrap, topic = sys.argv[1:]
    app = with_fastapi(bootstrap, topic) if kind == "fastapi" else without_framework(bootstrap, topic)
    uvicorn.run(app, port=int(port), access_log=False, log_level="warning")
