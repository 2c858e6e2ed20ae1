"""The graph as plain Python says it must be, from the last event of each article."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from news_related.neighbours import similarity
from news_related.vectors import Vector
from news_shared.article_ids import ArticleId, article_id
from news_shared.articles import Article, ArticleEvent
from news_shared.clock import epoch_ms
from news_shared.languages import language_ranges
from news_shared.themes import theme_slug

Neighbour = tuple[ArticleId, int]


@dataclass
class Oracle:
    """Edges between live articles, by id."""

    articles: dict[ArticleId, Article] = field(default_factory=dict)
    withdrawn: set[ArticleId] = field(default_factory=set)

    @classmethod
    def of(cls, events: Iterable[ArticleEvent]) -> "Oracle":
        last: dict[ArticleId, ArticleEvent] = {}
        for event in events:
            if event.id not in last or last[event.id].article.revision < event.article.revision:
                last[event.id] = event
        live = {key: event.article for key, event in last.items() if isinstance(event.article, Article)}
        return cls(live, last.keys() - live.keys())

    def owner(self, url: str | None) -> ArticleId | None:
        claims = [a for a in self.articles.values() if a.url is not None and a.url == url]
        return min(claims, key=_place).id if claims else None

    def links(self, key: ArticleId) -> list[tuple[str, int, ArticleId | None]]:
        article = self.articles[key]
        first: dict[str, int] = {}
        for link in article.links:
            if link.url != article.url:
                first.setdefault(link.url, link.paragraph)
        return [(url, paragraph, self.owner(url)) for url, paragraph in first.items()]

    def backlinks(self, key: ArticleId) -> list[ArticleId]:
        if self.owner(self.articles[key].url) != key:
            return []
        citing = [
            other
            for other in self.articles.values()
            if other.id != key and any(target == key for _, _, target in self.links(other.id))
        ]
        return [article.id for article in sorted(citing, key=_place, reverse=True)]

    def translations(self, key: ArticleId) -> set[ArticleId]:
        """Connected by names in three steps: an article's own names, and those that it gives its original."""
        names = {other: self._names(article) for other, article in self.articles.items()}
        told = {key}
        for _ in range(3):
            known = set().union(*(names[one] for one in told))
            told |= {other for other, some in names.items() if some & known}
        return told - {key}

    def _names(self, article: Article) -> set[str]:
        names = {
            article.id if article.url is None or self.owner(article.url) != article.id else article.url,
            article.id,
        }
        named = (article.translation_of or "").strip()
        if named and named != article.url and article_id(article.source, named) != article.id:
            names.add(article_id(article.source, named))
            if named.startswith(("http://", "https://")):
                names.add(named)
        return names

    def neighbours(self, vectors: Mapping[ArticleId, Vector], *, window: int) -> dict[ArticleId, list[Neighbour]]:
        """Of the newest articles of each space all others of it, best first, scored pair by pair."""
        spaces: dict[tuple[str, int], list[Article]] = {}
        for article in sorted(self.articles.values(), key=_place, reverse=True):
            vector = vectors.get(article.id)
            if vector is not None:
                spaces.setdefault((vector.model, vector.dimensions), []).append(article)
        lists = {}
        for some in spaces.values():
            for one in some[:window]:
                scored = sorted((-_score(one, other, vectors), other.id) for other in some[:window] if other is not one)
                lists[one.id] = [(other, -score) for score, other in scored]
        return lists

    def spares_go_on(self, lists: Mapping[ArticleId, Sequence[Neighbour]], vectors: Iterable[Vector]) -> bool:
        """Whether stored lists are rankings without a gap, as far as each goes; in a window that holds everything.

        Args:
            vectors: the last of an article counts.
        """
        rankings = self.neighbours({vector.article: vector for vector in vectors}, window=len(self.articles))
        return all(some == rankings[key][: len(some)] for key, some in lists.items())

    def themes(self) -> dict[str, list[ArticleId]]:
        """Members of each theme and of each theme in a language (``slug@language``), newest first."""
        members: dict[str, list[Article]] = {}
        for article in self.articles.values():
            for slug in {theme_slug(tag) for tag in article.tags} - {""}:
                for name in (slug, *(f"{slug}@{part}" for part in language_ranges(article.language))):
                    members.setdefault(name, []).append(article)
        return {name: [a.id for a in sorted(some, key=_place, reverse=True)] for name, some in members.items()}


def _score(one: Article, other: Article, vectors: Mapping[ArticleId, Vector]) -> int:
    v, w = vectors[one.id], vectors[other.id]
    dot: int = sum(a * b for a, b in zip(*(memoryview(x.components()).cast("b") for x in (v, w)), strict=True))
    apart = abs(epoch_ms(_date(one)) - epoch_ms(_date(other)))
    off = apart / (apart + similarity.HALF_LOST_MS) * similarity.MOST_LOST
    added = 0.0 if one.language[:2] == other.language[:2] else similarity.ADDED_ACROSS_LANGUAGES
    score: float = dot * (v.scale * w.scale) - off + added
    return round(score * similarity.UNITS)


def _date(article: Article) -> datetime:
    return min(article.date_published, article.first_published_at)


def _place(article: Article) -> tuple[float, str]:
    return _date(article).timestamp(), article.id
