"""Open sessions in plain dictionaries: what the table of the service must agree with."""

from news_shared.article_ids import ArticleId
from news_views.view_log import NO_READER

_Table = dict[ArticleId, dict[int, int]]


class PlainSessions:
    """Who would repeat now. Entries go away one or two session lengths after their last use, a whole table at once.

    Times are the partition clock in milliseconds and must not go back between calls, except within the grace of
    beacons that were kept; what they open late is only there for as long as it matters.
    """

    def __init__(self, session_ms: int) -> None:
        self._session_ms = session_ms
        self._current: _Table = {}
        self._former: _Table = {}
        self._turns_at = 0

    @property
    def entries(self) -> int:
        """How many are in memory now."""
        return sum(len(readers) for table in (self._current, self._former) for readers in table.values())

    def renew(self, article: ArticleId, reader: int, former_reader: int, clock_ms: int) -> bool:
        """Note a countable beacon; True when it opens a session, which makes it a view.

        Around a change of salts a reader has two hashes: either open session makes it a repeat, and both are renewed,
        because a process that has not changed yet may still send the old one.
        """
        if clock_ms >= self._turns_at:
            self._turn(clock_ms)
        readers = self._current.get(article)
        if readers is None:
            readers = self._current[article] = {}
        last = self._last(article, readers, reader)
        if former_reader != NO_READER:
            last = max(last, self._last(article, readers, former_reader))
            readers[former_reader] = clock_ms
        readers[reader] = clock_ms
        return clock_ms - last >= self._session_ms

    def _last(self, article: ArticleId, readers: dict[int, int], reader: int) -> int:
        last = readers.get(reader)
        if last is None:
            last = self._former.get(article, {}).get(reader, -self._session_ms)
        return last

    def _turn(self, clock_ms: int) -> None:
        """What was last used before the turn before is over by now, whoever it was."""
        self._former = self._current if clock_ms < self._turns_at + self._session_ms else {}
        self._current = {}
        self._turns_at = clock_ms + self._session_ms
