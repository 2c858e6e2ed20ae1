"""``newsfeed dead-letters``: what is parked is shown as it was told; what cannot be done is told in a sentence."""

import asyncio
from datetime import UTC, datetime

import pytest
from tenacity import stop_after_attempt
from typer.testing import CliRunner

from news_shared.producer import open_producer
from news_shared.topics import DEAD_LETTERS
from newsfeed import topics
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


def test_a_record_that_is_not_parked_is_told(environment: dict[str, str]) -> None:
    told = CliRunner().invoke(app, ["dead-letters", "replay", "news.views/0/0"], env=environment)
    assert (told.exit_code, "news.views/0/0 is not parked. See: newsfeed dead-letters list" in told.output) == (1, True)


@pytest.mark.parametrize(
    "command", [["dead-letters", "list"], ["dead-letters", "replay", "news.views/0/0"], ["topics"]]
)
@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("NEWS_PARTITIONS", "13", "set NEWS_PARTITIONS to it"),
        ("NEWS_KAFKA_BOOTSTRAP", "127.0.0.1:1", "Connect call failed"),
    ],
)
def test_what_cannot_be_asked_is_told(
    command: list[str],
    variable: str,
    value: str,
    told: str,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(topics._create.retry, "stop", stop_after_attempt(1))
    said = CliRunner().invoke(app, command, env={**environment, variable: value})
    assert (said.exit_code, told in said.output) == (1, True), said.output
    assert isinstance(said.exception, SystemExit), "no traceback"
