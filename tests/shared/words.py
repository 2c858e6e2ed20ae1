"""Words that are written and tallied: what tests of the runtime have in hand."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from prometheus_client import CollectorRegistry

from news_shared.errors import RebuildingError
from news_shared.lease import Lease
from news_shared.process import running
from news_shared.producer import Outgoing, open_producer
from news_shared.projection.contract import ProjectionSpec
from news_shared.projection.metrics import ProjectionMetrics
from news_shared.projection.projector import Projector
from news_shared.projection.rebuild import rebuild
from news_shared.projection.slots import Slots
from news_shared.redis_client import RedisClient
from news_shared.settings import ProcessSettings
from news_shared.topics import VIEWS
from tests.shared.tally import Tally, tally_spec
from tests.testbed.backends import PARTITIONS, Backend


class Words:
    """Writes words to the topic and knows what the tally must be."""

    def __init__(self, backend: Backend, redis: RedisClient) -> None:
        self.backend = backend
        self.redis = redis
        self.expected: Counter[str] = Counter()

    async def write(self, words: Sequence[str], *, counted: bool = True) -> None:
        records = [Outgoing(VIEWS, sum(w.encode()) % PARTITIONS, None, w.encode()) for w in words]
        async with open_producer(self.backend.kafka_settings) as producer:
            await producer.send_many(records)
        if counted:
            self.expected.update(words)

    async def tally(self) -> Counter[str] | None:
        slots = Slots(self.redis, "tally")
        found: Counter[str] = Counter()
        try:
            for partition in range(PARTITIONS):
                [pairs] = (await slots.read(partition, ("HGETALL", "tally"))).results
                found.update({word.decode(): int(n) for word, n in zip(pairs[::2], pairs[1::2], strict=True)})
        except RebuildingError:
            return None
        return found

    async def is_exact(self) -> bool:
        return await self.tally() == self.expected


def projector(
    words: Words,
    *,
    instance: str = "0",
    lease: Lease | None = None,
    spec: ProjectionSpec[str] | None = None,
    registry: CollectorRegistry | None = None,
) -> Projector[str]:
    return Projector(
        spec or replace(tally_spec(VIEWS), is_working=lambda: Tally.works),
        kafka=words.backend.kafka_settings,
        redis=words.redis,
        partitions=PARTITIONS,
        instance=instance,
        metrics=ProjectionMetrics(registry or CollectorRegistry()),
        lease=lease,
    )


@asynccontextmanager
async def projecting(words: Words, *, instance: str = "0", lease: Lease | None = None) -> AsyncIterator[Projector[str]]:
    one = projector(words, instance=instance, lease=lease)
    async with running(one.run(), stop=one.request_stop, name=instance, drain=timedelta(seconds=10)):
        yield one


async def rebuild_tally(
    words: Words, spec: ProjectionSpec[str], complete: Callable[[int], Awaitable[None]] | None = None
) -> int:
    return await rebuild(
        spec,
        kafka=words.backend.kafka_settings,
        redis=words.redis,
        process=ProcessSettings(partitions=PARTITIONS, instance="0"),
        progress=lambda done, total: None,
        complete=complete,
    )
