"""How a process comes by the partitions of a topic: as a member of its group, or alone and all of them."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from news_shared.crash_points import reached
from news_shared.kafka import reading
from news_shared.lease import Lease
from news_shared.settings import KafkaSettings
from news_shared.topics import MAX_RECORD_BYTES


class Membership:
    """Who this process is to Kafka, and how often its partitions were handed out anew.

    Args:
        topic: whose partitions they are.
        group: shares them among its members.
        kafka: where it is.
        partitions: of the topic.
        instance: tells members apart, across restarts.
        lease: its holder has all partitions and is in no group.
        is_beside: all partitions as well, beside those who have them.
    """

    def __init__(
        self,
        topic: str,
        group: str,
        *,
        kafka: KafkaSettings,
        partitions: int,
        instance: str,
        lease: Lease | None,
        is_beside: bool,
    ) -> None:
        self._topic = topic
        self._group = group
        self._kafka = kafka
        self._partitions = partitions
        self._instance = instance
        self._lease = lease
        self._token = ""
        self.is_alone = lease is not None or is_beside
        self.is_joined = False
        self.epoch = 0

    @property
    def is_standing_by(self) -> bool:
        """Whether another process has the lease, and waiting for it is this one's work."""
        return self._lease is not None and not self._lease.is_held

    @property
    def lease_token(self) -> str:
        """Of the lease as it is now; empty without one."""
        return self._lease.token if self._lease else ""

    @property
    def holds(self) -> bool:
        """Whether the lease with which this process joined is still its own; always without one."""
        return self._lease is None or (self._lease.is_held and self._lease.token == self._token)

    async def may_join(self, stopping: asyncio.Event) -> bool:
        """Wait for the lease, where there is one; false when told to stop first."""
        if self._lease is None:
            return not stopping.is_set()
        stop = asyncio.create_task(stopping.wait(), name="stop")
        held = asyncio.create_task(self._lease.wait_until_held(), name="lease")
        try:
            await asyncio.wait({stop, held}, return_when=asyncio.FIRST_COMPLETED)
            return not stopping.is_set()
        finally:
            stop.cancel()
            held.cancel()

    def consumer(self) -> AIOKafkaConsumer:
        """One that reads as this process; `join` starts it."""
        session_ms = round(self._kafka.session_timeout.total_seconds() * 1000)
        membership: dict[str, object] = {"group_id": None}
        if not self.is_alone:
            membership = {
                "group_id": self._group,
                "partition_assignment_strategy": (RangePartitionAssignor,),  # co-partitioned topics stay together
                "session_timeout_ms": session_ms,
                "heartbeat_interval_ms": session_ms // 6,
            }
            if self._kafka.static_members:
                membership["group_instance_id"] = f"{self._group}-{self._instance}"
        return AIOKafkaConsumer(
            **reading(self._kafka),
            **membership,
            enable_auto_commit=False,
            auto_offset_reset="none",  # where to begin is for Redis to say
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
            fetch_max_wait_ms=100,
        )

    async def join(self, consumer: AIOKafkaConsumer) -> None:
        """Start a consumer and take what falls to it.

        Raises:
            KafkaError: Kafka is away.
        """
        self._token = self.lease_token
        await consumer.start()
        if self.is_alone:
            consumer.assign([TopicPartition(self._topic, p) for p in range(self._partitions)])
            self.epoch += 1
        else:
            consumer.subscribe([self._topic], listener=_EpochListener(self))
        self.is_joined = self.is_alone

    def assignment_changed(self) -> None:
        """A rebalance took place; all positions of the consumer are void."""
        self.epoch += 1
        self.is_joined = True

    def left(self) -> None:
        """The consumer is about to stop."""
        self.is_joined = False


class _EpochListener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Runs inside the rebalance: short, and without effects of its own."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        if revoked:
            reached("during-revoke")

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self._membership.assignment_changed()
