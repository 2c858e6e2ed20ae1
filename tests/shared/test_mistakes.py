"""What is said of a field that is wrong: by every service, and of settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query
from pydantic import AfterValidator, BaseModel, Field

from news_shared.http import create_service

NO_INTEGER = "must be a valid integer, unable to parse string as an integer"
NO_STRING = "must be a valid string, unable to parse raw data as a unicode string"


def even(number: int) -> int:
    if number % 2:
        raise ValueError("write an even number")
    return number


class Asked(BaseModel):
    name: str = Field(max_length=5)
    pairs: Annotated[int, AfterValidator(even)] = 0


@asynccontextmanager
async def nothing(app: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = create_service("a service", nothing, unready=list)

    @app.get("/")
    async def ask(
        limit: Annotated[int, Query(le=100)] = 20, article: Annotated[list[int] | None, Query()] = None
    ) -> None: ...

    @app.post("/")
    async def post(asked: Asked) -> None: ...

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


async def said(answer: httpx.Response) -> list[tuple[str, str]]:
    problem: dict[str, Any] = answer.json()
    assert answer.status_code == 422
    found = [(error["field"], error["error"]) for error in problem["errors"]]
    assert problem["detail"] == "; ".join(f"{field}: {error}" for field, error in found)
    return found


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("limit=101", "limit", "must be less than or equal to 100 (sent: '101')"),
        (
            "article=1&article=b",
            "article.1",
            f"{NO_INTEGER} (sent: 'b')",
        ),
        ("limit=" + "9" * 70 + "x", "limit", NO_INTEGER),
    ],
)
async def test_a_parameter_is_told_by_its_name_and_value(
    client: httpx.AsyncClient, query: str, field: str, words: str
) -> None:
    assert await said(await client.get(f"/?{query}")) == [(field, words)]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"name": "a", "pairs": 3}', [("pairs", "write an even number (sent: 3)")]),
        ('{"name": "a", "pairs": ' + "1" * 71 + "}", [("pairs", "write an even number")]),
        (
            '{"name": "\\ud800"}',
            [("name", f"{NO_STRING} (sent: '\\ud800')")],
        ),
        ('{"pairs": []}', [("name", "is missing"), ("pairs", "must be a valid integer")]),
        ('{"name": ', [("body", "is not JSON: Expecting value")]),
        ("", [("body", "is missing")]),
    ],
)
async def test_a_body_is_told_by_its_fields(client: httpx.AsyncClient, body: str, told: list[tuple[str, str]]) -> None:
    answer = await client.post("/", content=body, headers={"Content-Type": "application/json"})
    assert await said(answer) == told
