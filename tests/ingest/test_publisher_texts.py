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


@pytest.mark.parametrize(("end", "error"), [(12, TransientError), (13, LogMismatchError)])
async def test_a_text_that_cannot_be_read_yet_is_waited_for_and_one_that_is_gone_is_not(
    monkeypatch: pytest.MonkeyPatch, end: int, error: type[NewsError]
) -> None:
    """Kafka answers a commit before readers of committed records can see it: their end of the log lies before it."""

    async def nothing(_: PartitionLog, offset: int) -> None:
        assert offset == 12

    async def bounds(_: PartitionLog) -> Bounds:
        return Bounds(0, end)

    monkeypatch.setattr(PartitionLog, "record_at", nothing)
    monkeypatch.setattr(PartitionLog, "bounds", bounds)
    ownership = cast("Ownership", SimpleNamespace(partition=1, prefix="tests:"))
    publisher = Publisher(ownership, PublisherTools(KafkaSettings(), cast("Producer", None), 12, system_clock))
    with pytest.raises(error):
        await publisher._stored_text(ArticleState(article_at=12), "article")
