"""Parking records that can never succeed, with their reason, so that a person can look and apply them again."""

from dataclasses import dataclass
from datetime import datetime

from aiokafka import ConsumerRecord

from news_shared.article_ids import partition_of
from news_shared.clock import Clock, rfc3339
from news_shared.crash_points import reached
from news_shared.errors import PoisonError
from news_shared.producer import Position, Producer
from news_shared.projection.log import PartitionLog
from news_shared.settings import KafkaSettings
from news_shared.topics import DEAD_LETTERS


@dataclass(frozen=True)
class DeadLetter:
    """A parked record: where it stood, who could not apply it and why."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int  # of the record in its topic
    group: str
    tag: str  # the hash tag of the projection's keys: where to ask for a replay
    error: str
    time: datetime
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, record: ConsumerRecord) -> "DeadLetter":
        """Read a record of news.dead-letters.

        Raises:
            PoisonError: it lacks the headers of a dead letter.
        """
        own = {name: value.decode() for name, value in record.headers if name.startswith("dead-letter-")}
        try:
            return cls(
                topic=own["dead-letter-topic"],
                partition=int(own["dead-letter-partition"]),
                offset=int(own["dead-letter-offset"]),
                timestamp_ms=int(own["dead-letter-timestamp"]),
                group=own["dead-letter-group"],
                tag=own["dead-letter-tag"],
                error=own["dead-letter-error"],
                time=datetime.fromisoformat(own["dead-letter-time"]),
                key=record.key,
                value=record.value,
                headers=tuple(h for h in record.headers if not h[0].startswith("dead-letter-")),
            )
        except (KeyError, ValueError) as error:
            raise PoisonError(f"not a dead letter: {error!r}") from error

    def record(self) -> ConsumerRecord:
        """The record as it stood in its topic."""
        return ConsumerRecord(
            topic=self.topic,
            partition=self.partition,
            offset=self.offset,
            timestamp=self.timestamp_ms,
            timestamp_type=None,
            key=self.key,
            value=self.value,
            checksum=None,
            serialized_key_size=len(self.key or b""),
            serialized_value_size=len(self.value or b""),
            headers=self.headers,
        )


def parked_headers(
    record: ConsumerRecord, error: str, *, group: str, tag: str, at: datetime
) -> list[tuple[str, bytes]]:
    """The headers of a dead letter: the record's own, then where it stood, who could not apply it, why and when."""
    return [
        *record.headers,
        ("dead-letter-topic", record.topic.encode()),
        ("dead-letter-partition", str(record.partition).encode()),
        ("dead-letter-offset", str(record.offset).encode()),
        ("dead-letter-timestamp", str(record.timestamp).encode()),
        ("dead-letter-group", group.encode()),
        ("dead-letter-tag", tag.encode()),
        ("dead-letter-error", error[:2000].encode()),
        ("dead-letter-time", rfc3339(at).encode()),
    ]


class DeadLetters:
    """Parks records for one consumer group."""

    def __init__(self, producer: Producer, kafka: KafkaSettings, *, group: str, partitions: int, clock: Clock) -> None:
        self._producer = producer
        self._kafka = kafka
        self._group = group
        self._partitions = partitions
        self._clock = clock

    async def parked(self, position: str) -> ConsumerRecord:
        """The record that was parked at ``partition/offset`` of the dead letters, as it stood in its topic.

        Raises:
            PoisonError: there is none any more, or none was ever there.
            TransientError: Kafka is away.
        """
        partition, _, offset = position.partition("/")
        if not (partition.isdigit() and offset.isdigit()):
            raise PoisonError(f"{position} is no partition/offset")
        dead_letters = PartitionLog(self._kafka, DEAD_LETTERS, int(partition))
        if int(offset) >= (await dead_letters.bounds()).end:
            raise PoisonError(f"{DEAD_LETTERS} never had a record at {position}")
        found = await dead_letters.record_at(int(offset))
        if found is None:
            raise PoisonError(f"{DEAD_LETTERS} no longer has a record at {position}")
        return DeadLetter.of(found).record()

    async def park(self, record: ConsumerRecord, error: str, *, tag: str) -> Position:
        """Write the record with its reason; returns when it is durable. Parking twice is harmless.

        ``tag`` is the hash tag of the projection's keys, for who wants it applied again.

        Raises:
            TransientError: Kafka did not take it; the record must not be passed over.
        """
        where = f"{record.topic}/{record.partition}/{record.offset}"
        position = await self._producer.send(
            DEAD_LETTERS,
            partition=partition_of(record.key or where, self._partitions),
            key=record.key,
            value=record.value,
            headers=parked_headers(record, error, group=self._group, tag=tag, at=self._clock()),
        )
        reached("after-dead-letter")
        return position
