"""Counts as they change: one reader of Redis for everybody who watches, whatever their number."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

import structlog

from news_shared.article_ids import ArticleId, by_partition
from news_shared.errors import OverloadError, TransientError
from news_views.queries.counts_query import ArticleCount

log = structlog.get_logger()

_AT_ONCE = 200
"""Articles in one call of Redis: a longer one would make others wait."""


class Counts(Protocol):
    """Where counts come from."""

    async def of(self, articles: Sequence[ArticleId]) -> list[ArticleCount]:
        """The counts of articles of one partition; raises TransientError while they are not to be had."""
        ...


class Watch:
    """What one watcher has not been told yet: of each article the newest count and no other, so that a slow reader
    costs no more than a quick one.
    """

    def __init__(self, articles: Iterable[ArticleId]) -> None:
        self.articles = tuple(dict.fromkeys(articles))
        self._news: dict[ArticleId, bytes] = {}
        self._woken = asyncio.Event()
        self._is_over = False

    def tell(self, article: ArticleId, news: bytes) -> None:
        """Replace what was to be said of an article."""
        self._news[article] = news
        self._woken.set()

    def end(self) -> None:
        """Nothing comes any more."""
        self._is_over = True
        self._woken.set()

    async def changes(self, *, silence: timedelta, life: timedelta) -> AsyncIterator[list[bytes]]:
        """What is new, whenever something is; an empty list after a silence; ends with the life or with `end`."""
        now = asyncio.get_running_loop().time
        end = now() + life.total_seconds()
        while not self._is_over and (left := end - now()) > 0:
            try:
                await asyncio.wait_for(self._woken.wait(), min(silence.total_seconds(), left))
            except TimeoutError:
                if now() < end:
                    yield []
                continue
            self._woken.clear()
            news, self._news = self._news, {}
            if news:
                yield list(news.values())


class LiveCounts:
    """Reads the counts of all watched articles once a tick and tells each watcher what changed.

    Args:
        counts: the query of counts.
        partitions: of the topics.
        say: writes a count down, once for all who watch it.
        tick: between two looks at the same article.
        most: watchers at a time.
    """

    def __init__(
        self, counts: Counts, partitions: int, say: Callable[[ArticleCount], bytes], *, tick: timedelta, most: int
    ) -> None:
        self._counts = counts
        self._partitions = partitions
        self._say = say
        self._tick = tick.total_seconds()
        self._most = most
        self._watches: set[Watch] = set()
        self._by_article: dict[ArticleId, set[Watch]] = {}
        self._known: dict[ArticleId, ArticleCount] = {}
        self._wanted: set[ArticleId] = set()  # watched, and not read yet
        self._woken = asyncio.Event()
        self._is_stopping = False

    @property
    def watchers(self) -> int:
        """How many there are."""
        return len(self._watches)

    @property
    def is_full(self) -> bool:
        """No more are taken."""
        return len(self._watches) >= self._most

    @property
    def articles(self) -> int:
        """How many articles they watch together."""
        return len(self._by_article)

    @contextmanager
    def watching(self, articles: Iterable[ArticleId]) -> Iterator[Watch]:
        """Watch articles for as long as the block runs; what is known of them comes at once.

        Raises:
            OverloadError: there are too many watchers.
        """
        if self.is_full:
            raise OverloadError(f"{self._most} pages are watching counts")
        watch = Watch(articles)
        self._watches.add(watch)
        for article in watch.articles:
            self._by_article.setdefault(article, set()).add(watch)
            if article in self._known:
                watch.tell(article, self._say(self._known[article]))
            else:
                self._wanted.add(article)
                self._woken.set()
        if self._is_stopping:
            watch.end()
        try:
            yield watch
        finally:
            self._forget(watch)

    def request_stop(self) -> None:
        """Let every watch end now, and then `run`."""
        self._is_stopping = True
        self._woken.set()
        for watch in self._watches:
            watch.end()

    async def run(self) -> None:
        """Look and tell, until `request_stop`; an article that is watched anew is not kept waiting for the tick."""
        now = asyncio.get_running_loop().time
        due = now() + self._tick
        while not self._is_stopping:
            try:
                await asyncio.wait_for(self._woken.wait(), max(due - now(), 0))
            except TimeoutError:
                due = now() + self._tick
                self._wanted.clear()
                await self._look(list(self._by_article))
            else:
                self._woken.clear()
                wanted = list(self._wanted)
                self._wanted.clear()
                await self._look(wanted)

    async def _look(self, articles: Iterable[ArticleId]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for some in by_partition(articles, self._partitions).values():
                tasks.create_task(self._look_at_one_partition(some))

    async def _look_at_one_partition(self, articles: Sequence[ArticleId]) -> None:
        for first in range(0, len(articles), _AT_ONCE):
            try:
                counts = await self._counts.of(articles[first : first + _AT_ONCE])
            except TransientError as error:  # nothing is said of these until it is known again; others go on
                log.debug("counts are not to be had", reason=str(error))
                return
            for count in counts:
                self._tell(count)

    def _tell(self, count: ArticleCount) -> None:
        watches = self._by_article.get(count.article)
        if watches is None:  # the last one left while we were reading
            return
        known = self._known.get(count.article)
        self._known[count.article] = count
        if known is None or (known.state, known.totals) != (count.state, count.totals):
            news = self._say(count)
            for watch in watches:
                watch.tell(count.article, news)

    def _forget(self, watch: Watch) -> None:
        self._watches.discard(watch)
        for article in watch.articles:
            watches = self._by_article[article]
            watches.discard(watch)
            if not watches:
                del self._by_article[article]
                self._known.pop(article, None)
                self._wanted.discard(article)
