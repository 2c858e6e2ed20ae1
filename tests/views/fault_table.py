"""Every fault of a Kafka and a Redis Cluster that the views projection must survive, each held to have had its effect.

A fault returns when the projectors are whole again; what it did is counted in `happened`.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from news_shared.projection.log import PartitionLog
from news_shared.topics import VIEWS
from news_views.projection.names import GROUP
from tests.testbed.apache_kafka import ApacheKafka
from tests.testbed.backends import PARTITIONS
from tests.testbed.plain_http import plain_client
from tests.testbed.redis_cluster import RedisCluster
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.waiting import until
from tests.views.dated_log import DatedWriter, SeenLog
from tests.views.partitions import written_progress
from tests.views.test_views_faults import trim
from tests.views.test_views_projector import Partitions

_MEMBERS = 2  # that are always there
_WHOLE_AGAIN = 300  # patience is not what is tested, and two cores may have other work
_PATIENCE_AT_THE_END = 20.0
_NOTHING_ACKNOWLEDGED = 8.0  # longer than sessions of consumers and the timeouts of producers

Fault = Callable[[], Awaitable[None]]


class FaultTable:
    """Projectors in processes of their own, and what may happen to them, to the broker and to Redis."""

    def __init__(self, views: Partitions, roles: Roles, writer: DatedWriter, seen: SeenLog, **settings: str) -> None:
        assert isinstance(views.backend.redis, RedisCluster)
        assert isinstance(views.backend.kafka, ApacheKafka)
        self._views = views
        self._roles = roles
        self._cluster = views.backend.redis
        self._kafka = views.backend.kafka
        self._writer = writer
        self._seen = seen
        self._settings = settings
        self._newcomers = count(_MEMBERS)
        self._turns = count()
        self.members: list[RoleProcess] = []
        self.happened: Counter[str] = Counter()
        self.takeovers: list[float] = []

    @property
    def faults(self) -> tuple[Fault, ...]:
        """One of each, in an order in which each meets the traces of the one before."""
        return (
            self.an_owner_is_killed_and_comes_back_at_once,
            self.an_owner_is_killed_and_others_take_over,
            self.a_fail_over_loses_the_last_writes_under_load,
            self.an_owner_is_frozen_and_comes_back,
            self.the_broker_is_killed,
            self.members_come_and_go,
            self.an_owner_dies_between_redis_and_the_changelog,
            self.the_broker_is_frozen,
            self.a_fail_over_loses_the_last_writes_while_all_is_idle,
            self.an_owner_dies_while_partitions_are_given_up,
            self.an_owner_dies_after_a_dead_letter,
            self.the_broker_is_stopped,
            self.all_of_redis_is_lost_and_the_log_was_trimmed,
        )

    async def start(self) -> None:
        """Start the members that are always there."""
        for instance in range(_MEMBERS):
            self.members.append(await self._join(str(instance)))

    def kill_all(self) -> None:
        """End all members."""
        for member in self.members:
            member.kill()

    def launch_all(self) -> None:
        """Start them again."""
        for member in self.members:
            member.launch()

    async def an_owner_is_killed_and_comes_back_at_once(self) -> None:
        victim = self._victim()
        self._kill(victim)
        victim.launch()
        await self._whole_again()
        assert await self._opened(victim) > 0, "it took nothing over"

    async def an_owner_is_killed_and_others_take_over(self) -> None:
        victim = self._victim()
        survivors = [member for member in self.members if member is not victim]
        before = await self._opened(*survivors)
        self._kill(victim)
        await self._taken_over(survivors, before)
        victim.launch()
        await self._whole_again()

    async def an_owner_is_frozen_and_comes_back(self) -> None:
        victim = self._victim()
        survivors = [member for member in self.members if member is not victim]
        before, lost_before = await self._opened(*survivors), await self._discarded(victim)
        victim.freeze()
        try:
            await self._taken_over(survivors, before)
        finally:
            victim.thaw()
        await until(
            lambda: self._more_than(self._discarded(victim), lost_before), "the thawed one to notice", seconds=60
        )
        self.happened["owners frozen until others had their partitions"] += 1
        await self._whole_again()

    async def members_come_and_go(self) -> None:
        newcomers = [self._make() for _ in range(3)]
        for newcomer in newcomers:
            newcomer.launch()
        for newcomer in newcomers:
            await self._owns_something(newcomer)
        first, second, third = newcomers
        await self._leave(first)
        second.kill()
        self.happened["members that came, owned and went"] += 3
        await self._leave(third)
        await self._whole_again()

    async def an_owner_dies_between_redis_and_the_changelog(self) -> None:
        await self._dies_at("after-redis-before-changelog:2")

    async def an_owner_dies_while_partitions_are_given_up(self) -> None:
        newcomer = self._make()
        await self._dies_at("during-revoke", newcomer.launch)
        await self._leave(newcomer)
        await self._whole_again()

    async def an_owner_dies_after_a_dead_letter(self) -> None:
        await self._dies_at("after-dead-letter", lambda: self._writer.interject(b"poison"))

    async def the_broker_is_killed(self) -> None:
        await asyncio.to_thread(self._kafka.kill)
        self._note_writing("the broker killed")
        await asyncio.to_thread(self._kafka.start)
        await self._whole_again()

    async def the_broker_is_stopped(self) -> None:
        await asyncio.to_thread(self._kafka.stop)
        self._note_writing("the broker stopped")
        await asyncio.to_thread(self._kafka.start)
        await self._whole_again()

    async def the_broker_is_frozen(self) -> None:
        await asyncio.to_thread(self._kafka.freeze)
        try:
            await self._writer.silence(_NOTHING_ACKNOWLEDGED)
        finally:
            self._kafka.thaw()
        self._note_writing("the broker frozen")
        await self._whole_again()

    async def a_fail_over_loses_the_last_writes_under_load(self) -> None:
        await self._fail_over("fail-overs under load")

    async def a_fail_over_loses_the_last_writes_while_all_is_idle(self) -> None:
        await self._writer.pause()
        try:
            await self._fail_over("fail-overs while nothing was written", is_idle=True)
        finally:
            self._writer.resume()

    async def all_of_redis_is_lost_and_the_log_was_trimmed(self) -> None:
        """To what sessions and grace look back to: what retention must leave."""
        for member in self.members:
            self._kill(member)
        await self._writer.pause()
        await self._seen.read()
        offsets = await self._needed()
        await trim(self._views.backend, offsets)
        await asyncio.to_thread(self._cluster.flush)
        self._writer.resume()
        assert sum(offsets.values()) > 0, "nothing was trimmed"
        self.happened["all of Redis lost, the log trimmed"] += 1
        for member in self.members:
            member.launch()
        await self._whole_again()
        assert await self._opened(*self.members, how="restored") > 0, "nobody restored"

    async def _needed(self) -> dict[int, int]:
        """Of each partition the first offset that a projector needs which restores from the changelog."""
        settings = self._views.settings
        session_ms, grace_ms = (round(1000 * period.total_seconds()) for period in (settings.session, settings.grace))
        found = {}
        for partition, progress in (await written_progress(self._views.redis)).items():
            log = PartitionLog(self._views.backend.kafka_settings, VIEWS, partition)
            looks_back_to = max(0, min(progress.clock_ms - session_ms, progress.log_ms - grace_ms))
            found[partition] = min(await log.offset_at(looks_back_to), progress.next_offset)
        return found

    async def _fail_over(self, what: str, *, is_idle: bool = False) -> None:
        partition = next(self._turns) % PARTITIONS
        master = self._cluster.master_of(f"{{views-{partition}}}:live")
        await self._views.caught_up()
        replica = await asyncio.to_thread(self._cluster.cut_off, master)
        if is_idle:
            await self._write_a_little()
            await self._views.caught_up()
        await until(lambda: sum(self._lost(master, replica).values()) > 0, "writes that the replica does not have")
        discarded = await self._discarded(*self.members, why="mismatch")
        lost = await asyncio.to_thread(self._lost, master, replica)
        await asyncio.to_thread(self._cluster.fail_over, master, replica)
        await until(
            lambda: self._more_than(self._discarded(*self.members, why="mismatch"), discarded),
            "somebody to notice the fail-over",
            seconds=60,
        )
        self.happened[what] += 1
        self.happened["records that were counted again after a fail-over"] += sum(lost.values())
        await self._whole_again()
        if is_idle:
            await self._views.caught_up()

    async def _write_a_little(self) -> None:
        before = self._writer.acknowledged
        self._writer.resume()
        await until(lambda: self._writer.acknowledged > before + 1000, "a thousand records")
        await self._writer.pause()

    def _lost(self, master: int, replica: int) -> dict[int, int]:
        """By how much the stored offset of each partition of a master is ahead of the replica's."""
        lost = {}
        for partition in range(PARTITIONS):
            if self._cluster.master_of(f"{{views-{partition}}}:live") == master:
                ahead, behind = (_next_offset(self._cluster.node(port), partition) for port in (master, replica))
                lost[partition] = ahead - behind
        return lost

    def _victim(self) -> RoleProcess:
        return self.members[next(self._turns) % len(self.members)]

    def _kill(self, victim: RoleProcess) -> None:
        assert victim.is_alive
        victim.kill()
        self.happened["owners killed"] += 1

    async def _dies_at(self, point: str, cause: Callable[[], Any] | None = None) -> None:
        victim = self._victim()
        await self._leave(victim)
        victim.environment["NEWS_CRASH_AT"] = point
        victim.launch()
        victim.environment.pop("NEWS_CRASH_AT")
        if cause is not None:
            await self._owns_something(victim)
            caused = cause()
            if caused is not None:
                await caused
        assert await victim.ended(seconds=60) == -signal.SIGKILL
        self.happened[f"died at {point.partition(':')[0]}"] += 1
        victim.launch()
        await self._whole_again()

    async def _leave(self, member: RoleProcess) -> None:
        """SIGTERM, and SIGKILL for who does not end, as whatever runs containers does it."""
        try:
            await member.stop(seconds=_PATIENCE_AT_THE_END)
        except TimeoutError:
            member.kill()
            self.happened["members that had to be killed after SIGTERM"] += 1
        else:
            self.happened["members that ended after SIGTERM"] += 1

    async def _owns_something(self, member: RoleProcess) -> None:
        await until(
            lambda: self._more_than(self._opened(member), 0), f"{member.name} to own something", seconds=_WHOLE_AGAIN
        )

    async def _taken_over(self, survivors: Sequence[RoleProcess], opened_before: float) -> None:
        seconds = await until(
            lambda: self._more_than(self._opened(*survivors), opened_before), "the others to take over", seconds=60
        )
        self.happened["take-overs"] += 1
        self.takeovers.append(seconds)

    async def _whole_again(self) -> None:
        for member in self.members:
            await member.ready(seconds=_WHOLE_AGAIN)

    def _note_writing(self, what: str) -> None:
        assert self._writer.is_writing, f"nobody was writing: {what}"
        self.happened[what] += 1

    def _make(self) -> RoleProcess:
        return self._roles.make("views-projector", instance=str(next(self._newcomers)), **self._settings)

    async def _join(self, instance: str) -> RoleProcess:
        return await self._roles.start("views-projector", instance=instance, **self._settings)

    async def _more_than(self, value: Awaitable[float], bound: float) -> bool:
        try:
            return await value > bound
        except httpx.TransportError:
            return False

    async def _opened(self, *members: RoleProcess, how: str | None = None) -> float:
        return await _summed("news_projection_opened_total", members, how=how)

    async def _discarded(self, *members: RoleProcess, why: str | None = None) -> float:
        return await _summed("news_projection_discarded_total", members, why=why)


async def _summed(name: str, members: Sequence[RoleProcess], **labels: str | None) -> float:
    wanted = {"group": GROUP, **{label: value for label, value in labels.items() if value is not None}}
    total = 0.0
    async with plain_client(timeout=5) as http:
        for member in members:
            answer = await http.get(f"{member.url}/metrics")
            for family in text_string_to_metric_families(answer.text):
                total += sum(
                    sample.value
                    for sample in family.samples
                    if sample.name == name and wanted.items() <= sample.labels.items()
                )
    return total


def _next_offset(node: Redis, partition: int) -> int:
    """What one node of the cluster says, also a replica."""
    tag = f"{{views-{partition}}}"
    connection: Any = node
    with connection.client() as one:
        one.execute_command("READONLY")
        generation = int(one.hget(f"{tag}:live", "generation") or 1)
        return int(one.hget(f"{tag}:{generation}:state:{VIEWS}:{partition}", "next") or 0)
