"""One article as its source tells it, normalised and sanitised: what goes into a submission."""

import hashlib
import json
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from news_shared.article_ids import ArticleId, article_id
from news_shared.articles import Article, Correction, Link, Person, Status

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Dates outside are mistakes of somebody's software."""


class Item(BaseModel):
    """The content of a submission: fields as in `Article`, before it has a revision."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: str = Field(description="Whose article it is.")
    guid: str = Field(description="The source's own name of it.")
    url: str | None = Field(None, description="Canonical: where the source has it.")
    version: str | None = Field(None, description="The source's own, where it has one.")
    language: str = Field("und", description="BCP 47; und where unknown.")
    title: str = Field(description="The headline, as text.")
    summary: str | None = Field(None, description="The lead, as text.")
    content_html: str | None = Field(None, description="The body, sanitised.")
    content_text: str | None = Field(None, description="The body, where the source sent text.")
    authors: tuple[Person, ...] = Field((), description="Who wrote it.")
    date_published: AwareDatetime = Field(description="As the source says.")
    date_modified: AwareDatetime | None = Field(None, description="As the source says.")
    dated: bool = Field(True, description="False: the source gave no date, date_published is the time of arrival.")
    tags: tuple[str, ...] = Field((), description="Themes.")
    image: str | None = Field(None, description="URL of the main picture.")
    translation_of: str | None = Field(None, description="guid, or canonical URL.")
    translation_of_guid: str | None = Field(
        None, description="As the source said it, where translation_of is the canonical form of that."
    )
    attributions: tuple[Person, ...] = Field((), description="Whom the text quotes or relies on.")
    corrections: tuple[Correction, ...] = Field((), description="What was put right since.")
    links: tuple[Link, ...] = Field((), description="Of the body, in its order.")
    embargoed_until: AwareDatetime | None = Field(None, description="Nobody sees it before.")
    status: Status = Field("usable", description="withheld: not now; canceled: withdrawn.")

    @property
    def id(self) -> ArticleId:
        """The article that this is a version of."""
        return article_id(self.source, self.guid)


_OF_BOTH = tuple(name for name in Item.model_fields if name not in {"embargoed_until", "status"})
"""Fields that an item and an article have alike; their values are immutable and may belong to both."""
_NOT_CONTENT = {"source", "guid", "version", "dated", "embargoed_until", "status"}


def content_hash(item: Item) -> str:
    """Equal for two versions that readers could not tell apart."""
    excluded = _NOT_CONTENT | (set() if item.dated else {"date_published"})
    content = item.model_dump(mode="json", exclude=excluded, exclude_defaults=True)
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:24]


def article_of(item: Item, *, revision: int, first_published_at: datetime) -> Article:
    """The article as readers may see it."""
    fields = {name: getattr(item, name) for name in _OF_BOTH}
    return Article(id=item.id, revision=revision, first_published_at=first_published_at, **fields)


def item_of(article: Article) -> Item:
    """The inverse, for an article whose text is put away."""
    return Item(**{name: getattr(article, name) for name in _OF_BOTH})
