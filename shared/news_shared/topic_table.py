"""A small compacted topic as a table in memory, followed as it grows (sources, keys)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from types import MappingProxyType

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from news_shared.errors import TransientError
from news_shared.kafka import end_offset, reading
from news_shared.process import running
from news_shared.producer import Position
from news_shared.settings import KafkaSettings

log = structlog.get_logger()


class TopicTable:
    """The last value of each key. It keeps answering from memory while Kafka is away."""

    def __init__(self, settings: KafkaSettings, topic: str, partitions: int) -> None:
        self._settings = settings
        self._partitions = [TopicPartition(topic, p) for p in range(partitions)]
        self._items: dict[bytes, bytes] = {}
        self._next: dict[int, int] = {}
        self._changed = asyncio.Condition()
        self._stopping = asyncio.Event()
        self._watchers: list[set[bytes]] = []
        self.caught_up = False

    @property
    def items(self) -> Mapping[bytes, bytes]:
        """Key to value, without the removed."""
        return MappingProxyType(self._items)

    @asynccontextmanager
    async def following(self) -> AsyncIterator["TopicTable"]:
        """Follow the topic as long as the block runs; does not wait for the first answer."""
        async with running(self._follow(), stop=self._stopping.set, name="topic table", drain=timedelta(seconds=3)):
            yield self

    def watch(self) -> set[bytes]:
        """A set that every key is put into when its value is written or removed; whoever asked takes them out."""
        changed: set[bytes] = set()
        self._watchers.append(changed)
        return changed

    async def wait_until_caught_up(self, within: timedelta) -> None:
        """Wait until all that was there at the start is here.

        Raises:
            TransientError: Kafka did not deliver in time.
        """
        await self._wait(lambda: self.caught_up, within)

    async def wait_for(self, position: Position, within: timedelta) -> None:
        """Wait until a record that was just written is here, so that its writer reads it.

        Raises:
            TransientError: it did not come in time.
        """
        await self._wait(lambda: self._next.get(position.partition, 0) > position.offset, within)

    async def _wait(self, condition: Callable[[], bool], within: timedelta) -> None:
        try:
            async with asyncio.timeout(within.total_seconds()), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError as error:
            raise TransientError(f"{self._partitions[0].topic} could not be read in time") from error

    async def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._follow_once()
            except (KafkaError, OSError, TransientError) as error:
                log.info("table lost its topic, trying again", topic=self._partitions[0].topic, error=repr(error))
                await asyncio.sleep(0.5)

    async def _follow_once(self) -> None:
        consumer = AIOKafkaConsumer(
            **reading(self._settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # a table is all of its topic
            fetch_max_wait_ms=100,
        )
        try:
            await consumer.start()
            consumer.assign(self._partitions)
            ends = {tp: await end_offset(consumer, tp, self._settings) for tp in self._partitions}
            begins = await consumer.beginning_offsets(self._partitions)
            for tp in self._partitions:
                consumer.seek(tp, self._next.get(tp.partition, begins[tp]))
            while not self._stopping.is_set():
                batches = await consumer.getmany(timeout_ms=200)
                for records in batches.values():
                    for record in records:
                        if record.value is None:
                            self._items.pop(record.key, None)
                        else:
                            self._items[record.key] = record.value
                        for changed in self._watchers:
                            changed.add(record.key)
                if batches or not self.caught_up:
                    await self._moved(consumer, ends)
        finally:
            await consumer.stop()

    async def _moved(self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> None:
        for tp in self._partitions:
            self._next[tp.partition] = await consumer.position(tp)
        async with self._changed:
            self.caught_up = self.caught_up or all(self._next[tp.partition] >= end for tp, end in ends.items())
            self._changed.notify_all()
