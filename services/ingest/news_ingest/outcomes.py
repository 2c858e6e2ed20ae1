"""What became of submissions, read from the publisher's state."""

import json
from collections.abc import Sequence

from news_ingest.article_state import ArticleState
from news_ingest.publisher import SERVICE
from news_shared.article_ids import ArticleId, partition_of
from news_shared.clock import from_epoch_ms, rfc3339
from news_shared.errors import RebuildingError
from news_shared.producer import Position
from news_shared.projection.slots import Slots
from news_shared.redis_client import RedisClient


class Outcomes:
    """Reads outcomes of articles and of single submissions."""

    def __init__(self, redis: RedisClient, *, partitions: int) -> None:
        self._slots = Slots(redis, SERVICE)
        self._partitions = partitions

    async def of_article(self, article: ArticleId) -> dict[str, object] | None:
        """Revision, version, state, when and why; None for an article that was never heard of.

        Raises:
            TransientError: Redis is away, or the state is being restored.
        """
        partition = partition_of(article, self._partitions)
        answer = await self._slots.read(partition, ("HGET", "articles", article))
        if answer.results[0] is None:
            return None
        state = ArticleState.model_validate_json(answer.results[0])
        return {
            "id": article,
            "source": state.source,
            "guid": state.guid,
            "url": state.url,
            "revision": state.revision,
            "version": state.live.version if state.live else None,
            "state": state.name,
            "outcome": state.outcome,
            "at": rfc3339(from_epoch_ms(state.at_ms)) if state.at_ms else None,
            "why": state.why,
            "as_of": rfc3339(answer.as_of),
        }

    async def of_submissions(self, positions: Sequence[Position]) -> dict[Position, dict[str, object]]:
        """Outcome and revision of those that are decided; a partition being restored has none yet.

        Raises:
            TransientError: Redis is away.
        """
        found: dict[Position, dict[str, object]] = {}
        for partition in {position.partition for position in positions}:
            offsets = [p for p in positions if p.partition == partition][:500]
            try:
                answer = await self._slots.read(partition, *[("GET", f"outcome:{p.offset}") for p in offsets])
            except RebuildingError:
                continue
            for position, value in zip(offsets, answer.results, strict=True):
                if value is not None:
                    found[position] = json.loads(value)
        return found
