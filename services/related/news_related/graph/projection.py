"""The projection of ``news.articles`` into the graph."""

from collections.abc import Sequence

from aiokafka import ConsumerRecord

from news_related.graph.changes import LINK_ARTICLES_LUA, SERVICE, TAG, linking
from news_related.graph.facts import Facts
from news_shared.articles import event_of
from news_shared.projection.contract import Checkpoint, Effects, Ownership, ProjectionSpec, Restoring
from news_shared.topics import ARTICLES


class ArticleLinks:
    """One partition of the articles; the graph that they all change is one."""

    def __init__(self, ownership: Ownership) -> None:
        self._prefix = ownership.prefix

    async def restore(self, restoring: Restoring) -> int | None:
        """The compacted topic is its own changelog: begin at its beginning."""
        return None

    async def load(self, checkpoint: Checkpoint) -> None:
        """Nothing: all state is in Redis."""

    def decode(self, record: ConsumerRecord) -> Facts | None:
        """The facts of a record; None for a deleted key or a type of the future.

        Raises:
            PoisonError: it is not an article event, or its key is another article's.
        """
        event = event_of(record)
        return Facts.of(event) if event is not None else None

    async def decide(self, events: Sequence[Facts]) -> Effects:
        """The new places of the articles; what was there before is compared in Redis, in the same call."""
        return linking(self._prefix, events)

    async def settle(self) -> Sequence[Effects]:
        """Nothing is put off."""
        return ()

    async def tick(self) -> None:
        """No timers."""

    async def close(self) -> None:
        """Nothing was taken."""


ARTICLE_LINKS: ProjectionSpec[Facts] = ProjectionSpec(
    group="news.related-linker",
    topic=ARTICLES,
    service=SERVICE,
    lua=LINK_ARTICLES_LUA,
    open=ArticleLinks,
    max_records=50,  # some 2,000 places a call: the tail of reads is the length of one call
    tag=TAG,
)
