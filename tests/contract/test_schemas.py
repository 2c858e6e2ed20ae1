"""The schemas that other people's programs rely on are those of the code."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from news_ingest.article_state import HoldRecord
from news_ingest.sources import FeedFinding, Source
from news_ingest.submissions import Submission
from news_shared.api_keys import KeyEnd, KeyRecord
from news_shared.articles import Article, Withdrawal

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("article", Article),
        ("withdrawal", Withdrawal),
        ("submission", Submission),
        ("source", Source),
        ("feed-finding", FeedFinding),
        ("key", KeyRecord),
        ("key-end", KeyEnd),
        ("hold", HoldRecord),
    ],
)
def test_a_published_schema_is_that_of_the_code(name: str, model: type[BaseModel]) -> None:
    assert json.loads((SCHEMAS / f"{name}.v1.json").read_text()) == model.model_json_schema()
