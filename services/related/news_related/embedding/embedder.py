"""The projection of ``news.articles`` into ``news.vectors``: each text is embedded once, whatever crashes.

Kafka comes first, then Redis. Redis keeps, a hash for each partition, what vector an article has: with that, a text
that has one is not embedded again. All of it can be read back from ``news.vectors``.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic

import structlog
from aiokafka import ConsumerRecord

from news_related.embedding.metrics import EmbedderMetrics
from news_related.embedding.model import Embedding, Text
from news_related.embedding.workers import EmbeddingWorkers
from news_related.vectors import REVISION, Vector, revision_of
from news_shared.article_ids import ArticleId
from news_shared.articles import Withdrawal, event_of
from news_shared.crash_points import reached
from news_shared.errors import PoisonError
from news_shared.fenced_writer import FencedWriter, open_fenced_writer
from news_shared.producer import Outgoing
from news_shared.projection.contract import Checkpoint, Effects, Ownership, ProjectionSpec, Restoring
from news_shared.projection.log import PartitionLog
from news_shared.settings import KafkaSettings
from news_shared.topics import ARTICLES, VECTORS

log = structlog.get_logger()

GROUP = "news.related-embedder"
_HELD = "held"
_REVISION_BYTES, _DIGEST_BYTES = 8, 16
_RESTORED_AT_ONCE = 500

LUA = "for i = 1, NARGS, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end"


@dataclass(frozen=True)
class Revision:
    """What one event of an article means here; no text: it is withdrawn."""

    id: ArticleId
    number: int
    text: Text | None


@dataclass(frozen=True)
class Held:
    """Which vector an article has: that of ``digest`` (see `digest_of`), first written for this revision.

    An empty digest: it has none, because it was withdrawn.
    """

    revision: int
    digest: bytes

    def encode(self) -> bytes:
        """As stored: 24 bytes, 8 for a withdrawn article."""
        return self.revision.to_bytes(_REVISION_BYTES, "big") + self.digest

    @classmethod
    def decode(cls, stored: bytes) -> "Held":
        """The inverse of `encode`."""
        return cls(int.from_bytes(stored[:_REVISION_BYTES], "big"), stored[_REVISION_BYTES:])


def digest_of(model: str, text_sha256: str) -> bytes:
    """16 bytes that stand for a text's vector by a model."""
    return sha256(f"{model}\n{text_sha256}".encode()).digest()[:_DIGEST_BYTES]


def due(
    held: Mapping[ArticleId, Held], events: Iterable[Revision], model: str
) -> tuple[list[Revision], dict[ArticleId, Held]]:
    """What is to be written, the last revision of an article each, and what is held after that.

    An article is written as soon as one of its events differs from what was before it, also where the last is again
    like the first: a former attempt at these events, cut into other batches, may have written the one between.
    """
    now, last, differing = dict(held), dict[ArticleId, Revision](), dict[ArticleId, None]()
    for event in events:
        known = now.get(event.id)
        if known is not None and event.number < known.revision:
            continue  # the log is read again from before this vector, and what was true in between is past
        digest = digest_of(model, event.text.sha256) if event.text else b""
        if known is None or known.digest != digest:
            differing[event.id] = None
        now[event.id], last[event.id] = Held(event.number, digest), event
    return [last[article] for article in differing], {article: now[article] for article in last}


@dataclass(frozen=True)
class EmbedderTools:
    """What every partition of an embedder works with."""

    kafka: KafkaSettings
    workers: EmbeddingWorkers
    model: str
    metrics: EmbedderMetrics


def embedder_spec(tools: EmbedderTools) -> ProjectionSpec[Revision]:
    """The projection; the state of another model is another projection's, so a new model embeds everything anew."""
    return ProjectionSpec(
        group=GROUP,
        topic=ARTICLES,
        service=f"embeddings-{sha256(tools.model.encode()).hexdigest()[:8]}",
        lua=LUA,
        advice="If the log is right, delete the keys {embeddings-*}*: news.vectors has what they hold.",
        open=lambda ownership: ArticleVectors(ownership, tools),
        max_records=4,  # a turn of the loop takes at most eight times as many: 2 to 6 s with one process that embeds
        is_working=lambda: tools.workers.is_working,
    )


class ArticleVectors:
    """One partition of the articles, and of their vectors."""

    def __init__(self, ownership: Ownership, tools: EmbedderTools) -> None:
        self._ownership = ownership
        self._tools = tools
        self._stack = AsyncExitStack()
        self._writer: FencedWriter | None = None
        self._key = f"{ownership.prefix}{_HELD}"

    async def restore(self, restoring: Restoring) -> int | None:
        """Learn which texts have vectors; then the log of articles is read from its beginning."""
        vectors = PartitionLog(self._tools.kafka, VECTORS, self._ownership.partition)
        bounds = await vectors.bounds()
        held: dict[ArticleId, Held] = {}
        async for records in vectors.read(bounds.begin, bounds.end):
            for record in records:
                found = _held_by(record)
                if found is not None:
                    held[ArticleId(record.key.decode())] = found
        known = list(held.items())
        for start in range(0, len(known), _RESTORED_AT_ONCE):
            await restoring.put(self._effects(dict(known[start : start + _RESTORED_AT_ONCE])))
        return None

    async def load(self, checkpoint: Checkpoint) -> None:
        """Nothing: all state is in Redis."""

    def decode(self, record: ConsumerRecord) -> Revision | None:
        """The revision of a record; None for a deleted key or a type of the future.

        Raises:
            PoisonError: it is not an article event, or its key is another article's.
        """
        event = event_of(record)
        if event is None:
            return None
        article = event.article
        text = None if isinstance(article, Withdrawal) else Text.of(article)
        return Revision(article.id, article.revision, text)

    async def decide(self, events: Sequence[Revision]) -> Effects:
        """Embed what has no vector yet, write it to Kafka, then say what Redis must know."""
        revisions, held = due(await self._held({event.id for event in events}), events, self._tools.model)
        texts = [revision.text for revision in revisions if revision.text is not None]
        embeddings = iter(await self._embed(texts))
        records = [
            self._record(revision, None if revision.text is None else next(embeddings)) for revision in revisions
        ]
        if records:
            await (await self._open_writer()).write(records)
            reached("after-kafka-commit-before-redis")
        self._tools.metrics.withdrawn(len(revisions) - len(texts))
        self._tools.metrics.reused(sum(bool(what.digest) for what in held.values()) - len(texts))
        return self._effects(held)

    async def settle(self) -> Sequence[Effects]:
        """Nothing is put off."""
        return ()

    async def tick(self) -> None:
        """No timers."""

    async def close(self) -> None:
        """Close the writer."""
        await self._stack.aclose()

    async def _held(self, articles: set[ArticleId]) -> dict[ArticleId, Held]:
        names = sorted(articles)
        [stored] = await self._ownership.read([["HMGET", self._key, *names]])
        return {name: Held.decode(value) for name, value in zip(names, stored, strict=True) if value}

    async def _embed(self, texts: Sequence[Text]) -> list[Embedding]:
        if not texts:
            return []
        started = monotonic()
        embeddings = await self._tools.workers.embed(texts)
        self._tools.metrics.embedded(len(texts), monotonic() - started)
        return embeddings

    async def _open_writer(self) -> FencedWriter:
        """At the first record: a former owner writes nothing but what this one writes as well, so until then it may."""
        if self._writer is None:
            name = f"{GROUP}-{self._ownership.partition}"
            self._writer = await self._stack.enter_async_context(open_fenced_writer(self._tools.kafka, name))
        return self._writer

    def _record(self, revision: Revision, embedding: Embedding | None) -> Outgoing:
        value = None
        if revision.text is not None and embedding is not None:
            value = Vector(
                article=revision.id,
                model=self._tools.model,
                text_sha256=revision.text.sha256,
                dimensions=len(embedding.int8),
                scale=embedding.scale,
                int8=base64.b64encode(embedding.int8.tobytes()).decode(),
            ).encode()
        headers = [(REVISION, str(revision.number).encode())]
        return Outgoing(VECTORS, self._ownership.partition, revision.id.encode(), value, headers)

    def _effects(self, held: Mapping[ArticleId, Held]) -> Effects:
        args: list[str | bytes | int | float] = []
        for article, what in held.items():
            args += (article, what.encode())
        return Effects([self._key], args)


def _held_by(record: ConsumerRecord) -> Held | None:
    revision = revision_of(record.headers)
    if record.value is None:
        return Held(revision, b"")
    try:
        vector = Vector.decode(record.value)
    except PoisonError as error:
        log.warning("not a vector, computed anew", key=repr(record.key), offset=record.offset, reason=str(error))
        return None
    return Held(revision, digest_of(vector.model, vector.text_sha256))
