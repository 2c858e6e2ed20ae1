"""A feed to the world before it has a format: what it is called, where it stands, its articles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from news_feed.ordering import Position
from news_feed.timelines import Selection
from news_shared.article_ids import ArticleId
from news_shared.articles import Article
from news_shared.clock import from_epoch_ms

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """Where readers find us.

    Attributes:
        origin: scheme and host, without a slash at the end.
        title: name of the paper.
    """

    origin: str
    title: str

    def page_of(self, article: Article) -> str:
        """The article's page here."""
        return f"{self.origin}/articles/{article.id}"

    def link_of(self, article: Article) -> str:
        """Where the article is to be read: at its own address where it has one, because that is the original."""
        return article.url or self.page_of(article)


@dataclass(frozen=True)
class OutFeed:
    """Articles of a selection, newest first, whole.

    Attributes:
        place: where readers find us.
        path: of the feed.
        selection: what was asked for.
        articles: of it.
        withdrawn: what was taken back last, of the selection's source or of all: a withdrawal names no theme.
    """

    place: Place
    path: str
    selection: Selection
    articles: Sequence[Article]
    withdrawn: Sequence[Position] = ()

    @property
    def title(self) -> str:
        """The paper's name, and what was selected."""
        parts = (self.selection.theme, self.selection.language, self.selection.source)
        return " · ".join([self.place.title, *(part for part in parts if part)])

    @property
    def address(self) -> str:
        """Of the feed itself; the same for everybody who asks for the same."""
        chosen = self.selection
        asked = {"theme": chosen.theme, "language": chosen.language, "source": chosen.source}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return f"{self.place.origin}{self.path}" + (f"?{query}" if query else "")

    @property
    def home(self) -> str:
        """The front page."""
        return f"{self.place.origin}/"

    @property
    def language(self) -> str | None:
        """What all of it is written in; None when that is not one language, or not known."""
        if self.selection.language is not None:
            return self.selection.language
        languages = {article.language for article in self.articles}
        return languages.pop() if len(languages) == 1 and "und" not in languages else None

    @property
    def updated(self) -> datetime:
        """When the newest of it was written, changed or taken back."""
        taken_back = (from_epoch_ms(position.date_ms) for position in self.withdrawn)
        return max((*map(last_change, self.articles), *taken_back), default=NEVER)


def last_change(article: Article) -> datetime:
    """When the article was changed last, as its source says."""
    return max(article.date_published, article.date_modified or article.date_published)


def entry_id(article: ArticleId) -> str:
    """What feed readers know the article by: the same in every feed of ours and for ever.

    Not the source's guid, because two sources may have the same one.
    """
    return f"urn:uuid:{article}"
