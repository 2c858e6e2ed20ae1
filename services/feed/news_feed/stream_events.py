"""What the stream says of an event of ``news.articles``, and to whom: pure rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from sys import getsizeof
from typing import Any

import orjson

from news_feed.answers import BODY_FIELDS
from news_feed.stream_position import position_text
from news_feed.timelines import Selection, lists_of
from news_shared.article_ids import ArticleId
from news_shared.articles import ArticleEvent, EventType, Withdrawal

_NAMES = {EventType.PUBLISHED: b"published", EventType.UPDATED: b"updated", EventType.WITHDRAWN: b"withdrawn"}

_FIELDS_BYTES = 400
"""Of an announcement: the object, and the names of its article and source."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event as streams say it.

    Attributes:
        article: which article.
        revision: of it.
        source: whose article.
        lists: names of the lists that it stands in; None: withdrawn, and every reader may be showing it.
        text: lines of the event stream, without the id and the empty line at the end.
    """

    article: ArticleId
    revision: int
    source: str
    lists: frozenset[str] | None
    text: bytes

    @property
    def weight(self) -> int:
        """Bytes in memory."""
        names = sum(map(getsizeof, self.lists)) + getsizeof(self.lists) if self.lists else 0
        return _FIELDS_BYTES + getsizeof(self.text) + names

    def concerns(self, selection: Selection) -> bool:
        """Whether somebody who reads this selection is told.

        A withdrawal does not say what the article's themes and language were: all are told who read its source.
        """
        if self.lists is None:
            return selection.source in (None, self.source)
        return selection.name in self.lists


def announcement(event: ArticleEvent, *, replayed: bool) -> Announcement:
    """What is said of an event.

    Args:
        event: of an article.
        replayed: it was read back from the log, which is compacted: revisions before it may be missing.
    """
    article = event.article
    if isinstance(article, Withdrawal):
        fields: set[str] = {"id", "revision", "url", "reason", "time"}
        content: dict[str, Any] = article.model_dump(mode="json", include=fields)
        lists = None
    else:
        content = article.model_dump(mode="json", exclude=set(BODY_FIELDS), exclude_none=True)
        lists = frozenset(lists_of(article))
    if replayed:
        content["replayed"] = True
    text = b"event: %s\ndata: %s\n" % (_NAMES[event.type], orjson.dumps(content))
    return Announcement(article.id, article.revision, article.source, lists, text)


def heartbeat(offsets: Sequence[int], silence: timedelta) -> bytes:
    """What is said when there is nothing to say: how far the reader has come, and when he hears of us at the latest.

    An event of its own, not a comment: a page sees neither comments nor ids without an event, and a page that has slept
    must know where it was.
    """
    data = orjson.dumps({"next_within_seconds": silence.total_seconds()})
    return b"id: %s\nevent: heartbeat\ndata: %s\n\n" % (position_text(offsets).encode(), data)
