"""Standings of the articles that a partition's records speak of: in memory as far as they are in use, else in Redis."""

from collections.abc import Iterable

from news_shared.article_ids import ArticleId
from news_shared.projection.contract import ReadAsOfCheckpoint
from news_views.counting.standing import Standing
from news_views.view_counts import read_standings


class Standings:
    """A bounded cache. It may hold what Redis has not applied yet, so it lives and dies with one ownership."""

    def __init__(self, read: ReadAsOfCheckpoint, prefix: str, *, capacity: int = 50_000) -> None:
        self._read = read
        self._prefix = prefix
        self._capacity = capacity
        self._recent: dict[ArticleId, Standing] = {}
        self._former: dict[ArticleId, Standing] = {}

    async def of(self, articles: Iterable[ArticleId]) -> dict[ArticleId, Standing]:
        """The standing of each article, empty for those never announced; one round trip for what is not in memory.

        Raises:
            FencedError: Redis is not at this ownership's checkpoint.
            TransientError: Redis is away.
        """
        found: dict[ArticleId, Standing] = {}
        missing: list[ArticleId] = []
        for article in dict.fromkeys(articles):
            standing = self._recent.get(article) or self._former.get(article)
            if standing is None:
                missing.append(article)
            else:
                found[article] = standing
        found |= await read_standings(self._read, self._prefix, missing)
        self.keep(found)
        return found

    def keep(self, standings: dict[ArticleId, Standing]) -> None:
        """Remember changed standings."""
        if len(self._recent) > self._capacity:
            self._former, self._recent = self._recent, {}
        self._recent.update(standings)
