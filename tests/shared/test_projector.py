"""The projection runtime on the backend's servers: every record takes effect once, whatever happens."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer
from prometheus_client import CollectorRegistry

from news_shared.lease import Lease
from news_shared.process import running
from news_shared.producer import Outgoing, open_producer
from news_shared.projection.contract import Checkpoint, Effects
from news_shared.projection.dead_letters import DeadLetter
from news_shared.projection.state import PartitionState, StateKeys
from news_shared.topics import DEAD_LETTERS, VIEWS
from tests.shared.tally import TALLY_LUA, Tally, tally_spec
from tests.shared.words import Words, projecting, projector
from tests.testbed.backends import PARTITIONS
from tests.testbed.redis_cluster import RedisCluster
from tests.testbed.topics import records_of
from tests.testbed.waiting import until


async def test_every_record_takes_effect_once_across_restarts(words: Words) -> None:
    await words.write([f"w{i % 100}" for i in range(2000)])
    async with projecting(words):
        await until(words.is_exact, "the first tally")
        await words.write([f"w{i % 100}" for i in range(500)])
        await until(words.is_exact, "the second tally")
    await words.write(["while nobody looked"] * 5)
    async with projecting(words):
        await until(words.is_exact, "the third tally")


async def test_a_group_without_a_coordinator_keeps_nobody_from_work_nor_from_stopping(
    words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart of the broker the client may look for the coordinator for long, and gives no word of it."""
    asked = asyncio.Event()

    async def never_ends(*_: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(AIOKafkaConsumer, "commit", never_ends)
    async with projecting(words):
        await words.write(["before"])
        await asyncio.wait_for(asked.wait(), 30)
        await words.write(["after"] * 10)
        await until(words.is_exact, "the words after it")


async def test_a_loop_that_hangs_is_not_ready(words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("news_shared.projection.seats._WATCHED_WITHIN", 2.5)
    goes_on = asyncio.Event()
    decide = Tally.decide

    async def hangs(tally: Tally, events: Sequence[str]) -> Effects:
        await goes_on.wait()
        return await decide(tally, events)

    async with projecting(words) as one:

        async def is_ready() -> bool:
            return one.unready() == []

        async def says_so() -> bool:
            return any("not looked after" in reason for reason in one.unready())

        await until(is_ready, "the projector")
        monkeypatch.setattr(Tally, "decide", hangs)
        await words.write(["word"])
        await until(says_so, "the hang to be seen")
        Tally.works = True
        assert one.unready() == [], "slow work that ends by itself is in hand"
        Tally.works = False
        goes_on.set()
        await until(is_ready, "the projector to go on")
        await until(words.is_exact, "the word")


async def test_poison_is_parked_with_its_reason_and_the_partition_goes_on(words: Words) -> None:
    async with projecting(words):
        await words.write(["before"])
        await words.write(["poison"], counted=False)
        await words.write(["before"])
        await until(words.is_exact, "the words around the poison")
    letters = [DeadLetter.of(record) for record in await records_of(words.backend, DEAD_LETTERS)]
    assert [(letter.value, letter.group, letter.error) for letter in letters] == [
        (b"poison", "news.tally", "this word is poison")
    ]


async def test_a_parked_record_is_applied_again_once_when_somebody_asks(words: Words) -> None:
    def ask(name: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "newsfeed", "dead-letters", "replay", name]
        environment = {**os.environ, **words.backend.environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    Tally.poison = "poison"
    async with projecting(words):
        await words.write(["poison"], counted=False)
        await words.write(["other"])
        await until(words.is_exact, "the words around the poison")

        async def is_parked() -> bool:
            return bool(await records_of(words.backend, DEAD_LETTERS))

        await until(is_parked, "the poison to be parked")
        [letter] = [DeadLetter.of(record) for record in await records_of(words.backend, DEAD_LETTERS)]
        name = f"{letter.topic}/{letter.partition}/{letter.offset}"
        assert (await asyncio.to_thread(ask, name)).returncode == 0
        assert await words.is_exact(), "it is poison still"
        Tally.poison = ""  # somebody mended the projection
        assert (await asyncio.to_thread(ask, name)).returncode == 0
        words.expected["poison"] += 1
        await until(words.is_exact, "the replayed word")
        unknown = await asyncio.to_thread(ask, f"{VIEWS}/0/999999")
        assert unknown.returncode == 1
        assert "is not parked" in unknown.stderr
    assert len(await records_of(words.backend, DEAD_LETTERS)) == 1, "a replay parks nothing anew"


async def test_where_the_last_record_of_a_key_holds_an_older_one_is_not_applied_again(words: Words) -> None:
    asked = StateKeys("{tally-0}", VIEWS, 0).replay

    async def replay(offset: int) -> None:
        for letter in await records_of(words.backend, DEAD_LETTERS):
            if DeadLetter.of(letter).offset == offset:
                await words.redis.rpush(asked, f"{letter.partition}/{letter.offset}")

        async def is_answered() -> bool:
            return not await words.redis.exists(asked)

        await until(is_answered, "the request to be struck off")

    one = projector(words, spec=replace(tally_spec(VIEWS), last_record_holds=True))
    async with running(one.run(), stop=one.request_stop, name="0", drain=timedelta(seconds=10)):
        written = [(b"a", b"poison"), (b"a", b"newer"), (b"b", b"poison"), (b"b", b"newer poison"), (b"c", b"other")]
        async with open_producer(words.backend.kafka_settings) as producer:
            await producer.send_many([Outgoing(VIEWS, 0, key, word) for key, word in written])
        words.expected.update(["newer", "newer poison", "other"])
        await until(words.is_exact, "the words beside the poison")
        Tally.poison = "newer poison"  # as it is told apart once the projection was mended
        await replay(0)
        await replay(2)
        words.expected.update(["poison"])
        await until(words.is_exact, "the one that has only poison after it")


async def test_a_replay_that_is_sent_again_takes_effect_once(words: Words) -> None:
    state = PartitionState(words.redis, StateKeys("{tally-0}", VIEWS, 0), TALLY_LUA)
    await state.begin_restore(1)
    await state.finish_restore(1, 0)
    await words.redis.rpush(state.keys.replay, "3/7")
    for _ in range(2):  # the first answer may have been lost
        await state.apply_replayed(Checkpoint(1, 0), Effects(["{tally-0}:1:tally"], ["again"]), "3/7")
    assert await words.redis.hget("{tally-0}:1:tally", "again") == b"1"
    assert await state.next_replay() is None


async def test_a_transient_fault_is_retried_in_place_and_nothing_is_parked(words: Words) -> None:
    async with projecting(words):
        await words.write(["a", "away", "b"])
        await until(words.is_exact, "the words around the fault")
    assert Tally.away == 0, "the fault did nothing"


async def test_a_redis_that_was_emptied_is_filled_again_without_a_hand(words: Words) -> None:
    async with projecting(words) as one:
        await words.write([f"w{i}" for i in range(300)])
        await until(words.is_exact, "the tally")
        await words.redis.flushall()
        assert await words.tally() is None, "an emptied partition must not answer with zeros"
        await until(words.is_exact, "the restored tally")
        await until(lambda: not one.unready(), "readiness")


async def test_members_share_the_partitions_and_take_over_from_one_that_leaves(words: Words) -> None:
    async with projecting(words, instance="0") as first:
        await until(lambda: len(first.offsets) == PARTITIONS, "all partitions to be owned")
        async with projecting(words, instance="1") as second:
            await until(lambda: len(second.offsets) == PARTITIONS // 2, "half of the partitions to move")
            await words.write([f"w{i}" for i in range(300)])
            await until(words.is_exact, "the shared tally")
        await until(lambda: len(first.offsets) == PARTITIONS, "the partitions to come back")
        await words.write([f"w{i}" for i in range(300)])
        await until(words.is_exact, "the tally after the take-over")


async def test_the_third_crash_at_a_record_parks_it_as_a_bug(words: Words) -> None:
    await words.write(["bomb"], counted=False)
    await words.write(["bmob"])  # the same partition
    for _ in range(3):
        with pytest.raises(ExceptionGroup):
            await asyncio.wait_for(projector(words).run(), 30)
    async with projecting(words):
        await until(words.is_exact, "the words beside the bomb")


async def test_a_watch_between_two_crashes_does_not_forget_the_first(words: Words) -> None:
    state = PartitionState(words.redis, StateKeys("{tally-0}", VIEWS, 0), TALLY_LUA)
    await state.begin_restore(1)
    await state.finish_restore(1, 0)
    here, beyond = Checkpoint(1, 0), Checkpoint(1, 1)
    assert await state.count_attempt(1) == 1
    await state.apply(here, Effects(), here, live=True, as_of_ms=1)  # a slow fetch: the watch comes first
    assert await state.count_attempt(1) == 2
    await state.apply(here, Effects(), beyond, live=True, as_of_ms=1)
    assert await state.count_attempt(1) == 1, "of the next record nothing is known"


async def test_records_in_hand_are_behind(words: Words) -> None:
    goes_on, is_in_hand = asyncio.Event(), asyncio.Event()

    class Slow(Tally):
        async def decide(self, events: Sequence[str]) -> Effects:
            is_in_hand.set()
            await goes_on.wait()
            return await super().decide(events)

    registry = CollectorRegistry()

    def behind() -> float:
        return sum(
            sample.value
            for family in registry.collect()
            for sample in family.samples
            if sample.name == "news_projection_lag"
        )

    one = projector(words, spec=replace(tally_spec(VIEWS), open=Slow), registry=registry)
    async with running(one.run(), stop=one.request_stop, name="slow", drain=timedelta(seconds=10)):
        await until(lambda: not one.unready(), "readiness")
        assert behind() == 0
        await words.write(["w"] * 3)
        await asyncio.wait_for(is_in_hand.wait(), 10)
        assert behind() > 0, "all are read, and none has taken effect"
        goes_on.set()
        await until(words.is_exact, "the tally")
        await until(lambda: behind() == 0, "nothing to be behind")


async def test_the_lag_of_a_partition_is_told_by_its_owner_alone(words: Words) -> None:
    registry = CollectorRegistry()

    def told() -> set[int]:
        samples = (sample for family in registry.collect() for sample in family.samples)
        return {int(sample.labels["partition"]) for sample in samples if sample.name == "news_projection_lag"}

    one = projector(words, registry=registry)
    async with running(one.run(), stop=one.request_stop, name="first", drain=timedelta(seconds=10)):
        await until(lambda: told() == set(range(PARTITIONS)), "the lag of all")
        async with projecting(words, instance="1") as second:
            await until(lambda: 0 < len(second.offsets) < PARTITIONS and not second.unready(), "a share of the other")
            await until(lambda: told() == set(one.offsets) and not one.unready(), "the lag of the rest")
            assert told().isdisjoint(second.offsets)
    assert told() == set()


async def test_a_log_that_was_made_anew_stops_the_partition_with_instructions(words: Words) -> None:
    async with projecting(words):
        await words.write([f"w{i}" for i in range(300)])
        await until(words.is_exact, "the tally")
    await words.backend.make_topics_anew()
    async with projecting(words) as one:
        await until(
            lambda: any("newsfeed rebuild tally" in reason for reason in one.unready()), "the partitions to stop"
        )
    assert await words.is_exact(), "nothing was touched"


async def test_one_holder_of_the_lease_projects_and_another_takes_over(words: Words) -> None:
    first_lease = Lease(words.redis, "{tally-0}:lease", ttl=timedelta(seconds=2))
    second_lease = Lease(words.redis, "{tally-0}:lease", ttl=timedelta(seconds=2))
    async with running(second_lease.run(), stop=second_lease.request_stop, name="second", drain=timedelta(seconds=5)):
        await until(lambda: second_lease.is_held, "the second to hold the lease")
        async with running(first_lease.run(), stop=first_lease.request_stop, name="first", drain=timedelta(seconds=5)):
            second_lease.request_stop()
            await until(lambda: first_lease.is_held, "the first to take it over")
            assert not second_lease.is_held


@pytest.mark.kafka
@pytest.mark.parametrize("under_load", [True, False])
async def test_a_fail_over_that_loses_writes_is_noticed_and_made_good(words: Words, under_load: bool) -> None:
    cluster = words.backend.redis
    assert isinstance(cluster, RedisCluster)
    async with projecting(words):
        await words.write([f"w{i}" for i in range(300)])
        await until(words.is_exact, "the tally")
        key = "{tally-0}:1:state:" + VIEWS + ":0"
        master = cluster.master_of(key)
        replica = cluster.cut_off(master)
        await words.write([chr(12 * 9)] * 20)  # all in partition 0
        await until(words.is_exact, "the writes that will be lost")
        before = int(cluster.node(master).hget(key, "next"))
        replicated = _stored_offset(cluster, replica, key)
        assert replicated < before, "the fault did nothing: the replica had everything"
        assert _version(cluster, replica) != _version(cluster, master), (
            "answers kept of what is lost are not said again"
        )
        cluster.fail_over(master, replica)
        if under_load:
            await words.write([f"w{i}" for i in range(300)])
        await until(words.is_exact, "the lost writes to be made good")


def _stored_offset(cluster: RedisCluster, port: int, key: str) -> int:
    node = cluster.node(port)
    node.execute_command("READONLY")  # of this connection: a replica answers for its master then
    return int(node.hget(key, "next"))


def _version(cluster: RedisCluster, port: int) -> bytes:
    node = cluster.node(port)
    node.execute_command("READONLY")
    return bytes(node.hget("{tally-0}:live", "changed"))
