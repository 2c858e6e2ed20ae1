"""Telling ``news.views`` what happened to articles: the projection of ``news.articles`` whose effects are markers.

A marker may be appended twice; the second is ignored by its revision. So the order «log, then Redis» is enough.
"""

from collections.abc import Sequence

from aiokafka import ConsumerRecord

from news_shared import topics
from news_shared.articles import Article, ArticleEvent, event_of
from news_shared.producer import Outgoing, Producer
from news_shared.projection.contract import Checkpoint, Effects, Ownership, ProjectionSpec, Restoring
from news_views.view_log import MARKER_HEADERS, Marker, encode_marker

GROUP = "news.views-marker"
SERVICE = "views-markers"


def marker_of(event: ArticleEvent) -> Marker:
    """The marker that an article event asks for."""
    body = event.article
    if isinstance(body, Article):
        return Marker(id=body.id, revision=body.revision, state="known", language=body.language, themes=body.tags)
    return Marker(id=body.id, revision=body.revision, state="withdrawn")


def markers_projection(producer: Producer) -> ProjectionSpec[ArticleEvent]:
    """What the runtime needs to know to append markers."""

    def open_projection(ownership: Ownership) -> MarkersProjection:
        return MarkersProjection(ownership, producer)

    return ProjectionSpec(
        group=GROUP,
        topic=topics.ARTICLES,
        service=SERVICE,
        lua="",
        open=open_projection,
        max_records=200,
        advice=f"If the log is right, delete the keys {{{SERVICE}-*}}*: all of them is made anew.",
    )


class MarkersProjection:
    """One ownership of one partition of ``news.articles``; the same partition of ``news.views`` is written."""

    def __init__(self, ownership: Ownership, producer: Producer) -> None:
        self._ownership = ownership
        self._producer = producer

    async def restore(self, restoring: Restoring) -> int | None:
        """From the log's beginning: every article is announced again, which changes nothing where it is known."""
        return None

    async def load(self, checkpoint: Checkpoint) -> None:
        """Nothing is kept in the process."""

    def decode(self, record: ConsumerRecord) -> ArticleEvent | None:
        """The event of a record.

        Raises:
            PoisonError: it is not an article event.
        """
        return event_of(record)

    async def decide(self, events: Sequence[ArticleEvent]) -> Effects:
        """Append a marker for each event.

        Raises:
            TransientError: Kafka did not take all of them; they come again.
        """
        if self._ownership.live:
            await self._producer.send_many(
                [
                    Outgoing(
                        topics.VIEWS, self._ownership.partition, None, encode_marker(marker_of(event)), MARKER_HEADERS
                    )
                    for event in events
                ]
            )
        return Effects()

    async def settle(self) -> Sequence[Effects]:
        """Nothing is put off."""
        return ()

    async def tick(self) -> None:
        """Nothing is timed."""

    async def close(self) -> None:
        """Nothing was taken."""
