"""What a projection of views remembers is read as of its checkpoint, or not at all."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from news_shared.errors import FencedError
from news_shared.projection.contract import Checkpoint, Ownership
from news_shared.projection.log import PartitionLog
from news_shared.redis_client import RedisClient
from news_shared.settings import KafkaSettings
from news_shared.topics import VIEWS
from news_views.projection.views import ViewsProjection
from news_views.settings import ViewsSettings
from news_views.view_log import Batch, PlacedMarker, decode
from tests.views.builders import LogWriter, a_beacon, a_marker

KAFKA = KafkaSettings(bootstrap="127.0.0.1:1")


async def elsewhere(commands: Sequence[Sequence[str]]) -> list[Any]:
    raise FencedError("another owner went on, and a fail-over took back what he did")


def projection() -> ViewsProjection:
    """One that has no other way to Redis than reads as of its checkpoint."""
    ownership = Ownership(
        partition=0,
        prefix="{views-0}:1:",
        redis=cast("RedisClient", None),
        log=PartitionLog(KAFKA, VIEWS, 0),
        instance="0",
        read=elsewhere,
        live=False,
    )
    return ViewsProjection(ownership, ViewsSettings(), KAFKA)


async def test_clocks_are_not_taken_from_a_redis_that_stands_elsewhere() -> None:
    with pytest.raises(FencedError):
        await projection().load(Checkpoint(1, 150))


@pytest.mark.parametrize("said", ["marker", "beacons"])
async def test_standings_are_not_taken_from_a_redis_that_stands_elsewhere(said: str) -> None:
    log = LogWriter()
    if said == "marker":
        log.marker(a_marker())
    else:
        log.batch([a_beacon()])
    event = decode(log.records[0])
    assert isinstance(event, Batch | PlacedMarker)
    with pytest.raises(FencedError):
        await projection().decide([event])
