"""What the routes of related work with."""

from typing import TypedDict
from zoneinfo import ZoneInfo

from news_related.queries.kept_answers import KeptAnswers
from news_shared.api_keys import ApiKeys
from news_shared.producer import Producer
from news_shared.projection.slots import Slots


class RelatedState(TypedDict):
    """Opened by the lifespan."""

    slots: Slots
    kept: KeptAnswers
    producer: Producer
    keys: ApiKeys
    partitions: int
    zone: ZoneInfo
