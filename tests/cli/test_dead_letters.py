"""``newsfeed dead-letters``: what is parked is shown as it was told; what cannot be done is told in a sentence."""

import asyncio
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from news_shared.producer import open_producer
from news_shared.topics import DEAD_LETTERS
from newsfeed.__main__ import app
from tests.testbed.backends import Backend

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
ERROR = "wrong close [/item] of [type=string_type, input_value=3]"


def parked(error: str) -> list[tuple[str, bytes]]:
    told = {
        "topic": "news.articles",
        "partition": "3",
        "offset": "7",
        "timestamp": "0",
        "group": "news.feed-projector",
        "tag": "{feed-3}",
        "error": error,
        "time": NOON.isoformat(),
    }
    return [(f"dead-letter-{name}", value.encode()) for name, value in told.items()]


async def park(backend: Backend, error: str) -> None:
    async with open_producer(backend.kafka_settings) as producer:
        await producer.send(DEAD_LETTERS, partition=0, key=b"k", value=b"v", headers=parked(error))


@pytest.fixture(scope="module")
def environment(backend: Backend) -> dict[str, str]:
    asyncio.run(park(backend, ERROR))
    return {**backend.environment, "COLUMNS": "240"}


def test_what_looks_like_markup_is_shown_as_it_is(environment: dict[str, str]) -> None:
    shown = CliRunner().invoke(app, ["dead-letters", "list"], env=environment)
    assert (shown.exit_code, ERROR in shown.output) == (0, True), shown.output
