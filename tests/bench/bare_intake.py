"""The least that anybody would write: a FastAPI route that gives a JSON body to Kafka and answers when Kafka has it.

It knows no keys, reads and sanitises nothing, and takes the same article twice.

Run: ``uv run python -m tests.bench.bare_intake PORT BOOTSTRAP TOPIC``.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import Body, FastAPI, Request
from orjson import dumps


def create_app(bootstrap: str, topic: str) -> FastAPI:
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


if __name__ == "__main__":
    port, bootstrap, topic = sys.argv[1:]
    uvicorn.run(create_app(bootstrap, topic), port=int(port), access_log=False, log_level="warning")
