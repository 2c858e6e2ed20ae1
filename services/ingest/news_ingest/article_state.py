"""What the publisher remembers of an article: enough to decide the next submission, no text."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from news_ingest.items import Item

BEFORE_ANY = -(2**62)
"""Less than every offset in ``news.submissions``, also than those that a restored backup names, which are negative."""
UNDATED_HASHES_KEPT = 8


class Outcome(StrEnum):
    """What became of a submission."""

    PUBLISHED = "published"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"
    HELD = "held"
    WITHDRAWN = "withdrawn"
    RESTORED = "restored"
    EXPIRED = "expired"


class _Remembered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Version(_Remembered):
    """By what two versions of an article are compared."""

    version: str | None = None
    moment: AwareDatetime | None = None  # the source's date of this version; None: undated
    hash: str


class Hold(_Remembered):
    """A version that is put away: until its embargo ends, or because the article was withdrawn."""

    why: Literal["embargo", "withdrawn", "withheld"]
    version: Version
    until: AwareDatetime | None = None


class HoldRecord(_Remembered):
    """A text that nobody may see: the value of ``news.holds``."""

    why: Literal["embargo", "withdrawn", "withheld"] = Field(description="Why it is put away.")
    until: AwareDatetime | None = Field(None, description="When the embargo ends.")
    item: Item = Field(description="What is put away.")
    submission: tuple[int, int] = Field(description="Partition and offset in news.submissions that it comes from.")


class Remembered(_Remembered):
    """An idempotency key with the outcome of its first use."""

    key: str
    outcome: Outcome
    revision: int
    at_ms: int


class ArticleState(_Remembered):
    """One article, as of the last submission about it.

    ``live`` is the published version; None when nothing is published. ``withdrawn`` is ``sticky`` after a kill and
    ``withheld`` while the source itself holds the article back. ``article_at`` and ``hold_at`` are the offsets of the
    last records in ``news.articles`` and ``news.holds``, where the texts are.
    """

    revision: int = 0
    submission: int = BEFORE_ANY  # offset of the last one that is decided; negative: before the log began
    live: Version | None = None
    withdrawn: Literal["sticky", "withheld"] | None = None
    hold: Hold | None = None
    first_published_at: AwareDatetime | None = None
    source: str | None = None
    guid: str | None = None
    url: str | None = None
    article_at: int = -1
    hold_at: int = -1
    outcome: Outcome | None = None
    why: str | None = None
    at_ms: int = 0
    keys: tuple[Remembered, ...] = ()
    undated_hashes: tuple[str, ...] = ()

    def having(self, **changes: object) -> "ArticleState":
        """This state with other values of some fields."""
        return self.model_copy(update=changes)

    def having_seen_undated(self, version: Version) -> "ArticleState":
        """This state, which knows the version should an undated item come with it again."""
        if version.hash in self.undated_hashes:
            return self
        return self.having(undated_hashes=(*self.undated_hashes, version.hash)[-UNDATED_HASHES_KEPT:])

    @property
    def name(self) -> str:
        """The article's state in a word, for people."""
        if self.withdrawn:
            return "withdrawn" if self.withdrawn == "sticky" else "withheld"
        if self.live:
            return "published"
        return "held" if self.hold else "unknown"
