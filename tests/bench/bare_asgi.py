"""An application that says 202 and does nothing: what the HTTP server alone costs.

Run: ``uv run python -m tests.bench.bare_asgi PORT``.
"""

import sys

import uvicorn
from starlette.types import Receive, Scope, Send

_HEADERS = [
    (b"access-control-allow-origin", b"*"),
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"content-length", b"2"),
]


async def accepted(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 202, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": b"{}"})


if __name__ == "__main__":
    uvicorn.run(
        accepted,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
    )
