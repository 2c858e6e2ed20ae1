"""The graph as plain Python says it must be, from the last event of each article."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from news_related.themes import language_ranges
from news_shared.article_ids import ArticleId, article_id
from news_shared.articles import Article, ArticleEvent
from news_shared.themes import theme_slug


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
        """Connected by names: an article's own names, and those that it gives its original."""
        names = {other: self._names(article) for other, article in self.articles.items()}
        told, grown = {key}, True
        while grown:
            known = set().union(*(names[one] for one in told))
            grown = bool(more := {other for other, some in names.items() if some & known} - told)
            told |= more
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

    def themes(self) -> dict[str, list[ArticleId]]:
        """Members of each theme and of each theme in a language (``slug@language``), newest first."""
        members: dict[str, list[Article]] = {}
        for article in self.articles.values():
            for slug in {theme_slug(tag) for tag in article.tags} - {""}:
                for name in (slug, *(f"{slug}@{part}" for part in language_ranges(article.language))):
                    members.setdefault(name, []).append(article)
        return {name: [a.id for a in sorted(some, key=_place, reverse=True)] for name, some in members.items()}


def _place(article: Article) -> tuple[float, str]:
    return min(article.date_published, article.first_published_at).timestamp(), article.id
