"""A story as lists and cards show it, whichever service named it; and how themes are spelled in addresses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from news_shared.themes import theme_slug

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Copy:
    """A story that another stands for.

    Attributes:
        source: whose copy it is; None where another of that source is named already.
    """

    id: str
    title: str
    language: str
    source: str | None


@dataclass(frozen=True)
class Story:
    """What a card shows.

    Attributes:
        reason: why it is shown beside another story, as `related` says it: kind and words.
        via: the story that the reason names.
        copies: stories with the same text, for which it stands.
    """

    id: str
    title: str
    language: str
    date: datetime | None
    image: str | None
    summary: str | None
    theme: str | None
    reason: tuple[str, str] | None = None
    via: str | None = None
    copies: tuple[Copy, ...] = ()

    @classmethod
    def of(cls, item: Item) -> "Story":
        """From an article of `feed` or a card of `related`."""
        reason = item.get("reason") or {}
        return cls(
            id=card_id(item),
            title=str(item["title"]),
            language=str(item.get("language") or "und"),
            date=moment_of(item.get("date") or item.get("date_published")),
            image=shown_image(item.get("image")),
            summary=item.get("summary"),
            theme=next(iter(themes_of(item)), None),
            reason=(str(reason.get("kind", "")), str(reason.get("text", ""))) if reason else None,
            via=reason.get("via_article"),
            copies=_copies(item),
        )


def stories(items: Iterable[Item]) -> Sequence[Story]:
    """All items of a list as stories."""
    return [Story.of(item) for item in items]


def _copies(item: Item) -> tuple[Copy, ...]:
    named = {item.get("source")}
    copies = []
    for one in item.get("duplicates") or ():
        source = one.get("source")
        language = str(one.get("language") or "und")
        copies.append(Copy(card_id(one), str(one["title"]), language, None if source in named else source))
        named.add(source)
    return tuple(copies)


def card_id(item: Item) -> str:
    """The id of a story, which ``feed`` calls ``id`` and cards call ``article``."""
    return str(item.get("article") or item["id"])


def themes_of(item: Item) -> Sequence[str]:
    """The tags of a story that name a theme: one without a letter or digit, as a flag or a dash, has no address."""
    return [tag for tag in item.get("tags") or () if theme_slug(tag)]


def as_card(article: Item) -> Item:
    """An article of the feed in the shape of a card of ``related``."""
    return {
        "article": article["id"],
        "title": article["title"],
        "url": article.get("url"),
        "language": article.get("language", "und"),
        "date": article["date_published"],
        "image": article.get("image"),
    }


def moment_of(text: object) -> datetime | None:
    """An RFC 3339 moment; None for what is none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def shown_image(url: object) -> str | None:
    """An image's address where the page may load it: over https, as the content security policy says."""
    return url if isinstance(url, str) and url.startswith("https://") else None


def web_address(url: object) -> tuple[str, str] | None:
    """A link that leads to a web page, and its host; None for anything else, whoever passed it on."""
    try:
        parts = urlsplit(str(url or ""))
    except ValueError:
        return None
    return (str(url), parts.hostname) if parts.scheme in {"http", "https"} and parts.hostname else None


def url_in(name: str) -> str | None:
    """An article's URL, its scheme in lower case as in canonical ones; None where it has another kind of name."""
    scheme, colon, rest = name.partition("://")
    return f"{scheme.lower()}{colon}{rest}" if colon and scheme.lower() in {"http", "https"} else None
