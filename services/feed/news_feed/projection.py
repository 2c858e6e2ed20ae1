"""The projection of ``news.articles`` into the article store."""

from collections.abc import Sequence

from aiokafka import ConsumerRecord

from news_feed.article_store import APPLY_LUA, effects_of, read_entries
from news_feed.timelines import State, after
from news_shared.article_ids import ArticleId
from news_shared.articles import ArticleEvent, event_of
from news_shared.projection.contract import Checkpoint, Effects, Ownership, ProjectionSpec, Restoring
from news_shared.topics import ARTICLES

SERVICE = "feed"


class FeedProjection:
    """One partition of the article store."""

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership

    async def restore(self, restoring: Restoring) -> int | None:
        """The compacted topic is its own changelog: begin at its beginning."""
        return None

    async def load(self, checkpoint: Checkpoint) -> None:
        """Nothing: all state is in Redis."""

    def decode(self, record: ConsumerRecord) -> ArticleEvent | None:
        """The article event of a record; None for a deleted key or a type of the future.

        Raises:
            PoisonError: it is not an article event, or its key is another article's.
        """
        return event_of(record)

    async def decide(self, events: Sequence[ArticleEvent]) -> Effects:
        """The last state of each article that the events change.

        What is read here cannot go stale: only this owner writes, and the call that applies the effects demands that
        the offset is still the one that was read at.
        """
        before = await read_entries(
            self._ownership.redis, self._ownership.prefix, list(dict.fromkeys(event.id for event in events))
        )
        now: dict[ArticleId, State] = {}
        for event in events:
            known = now[event.id].entry if event.id in now else before[event.id]
            if (state := after(known, event)) is not None:
                now[event.id] = state
        return effects_of(self._ownership.prefix, before, now)

    async def settle(self) -> Sequence[Effects]:
        """Nothing is put off."""
        return ()

    async def tick(self) -> None:
        """No timers."""

    async def close(self) -> None:
        """Nothing was taken."""


FEED_PROJECTION: ProjectionSpec[ArticleEvent] = ProjectionSpec(
    group="news.feed-projector", topic=ARTICLES, service=SERVICE, lua=APPLY_LUA, open=FeedProjection
)
