"""How commands call the ingest API."""

from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape

Ingest = Annotated[str, typer.Option("--ingest", envvar="NEWS_INGEST_URL", help="Address of the ingest API.")]
Key = Annotated[str, typer.Option("--key", envvar="NEWS_ADMIN_KEY", help="The admin key.")]
INGEST, KEY = "http://127.0.0.1:8001", "dev"


def call(method: str, ingest: str, key: str, path: str, **arguments: Any) -> dict[str, Any]:
    """The JSON that the ingest API answers; a refusal ends the command with what it says."""
    return dict(answer_of(method, ingest, key, path, **arguments).json())


def answer_of(method: str, ingest: str, key: str, path: str, **arguments: Any) -> httpx.Response:
    """What the ingest API answers. Errors as in `call`."""
    url = f"{ingest.rstrip('/')}{path}"
    headers = {"Authorization": f"Bearer {key}"}
    try:
        answer = httpx.request(method, url, headers=headers, timeout=120, trust_env=False, **arguments)
    except httpx.TransportError as error:
        raise failure(f"{url} does not answer ({error}). Start it with: newsfeed up") from error
    if answer.is_error:
        is_problem = "json" in answer.headers.get("content-type", "")
        raise failure(str(answer.json().get("detail") if is_problem else f"{url} answered {answer.status_code}"))
    return answer


def failure(message: str) -> typer.Exit:
    """To be raised: the command ends with this message."""
    Console(stderr=True).print(f"[red]{escape(message)}[/]", highlight=False)
    return typer.Exit(1)
