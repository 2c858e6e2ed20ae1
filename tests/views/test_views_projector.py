"""The projector on the backend's servers: every field equals the oracle's, whatever is lost on the way."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from news_shared.article_ids import partition_of
from news_shared.clock import epoch_ms, system_clock
from news_shared.process import running
from news_shared.producer import Outgoing, open_producer
from news_shared.projection.contract import Effects
from news_shared.projection.log import Bounds, PartitionLog
from news_shared.projection.metrics import ProjectionMetrics
from news_shared.projection.projector import Projector
from news_shared.redis_client import RedisClient, open_redis
from news_shared.topics import DEAD_LETTERS, VIEW_COUNTS, VIEWS
from news_views.changelog import PartitionProgress, decode_counts, decode_key
from news_views.counting.events import ViewEvent
from news_views.projection.views import ViewsProjection, views_projection
from news_views.settings import ViewsSettings
from news_views.view_log import BATCH_HEADERS, encode_batch
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.topics import records_of
from tests.testbed.waiting import until
from tests.views.builders import a_beacon, an_article
from tests.views.partitions import (
    Fields,
    applied_offsets,
    expected_fields,
    expected_ranks,
    is_applied,
    is_caught_up,
    ranked,
    read_by_the_oracle,
    stored_fields,
    unsettled,
    whole_log,
)
from tests.views.workload import Newsroom, write

HOUR_MS = 3_600_000
SETTINGS = ViewsSettings(flush=timedelta(seconds=1), call_beacons=300)  # several calls for each partition


class Partitions:
    """The views projection on fresh servers."""

    def __init__(self, backend: Backend, redis: RedisClient) -> None:
        self.backend = backend
        self.redis = redis
        self.settings = SETTINGS

    async def write(
        self, beacons: int, *, seed: int = 1, batch: int = 20, hours: float = 6, articles: int = 200
    ) -> None:
        spread_ms = round(hours * HOUR_MS)
        begin_ms = epoch_ms(system_clock()) - 48 * HOUR_MS + seed * 8 * HOUR_MS
        newsroom = Newsroom(seed, begin_ms=begin_ms, spread_ms=spread_ms, articles=articles, beacons_an_import=101)
        async with open_producer(self.backend.kafka_settings) as producer:
            await write(producer, newsroom.records(beacons, batch=batch))

    def projector(self, instance: str) -> Projector[ViewEvent]:
        return Projector(
            views_projection(self.settings, self.backend.kafka_settings),
            kafka=self.backend.kafka_settings,
            redis=self.redis,
            partitions=PARTITIONS,
            instance=instance,
            metrics=ProjectionMetrics(CollectorRegistry()),
        )

    @asynccontextmanager
    async def projecting(self, instance: str = "0") -> AsyncIterator[Projector[ViewEvent]]:
        projector = self.projector(instance)
        async with running(projector.run(), stop=projector.request_stop, name=instance, drain=timedelta(seconds=10)):
            yield projector

    async def caught_up(self, *, seconds: float = 60) -> None:
        await until(lambda: is_caught_up(self.backend, self.redis), "the projector to catch up", seconds=seconds)

    async def bounds(self) -> dict[int, Bounds]:
        return {p: await PartitionLog(self.backend.kafka_settings, VIEWS, p).bounds() for p in range(PARTITIONS)}

    async def expected(self, *, without: bytes | None = None) -> dict[str, Fields]:
        whole = await whole_log(self.backend.kafka_settings, VIEWS)
        logs = {p: [record for record in records if record.value != without] for p, records in whole.items()}
        return await expected_fields(read_by_the_oracle(logs, self.settings), self.redis)

    async def assert_exact(self) -> None:
        stored = await stored_fields(self.redis)
        assert_same(stored, await self.expected())
        assert await ranked(self.redis) == expected_ranks(stored)

    async def changelog_progress(self) -> dict[int, int]:
        """W of each partition that says it."""
        found = {}
        for partition, records in (await whole_log(self.backend.kafka_settings, VIEW_COUNTS)).items():
            for record in records:
                counts = decode_counts(decode_key(record.key), record.value) if record.value else None
                if isinstance(counts, PartitionProgress):
                    found[partition] = counts.next_offset
        return found

    async def flushed(self) -> None:
        async def is_flushed() -> bool:
            offsets = await applied_offsets(self.redis)
            progress = await self.changelog_progress()
            return all(progress.get(partition) == offset for partition, offset in offsets.items() if offset > 0)

        await until(is_flushed, "the changelog to be complete")


def assert_same(stored: dict[str, Fields], expected: dict[str, Fields]) -> None:
    assert stored.keys() == expected.keys()
    differing = {
        article: (stored[article], expected[article]) for article in stored if stored[article] != expected[article]
    }
    assert not differing, f"{len(differing)} articles differ, the first: {next(iter(differing.items()))}"


@pytest_asyncio.fixture
async def views(fresh_backend: Backend) -> AsyncIterator[Partitions]:
    async with open_redis(fresh_backend.redis_settings) as redis:
        yield Partitions(fresh_backend, redis)


async def test_a_hundred_thousand_beacons_equal_the_oracle_in_every_field(views: Partitions) -> None:
    await views.write(100_000, batch=50)
    async with views.projecting():
        await views.caught_up()
        await views.assert_exact()


async def test_single_beacons_are_exact_around_one_that_cannot_be_read_also_for_the_next_owner(
    views: Partitions,
) -> None:
    nonsense = bytearray(encode_batch("2026-01-15.abcd", [a_beacon()]))
    nonsense[3] = 2  # a version that nobody knows, in a record that looks like its neighbours
    place = partition_of(an_article(), PARTITIONS)
    await views.write(4_000, batch=1)
    async with open_producer(views.backend.kafka_settings) as producer:
        await producer.send_many([Outgoing(VIEWS, place, None, bytes(nonsense), BATCH_HEADERS)])
    for seed in (2, 3):  # the second owner reads the sessions of the first one's records
        await views.write(2_000, seed=seed, batch=1)
        async with views.projecting():
            await views.caught_up()
            assert_same(await stored_fields(views.redis), await views.expected(without=bytes(nonsense)))
    letters = await records_of(views.backend, DEAD_LETTERS)
    assert [letter.value for letter in letters] == [bytes(nonsense)]


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_million_beacons_equal_the_oracle_in_every_field(views: Partitions) -> None:
    await views.write(1_000_000, batch=50)
    async with views.projecting():
        await views.caught_up(seconds=300)
        await views.assert_exact()


async def test_projectors_that_come_and_go_count_every_beacon_once(views: Partitions) -> None:
    writing = asyncio.create_task(views.write(30_000, batch=3))
    async with views.projecting("1") as first:
        await until(lambda: not first.unready(), "the first to own everything")
        for instance in ("2", "3"):
            async with views.projecting(instance) as other:
                await until(lambda other=other: bool(other.offsets), "the other to own something")
        await writing
        await views.caught_up()
    await views.assert_exact()


async def test_all_of_redis_lost_comes_back_from_the_changelog_and_the_log(views: Partitions) -> None:
    await views.write(20_000)
    async with views.projecting():
        await views.caught_up()
        await views.flushed()
        await views.redis.flushall()
        await views.caught_up()
        await views.assert_exact()
        await views.write(5_000, seed=2)
        await views.caught_up()
        await views.assert_exact()


async def test_redis_lost_between_two_flushes_comes_back_exact(views: Partitions) -> None:
    await views.write(10_000)
    async with views.projecting():
        await views.caught_up()
        await views.flushed()
    views.settings = SETTINGS.model_copy(update={"flush": timedelta(hours=1)})
    await views.write(10_000, seed=2)
    async with views.projecting():  # flushes once, at its start, with the second half under way
        await views.caught_up()
    await views.redis.flushall()
    async with views.projecting():
        await views.caught_up()
        await views.assert_exact()


async def test_a_rebuild_gives_the_same_counts_beside_the_live_ones(views: Partitions) -> None:
    await views.write(10_000)
    async with views.projecting():
        await views.caught_up()
        await views.flushed()
        for recount in (False, True):
            await run_rebuild(views.backend, recount=recount)
            await views.caught_up()
            await views.assert_exact()
        await views.flushed()
    await views.redis.flushall()
    async with views.projecting():
        await views.caught_up()
        await views.assert_exact()


async def run_rebuild(backend: Backend, *, recount: bool) -> None:
    command = [sys.executable, "-m", "news_views", "rebuild", *(["--recount"] if recount else [])]
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **backend.environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def test_a_projector_that_dies_before_it_settles_leaves_it_to_the_next(
    views: Partitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers are counted and articles ranked later than views, when there is much to count."""
    await views.write(40_000, articles=3000)
    views.settings = SETTINGS.model_copy(update={"call_beacons": 20_000})

    async def never(_: ViewsProjection) -> list[Effects]:
        return []

    with monkeypatch.context() as patched:
        patched.setattr(ViewsProjection, "settle", never)
        async with views.projecting():
            await until(lambda: is_applied(views.backend, views.redis), "everything to be counted", seconds=60)
            await views.flushed()  # the changelog knows that these are not settled, and leaves their marks
    assert len(await unsettled(views.redis)) > 100
    assert await stored_fields(views.redis) != await views.expected()
    async with views.projecting():
        await views.caught_up()
        await views.assert_exact()
