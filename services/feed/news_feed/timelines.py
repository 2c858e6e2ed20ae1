"""Which lists an article stands in, and what one more event of it changes there: pure rules."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from news_feed.ordering import Position
from news_shared.articles import Article, ArticleEvent, Withdrawal
from news_shared.clock import epoch_ms, rfc3339
from news_shared.languages import language_key, language_ranges
from news_shared.themes import theme_slug


@dataclass(frozen=True)
class Selection:
    """Which articles a list holds; a part that is None does not matter."""

    theme: str | None = None
    language: str | None = None
    source: str | None = None

    @property
    def name(self) -> str:
        """Name of the list; the same for everything that means the same."""
        parts = []
        if self.theme is not None:
            parts.append(f"theme={theme_slug(self.theme)}")
        if self.language is not None:
            parts.append(f"language={language_key(self.language)}")
        if self.source is not None:
            parts.append(f"source={self.source}")
        return "&".join(parts) or "all"


def lists_of(article: Article) -> list[str]:
    """Names of all lists that the article stands in: one for each combination that can be asked for."""
    themes = [None, *dict.fromkeys(theme for theme in map(theme_slug, article.tags) if theme)]
    languages = [None, *language_ranges(article.language)]
    combinations = product(themes, languages, (None, article.source))
    return [Selection(theme, language, source).name for theme, language, source in combinations]


def withdrawn_list(source: str | None) -> str:
    """Name of the list of what was withdrawn, of all sources or of one."""
    return "withdrawn" if source is None else f"withdrawn&source={source}"


@dataclass(frozen=True)
class Entry:
    """What the store must know of an article to change it: kept beside it, so that new rules can undo old ones."""

    revision: int
    position: bytes | None = None  # None: withdrawn
    url: str | None = None
    lists: Sequence[str] = field(default=())
    gone_at: bytes | None = None  # when it was withdrawn, as a position in the lists of what was

    def encode(self) -> bytes:
        """As stored."""
        parts = [self.revision, _hex(self.position), self.url, list(self.lists), _hex(self.gone_at)]
        return json.dumps(parts, ensure_ascii=False).encode()

    @classmethod
    def decode(cls, stored: bytes) -> "Entry":
        """The inverse of `encode`."""
        revision, position, url, lists, *gone_at = json.loads(stored)  # entries of former versions end here
        return cls(revision, _unhex(position), url, tuple(lists), _unhex(gone_at[0]) if gone_at else None)


def _hex(position: bytes | None) -> str | None:
    return None if position is None else position.hex()


def _unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


@dataclass(frozen=True)
class State:
    """An article as the store holds it after an event: its entry and the JSON that is served."""

    entry: Entry
    body: bytes


def after(known: Entry | None, event: ArticleEvent) -> State | None:
    """The state after one more event; None when it says nothing new (a repeat, or older than what is known)."""
    article = event.article
    if known is not None and article.revision <= known.revision:
        return None
    if isinstance(article, Withdrawal):
        tombstone = article.model_dump(mode="json", exclude={"time"}) | {"time": rfc3339(article.time)}
        gone_at = Position(epoch_ms(article.time), article.id).encode()
        lists = (withdrawn_list(None), withdrawn_list(article.source))
        return State(
            Entry(article.revision, lists=lists, gone_at=gone_at), json.dumps(tombstone, ensure_ascii=False).encode()
        )
    entry = Entry(article.revision, Position.of(article).encode(), article.url, tuple(lists_of(article)))
    return State(entry, article.model_dump_json(exclude_none=True).encode())
