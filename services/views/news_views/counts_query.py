"""Reading counts: one round trip to each partition that is asked for."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from news_shared.article_ids import ArticleId, partition_of
from news_shared.clock import Clock, epoch_ms
from news_shared.projection.slots import Slots
from news_views.counts import HOUR_MS, HOURS_OF_A_DAY
from news_views.view_counts import Totals, queue_totals, totals
from news_views.view_log import State


@dataclass(frozen=True)
class ArticleCount:
    """What is known of one article: nothing may be shown unless its state is ``known``."""

    article: ArticleId
    state: State | None
    totals: Totals
    as_of: datetime


class CountsQuery:
    """The read side of the counts."""

    def __init__(self, slots: Slots, partitions: int, clock: Clock) -> None:
        self._slots = slots
        self._partitions = partitions
        self._clock = clock

    async def of(self, articles: Sequence[ArticleId]) -> list[ArticleCount]:
        """The counts of these articles, in this order.

        Raises:
            RebuildingError: a partition among them is being restored.
            TransientError: Redis is away.
        """
        today = epoch_ms(self._clock()) // (HOUR_MS * HOURS_OF_A_DAY)
        by_partition: dict[int, list[ArticleId]] = {}
        for article in dict.fromkeys(articles):
            by_partition.setdefault(partition_of(article, self._partitions), []).append(article)
        found: dict[ArticleId, ArticleCount] = {}
        answers = await asyncio.gather(
            *(self._read(partition, wanted, today) for partition, wanted in by_partition.items())
        )
        for counts in answers:
            found |= {count.article: count for count in counts}
        return [found[article] for article in articles]

    async def _read(self, partition: int, articles: Sequence[ArticleId], today: int) -> list[ArticleCount]:
        answer = await self._slots.read(partition, partial(_queue, articles, today))
        counts = []
        for article, fields, readers_today in zip(articles, answer.results[::2], answer.results[1::2], strict=True):
            standing, counted = totals(fields, readers_today)
            counts.append(ArticleCount(article, standing.state, counted, answer.as_of))
        return counts


def _queue(articles: Sequence[ArticleId], today: int, pipe: Any, prefix: str) -> None:
    for article in articles:
        queue_totals(pipe, prefix, article, today)
