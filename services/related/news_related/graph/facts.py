"""What one article says of the graph, whatever else there is: its card, its links, and its places in indexes.

Everything here depends on the article alone. Edges come from joining these facts when somebody asks (a link's URL
with the article that has it), so it cannot matter which of two articles arrived first, and a target that moves, is
withdrawn or restored needs no visit to those that link to it.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple

import msgpack

from news_related.body_text import beginning_of_body, characters_of
from news_related.graph.minhash import MOST_CHARACTERS, bands_of, signature_of
from news_related.graph.positions import ID_BYTES, Position, id_bytes, id_from
from news_related.graph.themes import themes_of
from news_shared.article_ids import ArticleId, article_id, normal_guid
from news_shared.articles import Article, ArticleEvent, Withdrawal
from news_shared.clock import rfc3339
from news_shared.languages import language_key, language_ranges

MAX_LINKS = 200
"""Distinct URLs of one body that make edges, in the order of the text: as many links as the intake keeps of a body."""

MAX_THEMES = 50
"""Themes of one article that it is listed under."""

MAX_PARAGRAPH = 0xFFFF
_PARAGRAPH_BYTES = 2

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Index(StrEnum):
    """What articles are found by; each is sorted sets with scores 0, whose members have the article's position."""

    URLS = "urls"  # hash of the article's URL, position
    CITES = "cites"  # hash of a link's URL, position, paragraph
    TRANSLATIONS = "translations"  # id of the original or hash of its URL, position
    THEMES = "themes"  # a set for each slug, and slug@language: position
    BANDS = "bands"  # band of the text's signature, position


class Place(NamedTuple):
    """One place of an article in an index: the member is name, position of the article, and rest; the name is in the
    key where a set is of one name."""

    kind: Index
    name: bytes
    rest: bytes = b""


class Backlink(NamedTuple):
    """An article that links to another, and from which of its paragraphs."""

    id: ArticleId
    paragraph: int

    @classmethod
    def decode(cls, member: bytes) -> "Backlink":
        """As a member of the cites index has it."""
        paragraph = int.from_bytes(member[-_PARAGRAPH_BYTES:], "big")
        return cls(id_from(member[-_PARAGRAPH_BYTES - ID_BYTES : -_PARAGRAPH_BYTES]), paragraph)


class Link(NamedTuple):
    """A hyperlink of a body, by its first place there."""

    url: str
    text: str
    paragraph: int


@dataclass(frozen=True)
class Original:
    """What an article says that it translates: a guid of its own source, which may be a URL as well."""

    id: ArticleId
    url: str | None


class Card(NamedTuple):
    """An article as others' lists show it, and what relates it to others; a tuple, because a list reads dozens.

    Attributes:
        listed_ms: its moment in lists, see `Position`.
        themes: (slug, name) in the article's order.
        signature: of the body's text, see `minhash`; empty where it is short.
        characters: how much text there is, see `characters_of`.
    """

    id: ArticleId
    title: str
    url: str | None
    language: str
    date: datetime
    image: str | None
    listed_ms: int
    themes: tuple[tuple[str, str], ...] = ()
    original: Original | None = None
    signature: bytes = b""
    characters: int = 0

    @property
    def position(self) -> Position:
        """Its place in lists by time."""
        return Position(self.listed_ms, self.id)

    @property
    def slugs(self) -> tuple[str, ...]:
        """Its themes as compared."""
        return tuple(slug for slug, _ in self.themes)

    @classmethod
    def of(cls, article: Article) -> "Card":
        """The card of an article."""
        body = beginning_of_body(article, MOST_CHARACTERS)
        return cls(
            id=article.id,
            title=article.title,
            url=article.url,
            language=article.language,
            date=article.date_published,
            image=article.image,
            listed_ms=Position.of(article).date_ms,
            themes=themes_of(article.tags, at_most=MAX_THEMES),
            original=_original(article),
            signature=signature_of(body),
            characters=characters_of(article, body),
        )

    def shown(self) -> dict[str, Any]:
        """As JSON in every answer."""
        return {
            "article": self.id,
            "title": self.title,
            "url": self.url,
            "language": self.language,
            "date": rfc3339(self.date),
            "image": self.image,
        }

    def encode(self) -> bytes:
        """As stored beside its id: short, since a list reads dozens."""
        packed: bytes = msgpack.packb(
            (
                self.title,
                self.url,
                self.language,
                (self.date - _EPOCH) // _MICROSECOND,
                self.image,
                self.listed_ms,
                self.themes,
                (self.original.id, self.original.url) if self.original else None,
                self.signature,
                self.characters,
            ),
            unicode_errors="surrogatepass",
        )
        return packed

    @classmethod
    def decode(cls, key: ArticleId, stored: bytes) -> "Card":
        """The inverse of `encode`."""
        title, url, language, date, image, listed_ms, themes, original, signature, characters = msgpack.unpackb(
            stored, use_list=False, unicode_errors="surrogatepass"
        )
        return cls(
            key,
            title,
            url,
            language,
            _EPOCH + date * _MICROSECOND,
            image,
            listed_ms,
            themes,
            Original(*original) if original else None,
            signature,
            characters,
        )


@dataclass(frozen=True)
class Withdrawn:
    """The article was here and is gone."""

    id: ArticleId
    reason: str | None
    time: str

    def encode(self) -> bytes:
        """As stored."""
        packed: bytes = msgpack.packb((self.id, self.reason, self.time), unicode_errors="surrogatepass")
        return packed

    @classmethod
    def decode(cls, stored: bytes) -> "Withdrawn":
        """The inverse of `encode`."""
        return cls(*msgpack.unpackb(stored, unicode_errors="surrogatepass"))


@dataclass(frozen=True)
class Facts:
    """All that the graph keeps of an article as of a revision."""

    id: ArticleId
    revision: int
    state: Card | Withdrawn
    links: tuple[Link, ...] = ()

    @classmethod
    def of(cls, event: ArticleEvent) -> "Facts":
        """What an event says."""
        article = event.article
        if isinstance(article, Withdrawal):
            gone = Withdrawn(article.id, article.reason, rfc3339(article.time))
            return cls(article.id, article.revision, gone)
        return cls(article.id, article.revision, Card.of(article), _links(article))

    def places(self) -> Sequence[Place]:
        """The places of the article in the indexes, sorted; none when it is withdrawn."""
        if isinstance(self.state, Withdrawn):
            return []
        card = self.state
        found = {
            Place(Index.CITES, url_hash(link.url), link.paragraph.to_bytes(_PARAGRAPH_BYTES, "big"))
            for link in self.links
        }
        if card.url is not None:
            found.add(Place(Index.URLS, url_hash(card.url)))
        found.update(Place(Index.TRANSLATIONS, name) for name in names_of_original(card))
        found.update(Place(Index.BANDS, band) for band in bands_of(card.signature))
        for slug in card.slugs:
            for name in (slug, *(theme_in(slug, part) for part in language_ranges(card.language))):
                found.add(Place(Index.THEMES, name.encode()))
        return sorted(found)


def theme_in(slug: str, language: str | None) -> str:
    """The name of a theme's list in one language, or in all."""
    return slug if language is None else f"{slug}@{language_key(language)}"


def url_hash(url: str) -> bytes:
    """16 bytes that stand for a URL in an index: URLs are long, and an index needs only to find them again."""
    return blake2b(f"u:{url}".encode(errors="surrogatepass"), digest_size=16).digest()


def names_of(card: Card, *, has_its_url: bool) -> list[bytes]:
    """The names under which others may say that they translate this article: its id, and the hash of its URL."""
    names = [id_bytes(card.id)]
    if card.url is not None and has_its_url:
        names.append(url_hash(card.url))
    return names


def names_of_original(card: Card) -> list[bytes]:
    """The names under which this article names its original: the id of a guid, and the hash of the same text as a
    URL."""
    if card.original is None:
        return []
    names = [id_bytes(card.original.id)]
    if card.original.url is not None:
        names.append(url_hash(card.original.url))
    return names


def id_in(member: bytes) -> ArticleId:
    """The article of a member of any index but `Index.CITES`, for which see `Backlink`."""
    return id_from(member[-ID_BYTES:])


def encode_links(links: Sequence[Link]) -> bytes:
    """A body's links as stored."""
    packed = msgpack.packb([(x.url, x.text, x.paragraph) for x in links], unicode_errors="surrogatepass")
    return zlib.compress(packed)  # addresses of one body have much in common


def decode_links(stored: bytes | None) -> list[Link]:
    """The inverse of `encode_links`; no links where nothing is stored."""
    if not stored:
        return []
    return [Link(*parts) for parts in msgpack.unpackb(zlib.decompress(stored), unicode_errors="surrogatepass")]


def _links(article: Article) -> tuple[Link, ...]:
    first: dict[str, Link] = {}
    for link in article.links:
        if link.url != article.url and link.url not in first:
            first[link.url] = Link(link.url, link.text, min(link.paragraph, MAX_PARAGRAPH))
            if len(first) == MAX_LINKS:
                break
    return tuple(first.values())


def _original(article: Article) -> Original | None:
    named = normal_guid(article.translation_of or "")
    if not named:
        return None
    guid = normal_guid(article.translation_of_guid or "") or named
    original = Original(article_id(article.source, guid), named if named.startswith(("http://", "https://")) else None)
    itself = original.id == article.id or (original.url is not None and original.url == article.url)
    return None if itself else original
