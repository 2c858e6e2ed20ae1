"""Restoring counts from a changelog that its owner goes on to write."""

from collections.abc import Sequence
from typing import Any

from news_shared.producer import Outgoing, Producer, open_producer
from news_shared.projection.contract import Effects, Ownership
from news_shared.projection.log import PartitionLog
from news_shared.redis_client import open_redis
from news_shared.topics import VIEW_COUNTS, VIEWS
from news_views.changelog import DayCounts, PartitionKey, PartitionProgress, encode_counts, encode_key
from news_views.counting.counts import HOURS_OF_A_DAY, REASONS, Day
from news_views.projection.views import ViewsProjection
from news_views.settings import ViewsSettings
from tests.testbed.backends import Backend
from tests.views.builders import an_article

MORE_THAN_ARE_RESTORED_AT_ONCE = 201


async def nothing(commands: Sequence[Sequence[str]]) -> list[Any]:
    return []


def a_day(number: int, as_of: int) -> Outgoing:
    counts = DayCounts(
        hours=(1,) * HOURS_OF_A_DAY, readers=1, filtered=dict.fromkeys(REASONS, 0), sketch=b"", as_of=as_of
    )
    return Outgoing(VIEW_COUNTS, 0, encode_key(Day(an_article(number), 20_000)), encode_counts(counts))


def written_up_to(offset: int) -> Outgoing:
    progress = PartitionProgress(partition=0, next_offset=offset, clock_ms=1, log_ms=1)
    return Outgoing(VIEW_COUNTS, 0, encode_key(PartitionKey(0)), encode_counts(progress))


class RestoringBesideAnOwner:
    """After the first part the owner writes on."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self.put_keys: set[str | bytes] = set()

    async def put(self, effects: Effects) -> None:
        if not self.put_keys:
            await self._producer.send_many([a_day(9_999, 20), written_up_to(20)])
        self.put_keys |= set(effects.keys)


async def test_what_the_owner_writes_meanwhile_is_restored_too(fresh_backend: Backend) -> None:
    kafka = fresh_backend.kafka_settings
    async with open_redis(fresh_backend.redis_settings) as redis, open_producer(kafka) as producer:
        days = [a_day(number, 10) for number in range(MORE_THAN_ARE_RESTORED_AT_ONCE)]
        await producer.send_many([*days, written_up_to(10)])
        ownership = Ownership(0, "{views-0}:2:", redis, PartitionLog(kafka, VIEWS, 0), "0", nothing, live=False)
        restoring = RestoringBesideAnOwner(producer)
        assert await ViewsProjection(ownership, ViewsSettings(), kafka).restore(restoring) == 20
    assert any(an_article(9_999) in str(key) for key in restoring.put_keys)
