"""Read model: the graph as of one request, joined from the facts of each article.

An edge is there while both its facts are: the link in the body of a live article, and a live article that has its
URL. Of several articles with one URL the earliest has it (ties by id), so that every link leads to one article.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from news_related.graph import beside_in_themes, surroundings
from news_related.graph.changes import (
    CARDS,
    HELD,
    THEME_LANGUAGES,
    THEME_ORDER,
    WITHDRAWN,
    links_in,
    order_range,
    set_of,
    theme_in_order,
)
from news_related.graph.curation import Choice, choices_key, stored_choices
from news_related.graph.facts import (
    Backlink,
    Card,
    Index,
    Link,
    Withdrawn,
    id_in,
    theme_in,
    url_hash,
)
from news_related.graph.minhash import bands_of
from news_related.graph.positions import LENGTH, Position, date_bytes
from news_related.graph.surroundings import MAX_TRANSLATIONS, Surroundings
from news_related.neighbours.changes import NEIGHBOURS, WINDOW, decode_meaning
from news_related.neighbours.meanings import Meaning, decode_neighbours
from news_shared.article_ids import ArticleId
from news_shared.projection.slots import RelativeCommand, SlotAnswer, Slots

MAX_BACKLINKS = 100
MAX_IN_A_BAND = 30
"""Articles read of one band: a text in more than that is known well enough."""

_FIELDS = 1_000  # of a hash in one command: Lua takes some 8,000 arguments
_NESTED = 2  # depth of what is asked side by side by something asked side by side
_LAST = b"\xff" * 26  # after any position


@dataclass(frozen=True)
class ThemeSize:
    """A theme, how many live articles it has, and in which languages; a language includes its regional forms."""

    slug: str
    articles: int
    languages: Mapping[str, int]
    newest: ArticleId | None


class LinkGraph:
    """Answers of one request; every method is one round trip or a stated number of them.

    What is asked side by side (``asyncio.gather``) shares its round trips, and sees one state of Redis in each.

    Every method raises RebuildingError while the graph is being restored, and TransientError when Redis is away.

    Attributes:
        as_of: up to when everything answered so far is right; None before the first answer.
        versions: of the state that was read, see `SlotAnswer`; more than one where it changed between round trips.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._waiting: list[RelativeCommand] = []  # for the next round trip
        self._trip: asyncio.Task[SlotAnswer] | None = None  # which has not begun
        self.as_of: datetime | None = None
        self.versions: set[bytes | None] = set()

    async def look(self) -> None:
        """Learn how the graph stands, and nothing else of it."""
        await self._travel()

    async def surroundings(self, key: ArticleId, *, neighbours: int, least_score: int) -> Surroundings:
        """What lies around an article, for its list of related ones.

        Args:
            neighbours: of the nearest in meaning that are asked for theirs, and whose cards are read;
            least_score: no cards of those below.
        """
        asked = surroundings.arguments(key, neighbours=neighbours, least_score=least_score)
        answer = await self._slots.find(0, surroundings.SURROUNDINGS, *asked)
        return surroundings.surroundings_in(key, self._noted(answer).results)

    async def states(self, ids: Sequence[ArticleId]) -> list[Card | Withdrawn | None]:
        """What is known of some articles, in the order asked."""
        found = await self._read([*_fields(CARDS, ids), *_fields(WITHDRAWN, ids)])
        values = list(chain.from_iterable(found))
        cards, withdrawn = values[: len(ids)], values[len(ids) :]
        # The two are read one after the other: when in doubt, it is gone.
        return [
            Withdrawn.decode(gone) if gone is not None else Card.decode(key, card) if card is not None else None
            for key, card, gone in zip(ids, cards, withdrawn, strict=True)
        ]

    async def cards(self, ids: Iterable[ArticleId]) -> dict[ArticleId, Card]:
        """The live ones of some articles."""
        asked = list(dict.fromkeys(ids))
        stored = await self._read_fields(CARDS, asked)
        return {key: Card.decode(key, card) for key, card in zip(asked, stored, strict=True) if card is not None}

    async def links(self, ids: Sequence[ArticleId]) -> list[list[Link]]:
        """The links in the bodies of some articles, in the order of the text."""
        return [links_in(held) for held in await self._read_fields(HELD, ids)]

    async def owners(self, urls: Iterable[str]) -> dict[str, ArticleId]:
        """Which live article has each URL; URLs that none has are missing."""
        asked = list(dict.fromkeys(urls))
        members = await self._read([_range(Index.URLS, url_hash(url), limit=1) for url in asked])
        return {url: id_in(found[0]) for url, found in zip(asked, members, strict=True) if found}

    async def backlinks(self, urls: Sequence[str], limit: int = MAX_BACKLINKS) -> list[list[Backlink]]:
        """For each URL the articles that link to it, newest first."""
        members = await self._read([_newest(Index.CITES, url_hash(url), limit) for url in urls])
        return [[Backlink.decode(member) for member in found] for found in members]

    async def backlinks_of(self, cards: Sequence[Card], limit: int = MAX_BACKLINKS) -> list[list[Backlink]]:
        """For each article those that link to it, newest first."""
        urls = list(dict.fromkeys(card.url for card in cards if card.url is not None))
        theirs, found = await asyncio.gather(self.own_urls(cards), self.backlinks(urls, limit))
        by_url = dict(zip(urls, found, strict=True))
        return [
            [b for b in by_url[card.url] if b.id != card.id] if card.url is not None and card.id in theirs else []
            for card in cards
        ]

    async def own_urls(self, cards: Sequence[Card]) -> dict[ArticleId, str]:
        """The URLs of those of the articles whose URL is theirs and no earlier article's."""
        owners = await self.owners(card.url for card in cards if card.url is not None)
        return {card.id: card.url for card in cards if card.url is not None and owners.get(card.url) == card.id}

    async def translators(self, names: Sequence[bytes]) -> list[list[ArticleId]]:
        """For each name (`facts.names_of`) the articles that say they translate what has it."""
        found = await self._read([_range(Index.TRANSLATIONS, name, limit=MAX_TRANSLATIONS) for name in names])
        return [[id_in(member) for member in members] for members in found]

    async def sharing_a_band(self, cards: Sequence[Card], *, within_ms: int) -> list[list[ArticleId]]:
        """For each article those that may have its text: they share a band of its signature, and so many milliseconds
        lie between them at the most. The earliest 30 of each band."""
        bands = [bands_of(card.signature) for card in cards]
        commands: list[RelativeCommand] = []
        for card, some in zip(cards, bands, strict=True):
            low, high = date_bytes(card.listed_ms - within_ms), date_bytes(card.listed_ms + within_ms + 1)
            commands += [
                (
                    "ZRANGEBYLEX",
                    set_of(Index.BANDS, band),
                    b"[" + band + low,
                    b"(" + band + high,
                    "LIMIT",
                    0,
                    MAX_IN_A_BAND,
                )
                for band in some
            ]
        answers = iter(await self._read(commands))
        beside = [dict.fromkeys(id_in(m) for _ in some for m in next(answers)) for some in bands]
        return [[key for key in some if key != card.id] for card, some in zip(cards, beside, strict=True)]

    async def choices(self, ids: Sequence[ArticleId]) -> list[list[Choice]]:
        """What editors pinned and blocked on the pages of some articles, oldest choice first."""
        stored = await self._read([("HVALS", choices_key("", key)) for key in ids])
        return [stored_choices(values) for values in stored]

    async def neighbours(self, ids: Sequence[ArticleId]) -> list[list[tuple[ArticleId, int]]]:
        """The nearest articles in meaning of each, with their scores, best first; see `window.Window`."""
        return [decode_neighbours(packed or b"") for packed in await self._read_fields(NEIGHBOURS, ids)]

    async def meanings(self, ids: Sequence[ArticleId]) -> list[Meaning | None]:
        """What some articles mean, as they were compared; None for those that were not."""
        stored = await self._read_fields(WINDOW, ids)
        return [decode_meaning(key, value) if value else None for key, value in zip(ids, stored, strict=True)]

    async def in_theme(
        self,
        slug: str,
        languages: Sequence[str] = (),
        *,
        limit: int,
        before: bytes | None = None,
        since_ms: int | None = None,
    ) -> list[Position]:
        """The newest articles of a theme, in these languages or in all, below a place and not older than a moment."""
        low = date_bytes(since_ms) if since_ms is not None else b""
        commands: list[RelativeCommand] = []
        for name in _names(slug, languages):
            high = b"(" + before if before is not None else b"+"
            commands.append(("ZREVRANGEBYLEX", set_of(Index.THEMES, name), high, b"[" + low, "LIMIT", 0, limit))
        members = {member[-LENGTH:] for found in await self._read(commands) for member in found}
        return sorted(map(Position.decode, members), reverse=True)[:limit]

    async def beside_in_themes(
        self, slugs: Sequence[str], languages: Sequence[str], place: Position, *, each_side: int, newest: int
    ) -> dict[ArticleId, Card]:
        """The articles of themes that are next to a place in time on either side, and the newest of each."""
        names = [name.decode() for slug in slugs for name in _names(slug, languages)]
        if not names:
            return {}
        asked = beside_in_themes.arguments(names, place, each_side=each_side, newest=newest)
        answer = await self._slots.find(0, beside_in_themes.BESIDE_IN_THEMES, *asked)
        return beside_in_themes.beside_in(self._noted(answer).results)

    async def sizes(self, slugs: Sequence[str]) -> list[ThemeSize]:
        """How large themes are; two round trips. A theme that nobody knows has no articles."""
        languages = await self._read(
            [("ZRANGEBYLEX", THEME_LANGUAGES, f"[{slug}\0".encode(), f"({slug}\1".encode()) for slug in slugs]
        )
        spoken = [[member.partition(b"\0")[2].decode() for member in found] for found in languages]
        commands: list[RelativeCommand] = []
        for slug, some in zip(slugs, spoken, strict=True):
            commands.append(("ZREVRANGEBYLEX", set_of(Index.THEMES, slug.encode()), b"+", b"-", "LIMIT", 0, 1))
            commands += [_count(slug, language) for language in (None, *some)]
        answers = iter(await self._read(commands))
        sizes = []
        for slug, some in zip(slugs, spoken, strict=True):
            newest, total = next(answers), next(answers)
            counts = {language: next(answers) for language in some}
            first = id_in(newest[0]) if newest else None
            sizes.append(ThemeSize(slug, total, counts, first))
        return sizes

    async def themes(self, language: str | None, *, limit: int, after: bytes | None) -> list[tuple[str, bytes]]:
        """The largest themes (in a language) after a place in their order, each with its own place."""
        low, high = order_range(language, after)
        [members] = await self._read([("ZRANGEBYLEX", THEME_ORDER, low, high, "LIMIT", 0, limit)])
        return [(theme_in_order(member)[0], member) for member in members]

    async def _read_fields(self, table: str, ids: Sequence[ArticleId]) -> list[bytes | None]:
        return list(chain.from_iterable(await self._read(_fields(table, ids))))

    async def _read(self, commands: Sequence[RelativeCommand]) -> list[Any]:
        if not commands:
            return []
        if self._trip is None:
            self._trip = asyncio.create_task(self._travel())
        first, trip = len(self._waiting), self._trip
        self._waiting += commands
        return (await trip).results[first : first + len(commands)]

    async def _travel(self) -> SlotAnswer:
        for _ in range(_NESTED):  # until all that is asked side by side has asked
            await asyncio.sleep(0)
        commands, self._waiting, self._trip = self._waiting, [], None
        return self._noted(await self._slots.read(0, *commands))

    def _noted(self, answer: SlotAnswer) -> SlotAnswer:
        self.as_of = min(self.as_of or answer.as_of, answer.as_of)
        self.versions.add(answer.version)
        return answer


def _fields(table: str, ids: Sequence[ArticleId]) -> list[RelativeCommand]:
    return [("HMGET", table, *ids[first : first + _FIELDS]) for first in range(0, len(ids), _FIELDS)]


def _range(index: Index, name: bytes, *, limit: int) -> RelativeCommand:
    return "ZRANGEBYLEX", set_of(index, name), b"[" + name, b"[" + name + _LAST, "LIMIT", 0, limit


def _newest(index: Index, name: bytes, limit: int) -> RelativeCommand:
    return "ZREVRANGEBYLEX", set_of(index, name), b"[" + name + _LAST, b"[" + name, "LIMIT", 0, limit


def _count(slug: str, language: str | None) -> RelativeCommand:
    return "ZCARD", set_of(Index.THEMES, theme_in(slug, language).encode())


def _names(slug: str, languages: Sequence[str]) -> list[bytes]:
    chosen = dict.fromkeys(theme_in(slug, language) for language in languages) or {theme_in(slug, None): None}
    return [name.encode() for name in chosen]
