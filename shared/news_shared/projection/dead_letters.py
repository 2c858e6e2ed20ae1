"""Parking records that can never succeed, with their reason, so that a person can look and apply them again."""

from dataclasses import dataclass
from datetime import datetime

from aiokafka import ConsumerRecord

from news_shared.article_ids import partition_of
from news_shared.clock import Clock, rfc3339
from news_shared.crash_points import reached
from news_shared.errors import PoisonError
from news_shared.producer import Position, Producer
from news_shared.topics import DEAD_LETTERS


@dataclass(frozen=True)
class DeadLetter:
    """A parked record: where it stood, who could not apply it and why."""

    topic: str
    partition: int
    offset: int
    group: str
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
                group=own["dead-letter-group"],
                error=own["dead-letter-error"],
                time=datetime.fromisoformat(own["dead-letter-time"]),
                key=record.key,
                value=record.value,
                headers=tuple(h for h in record.headers if not h[0].startswith("dead-letter-")),
            )
        except (KeyError, ValueError) as error:
            raise PoisonError(f"not a dead letter: {error!r}") from error


class DeadLetters:
    """Parks records for one consumer group."""

    def __init__(self, producer: Producer, *, group: str, partitions: int, clock: Clock) -> None:
        self._producer = producer
        self._group = group
        self._partitions = partitions
        self._clock = clock

    async def park(self, record: ConsumerRecord, error: str) -> Position:
        """Write the record with its reason; returns when it is durable. Parking twice is harmless.

        Raises:
            TransientError: Kafka did not take it; the record must not be passed over.
        """
        where = f"{record.topic}/{record.partition}/{record.offset}"
        headers = [
            *record.headers,
            ("dead-letter-topic", record.topic.encode()),
            ("dead-letter-partition", str(record.partition).encode()),
            ("dead-letter-offset", str(record.offset).encode()),
            ("dead-letter-group", self._group.encode()),
            ("dead-letter-error", error[:2000].encode()),
            ("dead-letter-time", rfc3339(self._clock()).encode()),
        ]
        position = await self._producer.send(
            DEAD_LETTERS,
            partition=partition_of(record.key or where, self._partitions),
            key=record.key,
            value=record.value,
            headers=headers,
        )
        reached("after-dead-letter")
        return position
