"""The published schemas of records: of our models, and those of views, which are written by hand."""

import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from news_ingest.article_state import HoldRecord
from news_ingest.sources import FeedFinding, Source
from news_ingest.submissions import Submission
from news_related.graph.curation import Choice
from news_related.vectors import Vector
from news_shared.api_keys import KeyEnd, KeyRecord
from news_shared.articles import Article, Withdrawal

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"
MODELS: Final[dict[str, type[BaseModel]]] = {
    "article": Article,
    "withdrawal": Withdrawal,
    "submission": Submission,
    "source": Source,
    "feed-finding": FeedFinding,
    "key": KeyRecord,
    "key-end": KeyEnd,
    "hold": HoldRecord,
    "curation": Choice,
    "vector": Vector,
}


def schema_of(name: str) -> dict[str, Any]:
    """A schema as the code has it, else as it is published."""
    if name in MODELS:
        return MODELS[name].model_json_schema()
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.v1.json").read_text())
    return schema
