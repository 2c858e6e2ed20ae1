"""Texts that the publisher reads back from the log it writes."""

from types import SimpleNamespace
from typing import cast

import pytest

from news_ingest.article_state import ArticleState
from news_ingest.publisher import Publisher, PublisherTools
from news_shared.clock import system_clock
from news_shared.errors import LogMismatchError, NewsError, TransientError
from news_shared.producer import Producer
from news_shared.projection.contract import Ownership
from news_shared.projection.log import Bounds, PartitionLog
from news_shared.settings import KafkaSettings


@pytest.mark.parametrize(
    ("seen", "error"),
    [
        ([Bounds(0, 12)], TransientError),
        ([Bounds(0, 12), Bounds(0, 14)], TransientError),  # it came to be while it was looked for
        ([Bounds(13, 14)], LogMismatchError),
    ],
)
async def test_a_text_that_cannot_be_read_yet_is_waited_for_and_one_that_is_gone_is_not(
    monkeypatch: pytest.MonkeyPatch, seen: list[Bounds], error: type[NewsError]
) -> None:
    """Kafka answers a commit before readers of committed records can see it: their end of the log lies before it."""
    looks = iter(seen)

    async def bounds(_: PartitionLog) -> Bounds:
        return next(looks)

    monkeypatch.setattr(PartitionLog, "bounds", bounds)
    ownership = cast("Ownership", SimpleNamespace(partition=1, prefix="tests:"))
    publisher = Publisher(ownership, PublisherTools(KafkaSettings(), cast("Producer", None), 12, system_clock))
    with pytest.raises(error):
        await publisher._stored_text(ArticleState(article_at=12), "article")
