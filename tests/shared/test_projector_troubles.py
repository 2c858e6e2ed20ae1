"""The projection runtime when its surroundings are in trouble: it waits, says so, and goes on when they are mended."""

import asyncio
from dataclasses import replace
from time import time
from unittest.mock import AsyncMock

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from redis.exceptions import ResponseError

from news_shared.errors import LogMismatchError
from news_shared.projection.contract import Restoring
from news_shared.redis_client import check_eviction
from news_shared.topics import VIEWS
from tests.shared.tally import Tally, tally_spec
from tests.shared.words import Words, projecting, rebuild_tally
from tests.testbed.backends import PARTITIONS
from tests.testbed.evicting import evicting, set_policy
from tests.testbed.refusing import refusing_writes
from tests.testbed.waiting import until


async def test_a_redis_that_refuses_writes_is_waited_for(words: Words) -> None:
    async with projecting(words) as one:
        await words.write(["before"])
        await until(words.is_exact, "the first word")
        async with refusing_writes(words.redis):
            await words.write([f"w{i}" for i in range(100)])
            await until(lambda: bool(one.unready()), "the refusal to be noticed")
            assert not await words.is_exact()
        await until(words.is_exact, "the words of meanwhile")
        await until(lambda: not one.unready(), "readiness")


async def test_nothing_is_projected_into_a_redis_that_evicts(words: Words) -> None:
    async with evicting(words.redis), projecting(words) as one:
        await words.write(["w"])
        await until(
            lambda: "maxmemory-policy to noeviction" in " ".join(one.unready()), "a refusal that says what to set"
        )
        assert await words.tally() is None
        with pytest.raises(LogMismatchError, match="maxmemory-policy allkeys-lru"):
            await rebuild_tally(words, tally_spec(VIEWS))
        await set_policy(words.redis, "noeviction")
        await until(words.is_exact, "the word, once all is kept")
        await until(lambda: not one.unready(), "readiness")


async def test_a_redis_that_does_not_tell_whether_it_evicts_is_taken(
    words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    for told in (AsyncMock(side_effect=ResponseError("unknown command 'INFO'")), AsyncMock(return_value=[{}])):
        monkeypatch.setattr("news_shared.redis_client._memory_of_each", told)
        await check_eviction(words.redis)
        told.assert_awaited()


async def test_a_position_that_kafka_remembers_is_not_taken_for_ours_when_a_rebalance_comes_between(
    words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rebalance the client asks Kafka for the group's offset, which may be ahead of what Redis has."""
    position = AIOKafkaConsumer.position
    asked: list[TopicPartition] = []
    async with projecting(words) as one:
        await words.write([f"w{i}" for i in range(100)])
        await until(words.is_exact, "the tally")
        await until(lambda: not one.unready(), "readiness")

        async def remembered(consumer: AIOKafkaConsumer, tp: TopicPartition) -> int:
            if asked:
                return int(await position(consumer, tp))
            asked.append(tp)
            one._membership.epoch += 1
            return int(await position(consumer, tp)) + 5

        monkeypatch.setattr(AIOKafkaConsumer, "position", remembered)
        await until(lambda: bool(asked), "a watch")
        await words.write([f"x{i}" for i in range(100)])
        await until(words.is_exact, "the words that a wrong position would have passed over")


async def test_a_partition_that_stands_still_goes_on_after_the_rebuild_that_it_asks_for(words: Words) -> None:
    async with projecting(words):
        await words.write([f"w{i}" for i in range(300)])
        await until(words.is_exact, "the tally")
    await words.backend.make_topics_anew()
    words.expected.clear()
    async with projecting(words) as one:
        await until(lambda: any("newsfeed rebuild tally" in reason for reason in one.unready()), "a partition to stop")
        await rebuild_tally(words, tally_spec(VIEWS))
        await words.write([f"x{i}" for i in range(50)])
        await until(words.is_exact, "what came after the rebuild")
        await until(lambda: not one.unready(), "readiness")


async def test_a_rebuild_that_meets_a_bug_ends_with_it_and_the_live_generation_stays(
    words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with projecting(words):
        await words.write(["w"] * 10)
        await until(words.is_exact, "the tally")
        monkeypatch.setattr(Tally, "decode", _bug)
        async with asyncio.timeout(60):
            with pytest.raises(ExceptionGroup):
                await rebuild_tally(words, tally_spec(VIEWS))
        assert await words.is_exact()


def _bug(tally: Tally, record: ConsumerRecord) -> str:
    raise RuntimeError("a bug")


class FromChangelog(Tally):
    """Its changelog goes on while it is read, as that of a live owner does."""

    words: Words

    async def restore(self, restoring: Restoring) -> int | None:
        await FromChangelog.words.write([chr(PARTITIONS * 9 + self._ownership.partition)])
        return (await self._ownership.log.bounds()).end


async def test_a_changelog_that_goes_on_while_it_is_restored_from_is_no_loss(words: Words) -> None:
    FromChangelog.words = words
    async with projecting(words):
        assert await rebuild_tally(words, replace(tally_spec(VIEWS), open=FromChangelog)) == 2


async def test_while_kafka_does_not_answer_what_is_told_grows_older(words: Words) -> None:
    async def age() -> float:
        moments = [
            int(moment) / 1000
            for partition in range(PARTITIONS)
            for moment in await words.redis.hvals(f"{{tally-{partition}}}:1:as-of")
        ]
        return time() - min(moments) if len(moments) == PARTITIONS else float("inf")

    async def is_fresh() -> bool:
        return await age() < 2.5

    async def is_old() -> bool:
        return await age() > 5

    async with projecting(words) as one:
        await words.write([f"w{i}" for i in range(100)])
        await until(words.is_exact, "the tally")
        await until(lambda: not one.unready(), "readiness")
        await until(is_fresh, "the moment of all partitions to be fresh")
        words.backend.kafka.freeze()
        try:
            await until(is_old, "answers to say that they are old", seconds=30)
        finally:
            words.backend.kafka.thaw()
        await until(is_fresh, "answers to be fresh again", seconds=60)
