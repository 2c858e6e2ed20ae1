"""Sources over HTTP in the first moments of a process, before it has read which there are."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from news_ingest.source_routes import NewSource, SourceChange, create, put
from news_ingest.sources import Sources
from news_shared.problems import UNAVAILABLE, ProblemError
from news_shared.producer import Producer
from news_shared.settings import KafkaSettings
from news_shared.topic_table import TopicTable
from news_shared.topics import SOURCES
from tests.ingest.builders import NOON


async def test_no_source_is_made_while_there_may_be_one_of_its_name() -> None:
    table = TopicTable(KafkaSettings(), SOURCES, 12)  # nobody follows it, so it never catches up
    sources = Sources(table, cast("Producer", None), partitions=12, clock=lambda: NOON)
    made_of: Any = SimpleNamespace(sources=sources, authorise=lambda *_: None)
    for made in (create(NewSource(id="herald"), made_of), put("herald", SourceChange(), made_of)):
        with pytest.raises(ProblemError) as refused:
            await made
        assert refused.value.problem is UNAVAILABLE
