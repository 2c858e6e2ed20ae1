"""What to show beside an article: candidates gathered from the graph, ranked by `ranking`."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from news_related.edges.meaning import further, support_of
from news_related.edges.nearness import Near, may_be_shown, nears_of
from news_related.edges.translations import Translation, translations
from news_related.graph.curation import Choice
from news_related.graph.duplicates import copies_of_each
from news_related.graph.facts import Card, Link
from news_related.link_graph import Backlink, LinkGraph
from news_related.lists import ranking
from news_related.lists.ranking import Ranked, Wanted
from news_related.lists.reasons import Reason
from news_related.lists.signals import PINNED, TRANSLATION, Signal, backlink, by_meaning, same_story, themes
from news_related.neighbours.similarity import UNITS
from news_shared.article_ids import ArticleId

_LINKS = 30  # of the body, for what else links to the same
_THEMES = 10
_BACKLINKS = 50
_BACKLINKS_OF_A_TRANSLATION = 20
_CITING_THE_SAME = 10
_EACH_SIDE, _NEWEST = 8, 3  # in each theme: within one, the nearest in time rank first
_EACH_SIDE_FILTERED, _NEWEST_FILTERED = 15, 10
_SHORT = 10  # a list that these suffice for
_NEAREST = 20  # neighbours that such a list is picked from


@dataclass(frozen=True)
class Own:
    """What is stored of an article besides its card."""

    links: Sequence[Link]
    choices: Sequence[Choice]
    neighbours: Sequence[tuple[ArticleId, int]]

    @property
    def blocked(self) -> Set[ArticleId]:
        """What editors keep off the article's page."""
        return {choice.other for choice in self.choices if choice.kind == "block"}


async def own(graph: LinkGraph, key: ArticleId) -> Own:
    """What the list of an article begins with; one round trip."""
    [links], [choices], [neighbours] = await asyncio.gather(
        graph.links([key]), graph.choices([key]), graph.neighbours([key])
    )
    return Own(links, choices, neighbours)


async def related(graph: LinkGraph, card: Card, mine: Own, wanted: Wanted) -> list[Ranked]:
    """The ranked list of an article; two round trips, whatever is stored, and two more each when it has translations,
    when most of its nearest are copies, when only themes can fill it, and when a filter leaves too little of its
    neighbours.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    # Themes alone only fill a short list, and few of the further neighbours come into one: where enough else is found
    # they would be read in vain.
    themes_later = _is_plain(wanted) and wanted.limit >= ranking.FILLED_TO
    nearest = _NEAREST if _is_plain(wanted) else None
    evidence = await _gathered(graph, card, mine, wanted, nearest=nearest, with_themes=not themes_later)
    ranked = evidence.ranked(card, wanted)
    if nearest is not None and len(ranked) < wanted.limit and nearest < len(may_be_shown(mine.neighbours)):
        evidence = await _gathered(graph, card, mine, wanted, with_themes=not themes_later)
        ranked = evidence.ranked(card, wanted)
    if themes_later and len(ranked) < ranking.FILLED_TO:
        evidence.cards.update(await _in_themes(graph, card, wanted))
        ranked = evidence.ranked(card, wanted)
    return ranked


@dataclass(frozen=True)
class _Links:
    """What the body of an article links to, and what else links to it or to the same."""

    urls: Set[str]
    targets: Set[ArticleId]
    backlinks: Sequence[Backlink]
    citing_the_same: Mapping[ArticleId, Sequence[Backlink]]  # by what they link
    cards: Mapping[ArticleId, Card]


@dataclass(frozen=True)
class _Evidence:
    """What speaks for showing others beside an article."""

    pinned: Sequence[Choice]
    blocked: Set[ArticleId]
    links: _Links
    translations: Mapping[ArticleId, Translation]
    neighbours: Sequence[Near]
    sizes: Mapping[str, int]  # of its themes
    cards: dict[ArticleId, Card]  # of all of these, and of others of its themes

    def ranked(self, card: Card, wanted: Wanted) -> list[Ranked]:
        """The list that this makes."""
        cards = self.cards
        never = {*self.blocked, *self.links.targets, card.id, *self._leading_nowhere_new(card)}
        copies = copies_of_each(cards.values())
        never.update(*(copies.get(key, ()) for key in self.links.targets))
        chosen = {choice.other for choice in self.pinned}  # of two copies an editor may pin the one and block the other
        never.update(*(copies.get(key, set()) - chosen for key in self.blocked))
        signals: dict[ArticleId, list[Signal]] = {}
        for key, made in self._signals(card):
            if made is not None and key not in never:
                signals.setdefault(key, []).append(made)
        candidates = {key: other for key, other in cards.items() if key not in never}
        return ranking.rank(card, candidates, signals, copies, wanted)

    def _leading_nowhere_new(self, card: Card) -> Set[ArticleId]:
        """Those at the URL of the article or at one that its body links: a reader has both already."""
        urls = self.links.urls | {card.url}
        return {key for key, other in self.cards.items() if other.url is not None and other.url in urls}

    def _signals(self, card: Card) -> Iterator[tuple[ArticleId, Signal | None]]:
        cards = self.cards
        for choice in self.pinned:
            yield choice.other, Signal(PINNED, Reason("pinned", note=choice.note))
        for other, paragraph in _present(self.links.backlinks, cards):
            yield other.id, backlink(card, other, paragraph)
        for key, (translation, backlinks) in self.translations.items():
            yield key, Signal(TRANSLATION, Reason("translation", original=_translates(card, translation)))
            for other, paragraph in _present(backlinks, cards):
                if other.id not in self.translations:
                    yield other.id, backlink(card, other, paragraph, via=translation)
        for key, some in self.links.citing_the_same.items():
            for other, _ in _present(some, cards):
                if key in cards and other.id not in self.translations:
                    yield other.id, same_story(card, other, cards[key])
        for one in self.neighbours:
            if one.card.id not in self.translations:
                yield one.card.id, by_meaning(card, one)
        for key, other in cards.items():
            yield key, themes(card, other, self.sizes)


async def _gathered(
    graph: LinkGraph, card: Card, mine: Own, wanted: Wanted, *, with_themes: bool, nearest: int | None = None
) -> _Evidence:
    pinned = [choice for choice in mine.choices if choice.kind == "pin"]
    near = mine.neighbours if wanted.is_filter else may_be_shown(mine.neighbours)
    links, (translations, cards), sizes, in_themes, known, support = await asyncio.gather(
        _links(graph, card, mine),
        _translations(graph, card),
        graph.articles_in(card.slugs[:_THEMES]),
        _in_themes(graph, card, wanted) if with_themes else _nothing(),
        graph.cards([*(choice.other for choice in mine.choices), *(key for key, _ in near[:nearest])]),
        support_of(graph, card.id, mine.neighbours, nearest),
    )
    cards |= {**links.cards, **in_themes, card.id: card}
    cards.update((choice.other, known[choice.other]) for choice in mine.choices if choice.other in known)
    neighbours = nears_of(card, near, {**known, **cards}, support)
    if wanted.is_filter and sum(wanted.takes(one.card) and one.kind is not None for one in neighbours) < wanted.limit:
        neighbours = [*neighbours, *await further(graph, card, neighbours)]
    cards.update((one.card.id, one.card) for one in neighbours if one.kind is not None)
    return _Evidence(
        pinned=pinned,
        blocked=mine.blocked,
        links=links,
        translations=translations,
        neighbours=neighbours,
        sizes=sizes,
        cards=cards,
    )


async def _links(graph: LinkGraph, card: Card, mine: Own) -> _Links:
    urls = list(dict.fromkeys(link.url for link in mine.links))
    owners, [backlinks], of_urls = await asyncio.gather(
        graph.owners(urls), graph.backlinks_of([card], _BACKLINKS), graph.backlinks(urls[:_LINKS], _CITING_THE_SAME)
    )
    citing = {owners[url]: some for url, some in zip(urls, of_urls, strict=False) if url in owners}
    # All targets, not only those that are asked who links to them: a copy of a target is known by the cards of both.
    cards = await graph.cards([*owners.values(), *(b.id for some in (backlinks, *citing.values()) for b in some)])
    return _Links(set(urls), set(owners.values()), backlinks, citing, cards)


async def _translations(graph: LinkGraph, card: Card) -> tuple[Mapping[ArticleId, Translation], dict[ArticleId, Card]]:
    """Its translations, and the cards of these and of what links to them."""
    found = await translations(graph, card, _BACKLINKS_OF_A_TRANSLATION)
    cards = await graph.cards(b.id for one in found.values() for b in one.backlinks)
    return found, cards | {key: one.card for key, one in found.items()}


async def _in_themes(graph: LinkGraph, card: Card, wanted: Wanted) -> dict[ArticleId, Card]:
    few = _is_plain(wanted)
    beside = await graph.around(
        card.slugs[:_THEMES],
        wanted.languages,
        card.position,
        each_side=_EACH_SIDE if few else _EACH_SIDE_FILTERED,
        newest=_NEWEST if few else _NEWEST_FILTERED,
    )
    return await graph.cards(beside)


async def _nothing() -> dict[ArticleId, Card]:
    return {}


def _is_plain(wanted: Wanted) -> bool:
    """Whether it is a short list without wishes, as on the page of an article."""
    return wanted.limit <= _SHORT and not wanted.is_filter and not wanted.kinds


async def nearest(graph: LinkGraph, card: Card, mine: Own, wanted: Wanted) -> list[Ranked]:
    """The uncut neighbours of an article in meaning, in the order of score and support: what ranking and cut-offs are
    measured with. One round trip.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    known, support = await asyncio.gather(
        graph.cards(key for key, _ in mine.neighbours), support_of(graph, card.id, mine.neighbours)
    )
    found = [
        Ranked(one.card, (one.score + one.support) / 2 / UNITS, Reason("similar", similarity=one.score / UNITS))
        for one in nears_of(card, mine.neighbours, known, support)
        if wanted.takes(one.card)
    ]
    return sorted(found, key=lambda one: (-one.score, one.card.id))[: wanted.limit]


def _present(backlinks: Sequence[Backlink], cards: dict[ArticleId, Card]) -> list[tuple[Card, int]]:
    return [(cards[b.id], b.paragraph) for b in backlinks if b.id in cards]


def _translates(card: Card, other: Card) -> bool:
    return card.original is not None and (
        card.original.id == other.id or (card.original.url is not None and card.original.url == other.url)
    )
