"""The publisher: decides submissions in the order of their log and writes articles, log before state.

A transaction in Kafka comes first, then Redis. Who takes over reads what the former owner wrote after the state in
Redis, so nothing is decided twice.
"""

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import monotonic
from typing import cast

import structlog
from aiokafka import ConsumerRecord

from news_ingest.article_state import ArticleState, HoldRecord, Outcome
from news_ingest.decisions import Decision, decide, due_at, needs_text
from news_ingest.items import Item, item_of
from news_ingest.recovery import recovered, recovered_hold
from news_ingest.submissions import Received, Submission, decode_submission, encode_submission
from news_shared.article_ids import ArticleId
from news_shared.articles import Article, encode_event, event_of
from news_shared.clock import Clock, epoch_ms, from_epoch_ms
from news_shared.crash_points import reached
from news_shared.errors import LogMismatchError, TransientError
from news_shared.fenced_writer import FencedWriter, open_fenced_writer
from news_shared.producer import Outgoing, Position, Producer
from news_shared.projection.contract import Checkpoint, Effects, Ownership, ProjectionSpec, Restoring
from news_shared.projection.log import PartitionLog
from news_shared.redis_client import redis_errors
from news_shared.settings import KafkaSettings
from news_shared.topics import ARTICLES, HOLDS, SUBMISSIONS

log = structlog.get_logger()

GROUP = "news.ingest-publisher"
SERVICE = "ingest"
OUTCOME_KEPT_SECONDS = 60
_RELEASE_AGAIN_SECONDS = 10
_CHUNK = 500

# One argument: a JSON list of commands on this partition's keys.
LUA = """
for _, command in ipairs(cjson.decode(ARGV[1])) do redis.call(unpack(command)) end
"""


@dataclass(frozen=True)
class PublisherTools:
    """What every partition's publisher works with."""

    kafka: KafkaSettings
    producer: Producer  # for releases, which go through the log like everything else
    partitions: int
    clock: Clock


def publisher_spec(tools: PublisherTools) -> ProjectionSpec[Received]:
    """The projection of news.submissions."""
    return ProjectionSpec(
        group=GROUP,
        topic=SUBMISSIONS,
        service=SERVICE,
        lua=LUA,
        open=lambda ownership: Publisher(ownership, tools),
        max_records=200,
        advice="Restore the topic from a backup: newsfeed restore.",
    )


class Publisher:
    """Decides the submissions of one partition."""

    def __init__(self, ownership: Ownership, tools: PublisherTools) -> None:
        self._ownership = ownership
        self._tools = tools
        self._stack = AsyncExitStack()
        self._writer: FencedWriter | None = None
        self._articles = PartitionLog(tools.kafka, ARTICLES, ownership.partition)
        self._holds = PartitionLog(tools.kafka, HOLDS, ownership.partition)
        self._ahead: dict[ArticleId, ArticleState] = {}  # in Kafka already, not yet in Redis
        self._ends = {ARTICLES: 0, HOLDS: 0}
        self._released: dict[tuple[str, int], float] = {}

    async def restore(self, restoring: Restoring) -> int | None:
        """All of the state is in the two compacted topics."""
        states: dict[ArticleId, ArticleState] = {}
        await self._read_output({ARTICLES: 0, HOLDS: 0}, states, restoring=True)
        items = list(states.items())
        for start in range(0, len(items), _CHUNK):
            await restoring.put(self._effects(dict(items[start : start + _CHUNK]), []))
        return None

    async def load(self, checkpoint: Checkpoint) -> None:
        """Shut out the former owner, then learn what it wrote that Redis does not know."""
        transactional_id = f"{GROUP}-{self._ownership.partition}"
        self._writer = await self._stack.enter_async_context(open_fenced_writer(self._tools.kafka, transactional_id))
        [stored] = await self._ownership.read([["HMGET", self._key("output"), ARTICLES, HOLDS]])
        known = {topic: int(offset or 0) for topic, offset in zip((ARTICLES, HOLDS), stored, strict=True)}
        await self._read_output(known, self._ahead, restoring=False)

    def decode(self, record: ConsumerRecord) -> Received | None:
        """A submission."""
        return decode_submission(record)

    async def decide(self, events: Sequence[Received]) -> Effects:
        """Decide in order, write to Kafka, then say what Redis must know."""
        states = await self._states({event.id for event in events})
        texts: dict[tuple[ArticleId, str], Item | None] = {}
        outgoing: list[tuple[ArticleId, Outgoing]] = []
        answers: list[tuple[Received, Outcome | None, int]] = []
        for event in events:
            before = states[event.id]
            decision = decide(before, event, await self._text(before, event, texts))
            states[event.id] = decision.state
            self._keep_texts(event.id, decision, texts)
            outgoing += [(event.id, record) for record in self._records(event.id, decision)]
            answers.append((event, decision.state.outcome, decision.state.revision))
        assert self._writer is not None
        positions = await self._writer.write([record for _, record in outgoing])
        reached("after-kafka-commit-before-redis")
        for (article, record), position in zip(outgoing, positions, strict=True):
            states[article] = self._placed(states[article], record.topic, position)
        for article in states:
            self._ahead.pop(article, None)
        return self._effects(states, answers)

    async def settle(self) -> Sequence[Effects]:
        """Nothing is put off."""
        return ()

    async def tick(self) -> None:
        """Append a release for every embargo that is over; it is published when that record is read."""
        now_ms = epoch_ms(self._tools.clock())
        with redis_errors("looking for embargoes that are over"):
            found = await self._ownership.redis.zrangebyscore(
                self._key("due"), "-inf", now_ms, start=0, num=100, withscores=True
            )
        due = cast("list[tuple[bytes, float]]", found)
        for name, until_ms in due:
            article, until = name.decode(), int(until_ms)
            if monotonic() - self._released.get((article, until), -60.0) < _RELEASE_AGAIN_SECONDS:
                continue
            self._released[article, until] = monotonic()
            release = Submission(
                kind="release", id=article, received_at=self._tools.clock(), until=from_epoch_ms(until)
            )
            record = encode_submission(release, partitions=self._tools.partitions)
            await self._tools.producer.send_many([record])
        if not due:
            self._released.clear()

    async def close(self) -> None:
        """Close the writer."""
        await self._stack.aclose()

    def _key(self, name: str) -> str:
        return f"{self._ownership.prefix}{name}"

    async def _states(self, articles: set[ArticleId]) -> dict[ArticleId, ArticleState]:
        names = sorted(articles)
        [stored] = await self._ownership.read([["HMGET", self._key("articles"), *names]])
        return {
            name: self._ahead.get(name) or (ArticleState.model_validate_json(value) if value else ArticleState())
            for name, value in zip(names, stored, strict=True)
        }

    async def _text(
        self, state: ArticleState, event: Received, texts: dict[tuple[ArticleId, str], Item | None]
    ) -> Item | None:
        which = needs_text(state, event)
        if which is None or event.offset <= state.submission:
            return None
        if (event.id, which) not in texts:
            texts[event.id, which] = await self._stored_text(state, which)
        return texts[event.id, which]

    async def _stored_text(self, state: ArticleState, which: str) -> Item | None:
        offset = state.article_at if which == "article" else state.hold_at
        partition_log = self._articles if which == "article" else self._holds
        record = await partition_log.record_at(offset)
        if record is None or record.value is None:
            raise LogMismatchError(
                f"{ARTICLES if which == 'article' else HOLDS}/{self._ownership.partition} has no record at {offset}"
            )
        if which == "hold":
            return HoldRecord.model_validate_json(record.value).item
        event = event_of(record)
        return item_of(event.article) if event is not None and isinstance(event.article, Article) else None

    def _keep_texts(
        self, article: ArticleId, decision: Decision, texts: dict[tuple[ArticleId, str], Item | None]
    ) -> None:
        """Texts that this batch writes cannot be read from the log yet."""
        if decision.event is not None:
            body = decision.event.article
            texts[article, "article"] = item_of(body) if isinstance(body, Article) else None
        if decision.hold is not None:
            texts[article, "hold"] = decision.hold.item

    def _records(self, article: ArticleId, decision: Decision) -> list[Outgoing]:
        records = []
        partition = self._ownership.partition
        if decision.event is not None:
            key, value, headers = encode_event(decision.event)
            records.append(Outgoing(ARTICLES, partition, key, value, headers))
        if decision.hold is not None:
            records.append(
                Outgoing(
                    HOLDS, partition, article.encode(), decision.hold.model_dump_json(exclude_defaults=True).encode()
                )
            )
        elif decision.unhold:
            records.append(Outgoing(HOLDS, partition, article.encode(), None))
        return records

    def _placed(self, state: ArticleState, topic: str, position: Position) -> ArticleState:
        self._ends[topic] = max(self._ends[topic], position.offset + 1)
        name = "article_at" if topic == ARTICLES else "hold_at"
        return state.model_copy(update={name: position.offset})

    async def _read_output(
        self, known: dict[str, int], states: dict[ArticleId, ArticleState], *, restoring: bool
    ) -> None:
        """Apply what the two topics hold after the known offsets to what Redis says of those articles."""
        for topic, partition_log in ((ARTICLES, self._articles), (HOLDS, self._holds)):
            bounds = await partition_log.bounds()
            if known[topic] > bounds.end:
                raise LogMismatchError(
                    f"{topic}/{self._ownership.partition} ends at {bounds.end}, but {known[topic]} was written: the "
                    "topic lost its end or was made anew. This partition stands still; restore the topic from a backup."
                )
            self._ends[topic] = bounds.end
            async for records in partition_log.read(max(known[topic], bounds.begin), bounds.end):
                missing = {ArticleId(r.key.decode()) for r in records} - states.keys()
                if restoring:
                    states.update((article, ArticleState()) for article in missing)
                elif missing:
                    states.update(await self._states(missing))
                for record in records:
                    article = ArticleId(record.key.decode())
                    states[article] = _recovered(states[article], topic, record)

    def _effects(
        self, states: dict[ArticleId, ArticleState], answers: Sequence[tuple[Received, Outcome | None, int]]
    ) -> Effects:
        articles, due, output = self._key("articles"), self._key("due"), self._key("output")
        commands: list[list[str]] = []
        keys = [articles, due, output]
        for article, state in states.items():
            commands.append(["HSET", articles, article, state.model_dump_json(exclude_defaults=True)])
            until = due_at(state)
            commands.append(["ZADD", due, str(epoch_ms(until)), article] if until else ["ZREM", due, article])
        commands.append(["HSET", output, ARTICLES, str(self._ends[ARTICLES]), HOLDS, str(self._ends[HOLDS])])
        for event, outcome, revision in answers:
            if event.reply:
                key = self._key(f"outcome:{event.offset}")
                keys.append(key)
                value = json.dumps({"outcome": outcome, "revision": revision})
                commands.append(["SET", key, value, "EX", str(OUTCOME_KEPT_SECONDS)])
        return Effects(keys, [json.dumps(commands, ensure_ascii=False)])


def _recovered(state: ArticleState, topic: str, record: ConsumerRecord) -> ArticleState:
    if topic == HOLDS:
        hold = HoldRecord.model_validate_json(record.value) if record.value else None
        return recovered_hold(state, hold, record.offset)
    event = event_of(record)
    if event is None:
        raise TransientError("news.articles holds a deletion or an event of a newer version: update the publisher")
    return recovered(state, event, record.offset)
