"""Reading counts: one round trip, whatever is asked for."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from news_shared.article_ids import ArticleId, by_partition
from news_shared.clock import Clock, epoch_ms
from news_shared.projection.slots import Slots
from news_views.counting.counts import HOUR_MS, HOURS_OF_A_DAY
from news_views.view_counts import Totals, ask_totals, totals
from news_views.view_log import State


class ArticleCount(NamedTuple):
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
        asked = by_partition(articles, self._partitions)
        answers = await self._slots.ask(
            {partition: partial(ask_totals, articles=wanted, today=today) for partition, wanted in asked.items()}
        )
        found: dict[ArticleId, ArticleCount] = {}
        for partition, wanted in asked.items():
            [packed, readers_today], as_of = answers[partition].results, answers[partition].as_of
            for article, *row in zip(wanted, packed, readers_today, strict=True):
                state, counted = totals(*row)
                found[article] = ArticleCount(article, state, counted, as_of)
        return [found[article] for article in articles]
