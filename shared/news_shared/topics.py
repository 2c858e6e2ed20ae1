"""The topics, their settings, and their creation; keys and values are in docs/reference/events.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from news_shared.errors import LogMismatchError
from news_shared.kafka import connection, kafka_errors, reading
from news_shared.settings import KafkaSettings

SUBMISSIONS = "news.submissions"
ARTICLES = "news.articles"
HOLDS = "news.holds"
VIEWS = "news.views"
VIEW_COUNTS = "news.view-counts"
VECTORS = "news.vectors"
CURATION = "news.curation"
SOURCES = "news.sources"
DEAD_LETTERS = "news.dead-letters"

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""Of one record on the wire: an article of 1 MB at the door, with room for escapes and headers."""


VIEWS_KEPT = timedelta(days=7)
"""So long ``news.views`` keeps a record, unless its size is reached before."""


def _keeps(period: timedelta) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(period // timedelta(milliseconds=1))}


_COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"}
_EACH_RECORD_ON_DISK = {"flush.messages": "1"}  # with one broker there is no second copy to take over from
_APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}  # answer_by and the age of a beacon are told from it


@dataclass(frozen=True)
class TopicSpec:
    """How a topic is created."""

    name: str
    what: str
    """What its records are, for people."""
    key: str
    """What its records are named by, for people."""
    config: Mapping[str, str]
    kept_by_one_broker: Mapping[str, str] = field(default_factory=dict)


_OF_ARTICLE = "article id"

TOPICS = (
    TopicSpec(
        SUBMISSIONS,
        "What sources said, and commands about articles, in the order in which they are decided.",
        _OF_ARTICLE,
        {**_keeps(timedelta(days=7)), **_APPEND_TIME},
        _EACH_RECORD_ON_DISK,
    ),
    TopicSpec(
        ARTICLES,
        "What is published: every revision is the whole article, CloudEvents 1.0 in binary mode.",
        _OF_ARTICLE,
        _COMPACTED,
        _EACH_RECORD_ON_DISK,
    ),
    TopicSpec(
        HOLDS,
        "Texts that nobody may see: under an embargo, withheld, or of withdrawn articles. A tombstone ends it.",
        _OF_ARTICLE,
        _COMPACTED,
    ),
    TopicSpec(
        VIEWS,
        "Beacons in batches, and what decides which of them count; the header `type` tells which a record is.",
        "none: the partition is that of its articles",
        {**_keeps(VIEWS_KEPT), **_APPEND_TIME, "retention.bytes": str(8 * 1024**3)},
    ),
    TopicSpec(
        VIEW_COUNTS,
        "The whole state of the views projector, as of an offset in `news.views`.",
        "`ID` of an article, `ID|DAY`, or `@PARTITION`",
        _COMPACTED,
    ),
    TopicSpec(
        VECTORS,
        "What articles mean, so that nothing is embedded twice. A tombstone when the article is withdrawn.",
        _OF_ARTICLE,
        _COMPACTED,
    ),
    TopicSpec(
        CURATION,
        "Editors' pins and blocks. A tombstone takes one back.",
        "`ARTICLE|OTHER`, two article ids",
        _COMPACTED,
        _EACH_RECORD_ON_DISK,
    ),
    TopicSpec(
        SOURCES,
        "Sources, their keys, and what pollers found out about their feeds. A tombstone removes one of these.",
        "`SOURCE`, `SOURCE|key|KEY ID`, `SOURCE|key-end|KEY ID` or `SOURCE|feed`",
        _COMPACTED,
        _EACH_RECORD_ON_DISK,
    ),
    TopicSpec(
        DEAD_LETTERS,
        "Records that a projection could not apply, with their own key, value and headers.",
        "that of the record",
        _keeps(timedelta(days=30)),
    ),
)


async def create_topics(settings: KafkaSettings, partitions: int, *, ends_restore: bool = False) -> list[str]:
    """Create the topics that are missing and check those that exist; returns the names that were created.

    Args:
        settings: where.
        partitions: of each.
        ends_restore: all of a backup is written: its last topic may be made, whose absence keeps services off a half.

    Raises:
        LogMismatchError: a topic has another number of partitions than asked for, or a restore was interrupted here.
        TransientError: Kafka does not answer.
    """
    with kafka_errors("creating the topics"):
        admin = AIOKafkaAdminClient(**connection(settings))
        try:
            await admin.start()
            existing = set(await admin.list_topics())
            missing = [spec for spec in TOPICS if spec.name not in existing]
            if DEAD_LETTERS not in existing and not ends_restore:
                _check_no_half(await used_topics(settings))
            if missing:
                _check_created(await admin.create_topics([_new_topic(spec, settings, partitions) for spec in missing]))
            _check_partitions(await admin.describe_topics([s.name for s in TOPICS if s.name in existing]), partitions)
        finally:
            await admin.close()
    return [spec.name for spec in missing]


async def used_topics(settings: KafkaSettings) -> list[str]:
    """Those of our topics that hold records, or have held some.

    Raises:
        TransientError: Kafka does not answer.
    """
    with kafka_errors("asking which topics hold records"):
        places = await _existing_partitions(settings)
        if not places:
            return []
        consumer = AIOKafkaConsumer(**reading(settings), group_id=None, enable_auto_commit=False)
        try:
            await consumer.start()
            ends = await consumer.end_offsets(places)
        finally:
            await consumer.stop()
    used = {tp.topic for tp, end in ends.items() if end > 0}
    return [spec.name for spec in TOPICS if spec.name in used]


async def _existing_partitions(settings: KafkaSettings) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(**connection(settings))
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        described: list[dict[str, Any]] = await admin.describe_topics([s.name for s in TOPICS if s.name in existing])
    finally:
        await admin.close()
    return [TopicPartition(one["topic"], place["partition"]) for one in described for place in one["partitions"]]


async def check_topics(settings: KafkaSettings, partitions: int) -> None:
    """Refuse to start on topics that are missing or have another number of partitions.

    Raises:
        LogMismatchError: which topics, and what to do.
        TransientError: Kafka does not answer.
    """
    with kafka_errors("checking the topics"):
        admin = AIOKafkaAdminClient(**connection(settings))
        try:
            await admin.start()
            existing = set(await admin.list_topics())
            missing = [spec.name for spec in TOPICS if spec.name not in existing]
            if missing:
                raise LogMismatchError(f"Topics are missing: {', '.join(missing)}. Create them with: newsfeed topics")
            _check_partitions(await admin.describe_topics([spec.name for spec in TOPICS]), partitions)
        finally:
            await admin.close()


def _new_topic(spec: TopicSpec, settings: KafkaSettings, partitions: int) -> NewTopic:
    config = {**spec.config, "max.message.bytes": str(MAX_RECORD_BYTES)}
    if settings.replication == 1:
        config |= spec.kept_by_one_broker
    elif settings.replication >= 3:
        config["min.insync.replicas"] = "2"
    return NewTopic(spec.name, partitions, settings.replication, topic_configs=config)


def _check_created(response: Any) -> None:
    """The client hands the broker's refusals on in its answer; who creates at the same time is no refusal."""
    for topic, code, *message in response.topic_errors:
        if code not in (NoError.errno, TopicAlreadyExistsError.errno):
            raise for_code(code)(f"{topic}: {' '.join(map(str, filter(None, message)))}")


def _check_no_half(used: list[str]) -> None:
    if used:
        raise LogMismatchError(
            f"{DEAD_LETTERS} is missing while there are records in {', '.join(used)}: a restore was interrupted here, "
            "and no service may start on a half. Delete all topics news.* with Kafka's tools, empty Redis, and begin "
            f"the restore again. Only if you deleted {DEAD_LETTERS} yourself, create it again with Kafka's tools."
        )


def _check_partitions(descriptions: list[dict[str, object]], partitions: int) -> None:
    wrong = {
        str(d["topic"]): len(d["partitions"])  # type: ignore[arg-type]  # aiokafka's answer is untyped
        for d in descriptions
        if len(d["partitions"]) != partitions  # type: ignore[arg-type]
    }
    if wrong:
        found = ", ".join(f"{name} has {count}" for name, count in wrong.items())
        raise LogMismatchError(
            f"NEWS_PARTITIONS is {partitions}, but {found}. The number is fixed for the life of the topics: "
            "set NEWS_PARTITIONS to it, or start on a new cluster."
        )
