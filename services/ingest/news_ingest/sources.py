"""Sources: records of ``news.sources``, followed as a table."""

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from news_shared.article_ids import SOURCE_ID, partition_of
from news_shared.clock import Clock
from news_shared.errors import TransientError
from news_shared.problems import CONFLICT, INVALID, NOT_FOUND, UNAVAILABLE, ProblemError
from news_shared.producer import Outgoing, Position, Producer
from news_shared.topic_table import TopicTable
from news_shared.topics import SOURCES

_READ_OWN_WRITE = timedelta(seconds=3)
_AT_ONCE = 500
_FINDING_MARK = b"|"  # no source's id has it


class Source(BaseModel):
    """A source: whose articles they are."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(pattern=f"^{SOURCE_ID.pattern}$", description="Its name in every address; the key.")
    title: str = Field("", description="Its name for people.")
    url: str | None = Field(None, description="Of its site.")
    created_at: AwareDatetime = Field(description="When it was made here.")
    feed_url: str | None = Field(None, description="Polled; without it the source posts.")
    poll: bool = Field(True, description="False: the feed is left alone for the time being.")
    language: str | None = Field(None, description="Of all items, whatever the feed says (BCP 47).")
    themes: tuple[str, ...] = Field((), description="Added to the tags of all items.")
    encoding: str | None = Field(None, description="Of the feed, whatever it says of itself.")


class FeedFinding(BaseModel):
    """What a poller found out about a feed's address for good; under the key ``<source>|feed``.

    A record of its own: a poller that wrote the source's settings could undo what an editor just changed.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    feed_url: str = Field(description="The setting that this is about; another setting makes it void.")
    moved_to: str | None = Field(None, description="Where permanent redirects (301, 308) lead.")
    gone: str | None = Field(None, description="Why the feed is polled no more (410).")
    at: AwareDatetime = Field(description="When it was found out.")


class Sources:
    """Reads sources from memory and writes them to Kafka; its writer reads what he wrote."""

    def __init__(self, table: TopicTable, producer: Producer, *, partitions: int, clock: Clock) -> None:
        self._table = table
        self._producer = producer
        self._partitions = partitions
        self._clock = clock

    def all(self) -> list[Source]:
        """Every source, by id."""
        return [
            Source.model_validate_json(value)
            for key, value in sorted(self._table.items.items())
            if _FINDING_MARK not in key
        ]

    def page(self, after: str, limit: int) -> list[Source]:
        """Sources by id, from the one after ``after`` on."""
        ids = sorted(key for key in self._table.items if _FINDING_MARK not in key and key.decode() > after)
        return [Source.model_validate_json(self._table.items[key]) for key in ids[:limit]]

    def finding(self, source: Source) -> FeedFinding | None:
        """What was found out about the feed that the source has now."""
        value = self._table.items.get(finding_key(source.id))
        finding = FeedFinding.model_validate_json(value) if value else None
        return finding if finding is not None and finding.feed_url == source.feed_url else None

    def find(self, source_id: str) -> Source | None:
        """The source, if there is one."""
        value = self._table.items.get(source_id.encode())
        return Source.model_validate_json(value) if value else None

    def knows(self, source_id: str) -> bool:
        """Whether there is a source of this name."""
        return _FINDING_MARK.decode() not in source_id and source_id.encode() in self._table.items

    def get(self, source_id: str) -> Source:
        """The source.

        Raises:
            ProblemError: 404.
        """
        source = self.find(source_id)
        if source is None:
            raise ProblemError(NOT_FOUND, f"There is no source {source_id!r}. GET /v1/sources lists them.")
        return source

    async def ensure(self, source_id: str) -> Source:
        """The source, made when it is new.

        Raises:
            ProblemError: 422 when the name cannot be one; 503 while it is not known which sources there are.
        """
        check_source_id(source_id)
        existing = self.find(source_id)
        if existing is not None:
            return existing
        self.check_all_are_known()
        return await self.save(Source(id=source_id, created_at=self._clock()))

    def check_all_are_known(self) -> None:
        """Refuse to make one while there may be one of that name already.

        Raises:
            ProblemError: 503, in the first moments of a process.
        """
        if not self._table.caught_up:
            raise ProblemError(
                UNAVAILABLE, "The sources are not read yet. Repeating the request is safe.", {"Retry-After": "2"}
            )

    async def save(self, source: Source) -> Source:
        """Write a source; returns when it is durable and can be read here.

        Raises:
            TransientError: Kafka is away.
        """
        await self.write(source.id.encode(), source.model_dump_json().encode())
        return source

    async def save_all(self, sources: Sequence[Source]) -> None:
        """Write many. Errors as in `save`: then some may be written; writing them again is safe."""
        for start in range(0, len(sources), _AT_ONCE):
            records = [
                Outgoing(SOURCES, partition_of(key, self._partitions), key, source.model_dump_json().encode())
                for source in sources[start : start + _AT_ONCE]
                for key in [source.id.encode()]
            ]
            for position in await self._producer.send_many(records):
                await self._seen(position)

    async def delete(self, source_id: str) -> None:
        """Remove a source, and so make its keys useless; its articles stay. Errors as in `save`."""
        await self.forget_finding(source_id)
        await self.write(source_id.encode(), None)

    def feed_url(self, source: Source) -> str | None:
        """Where the source's feed is now: as set, or where permanent redirects lead from there."""
        finding = self.finding(source)
        return (finding.moved_to if finding else None) or source.feed_url

    async def forget_gone(self, source: Source) -> None:
        """Poll a feed again that was gone. Errors as in `save`."""
        finding = self.finding(source)
        if finding is not None and finding.gone:
            await self.forget_finding(source.id)

    async def save_finding(self, source_id: str, finding: FeedFinding) -> None:
        """Remember what was found out about a feed. Errors as in `save`."""
        await self.write(finding_key(source_id), finding.model_dump_json(exclude_defaults=True).encode())

    async def forget_finding(self, source_id: str) -> None:
        """Begin anew with the address of the settings. Errors as in `save`."""
        if finding_key(source_id) in self._table.items:
            await self.write(finding_key(source_id), None)

    async def write(self, key: bytes, value: bytes | None) -> None:
        """Write or remove one record of ``news.sources``. Errors as in `save`."""
        position = await self._producer.send(
            SOURCES, partition=partition_of(key, self._partitions), key=key, value=value
        )
        await self._seen(position)

    async def _seen(self, position: Position) -> None:
        try:
            await self._table.wait_for(position, _READ_OWN_WRITE)
        except TransientError:
            return  # it is durable; this process will know it in a moment


def check_source_id(source_id: str) -> None:
    """Refuse what no source may be called.

    Raises:
        ProblemError: 422.
    """
    if not SOURCE_ID.fullmatch(source_id):
        raise ProblemError(INVALID, f"source: {source_id[:100]!r} must match {SOURCE_ID.pattern}")


def finding_key(source_id: str) -> bytes:
    """The key of a source's finding on ``news.sources``."""
    return source_id.encode() + _FINDING_MARK + b"feed"


def source_of_key(key: bytes) -> str:
    """The source that a record of ``news.sources`` is about."""
    return key.partition(_FINDING_MARK)[0].decode(errors="replace")


def etag_of(source: Source) -> str:
    """Changes with every change of the source."""
    canonical = json.dumps(source.model_dump(mode="json"), sort_keys=True).encode()
    return f'"{hashlib.sha256(canonical).hexdigest()[:16]}"'


def check_unchanged(source: Source, if_match: str | None) -> None:
    """Refuse a change that was made on top of something else.

    Raises:
        ProblemError: 412.
    """
    if if_match is not None and if_match.strip() not in {"*", etag_of(source)}:
        raise ProblemError(CONFLICT, f"The source {source.id} was changed since; read it again: {etag_of(source)}")
