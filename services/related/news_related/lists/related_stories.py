"""What to show beside an article: candidates gathered from the graph, ranked by `ranking`."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from news_related.edges.meaning import Near, further, live, may_be_shown, near
from news_related.graph.curation import Choice
from news_related.graph.duplicates import copies_among
from news_related.graph.facts import Card, Link
from news_related.link_graph import Backlink, LinkGraph
from news_related.lists import ranking
from news_related.lists.ranking import Ranked, Signal, Wanted
from news_related.lists.reasons import Reason
from news_shared.article_ids import ArticleId

_LINKS = 30  # of the body, for what else links to the same
_THEMES = 10
_BACKLINKS = 50
_BACKLINKS_OF_A_TRANSLATION = 20
_CITING_THE_SAME = 10
_EACH_SIDE, _NEWEST = 8, 3  # in each theme: within one, the nearest in time rank first
_EACH_SIDE_FILTERED, _NEWEST_FILTERED = 15, 10
_SHORT = 10  # a list that these suffice for


@dataclass(frozen=True)
class Own:
    """What is stored of an article besides its card."""

    links: Sequence[Link]
    choices: Sequence[Choice]
    neighbours: Sequence[tuple[ArticleId, int]]


async def own(graph: LinkGraph, key: ArticleId) -> Own:
    """What the list of an article begins with; one round trip."""
    [links], [choices], [neighbours] = await asyncio.gather(
        graph.links([key]), graph.choices([key]), graph.neighbours([key])
    )
    return Own(links, choices, neighbours)


async def related(graph: LinkGraph, card: Card, mine: Own, wanted: Wanted) -> list[Ranked]:
    """The ranked list of an article; two round trips, whatever is stored, and two more each when it has translations,
    when only themes can fill it, and when a filter leaves too little of its neighbours.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    # Themes alone only fill a short list: where enough else is found they would be read in vain.
    themes_later = _is_plain(wanted) and wanted.limit >= ranking.FILLED_TO
    evidence = await _gathered(graph, card, mine, wanted, with_themes=not themes_later)
    ranked = evidence.ranked(card, wanted)
    if themes_later and len(ranked) < ranking.FILLED_TO:
        beside = await _in_themes(graph, card, wanted)
        evidence.cards.update(await graph.cards(key for key in beside if key not in evidence.cards))
        ranked = evidence.ranked(card, wanted)
    return ranked


@dataclass(frozen=True)
class _Evidence:
    """What speaks for showing others beside an article."""

    pinned: Sequence[Choice]
    blocked: Set[ArticleId]
    linked: Set[ArticleId]  # by its body
    translations: Mapping[ArticleId, Card]
    backlinks: Sequence[Backlink]
    of_translations: Sequence[Sequence[Backlink]]
    citing_the_same: Mapping[ArticleId, Sequence[Backlink]]  # by what they link
    neighbours: Sequence[Near]
    sizes: Mapping[str, int]  # of its themes
    cards: dict[ArticleId, Card]  # of all of these, and of others of its themes

    def ranked(self, card: Card, wanted: Wanted) -> list[Ranked]:
        """The list that this makes."""
        cards = self.cards
        never = {*self.blocked, *self.linked, card.id}
        never |= copies_among(cards.values(), of=[cards[key] for key in self.citing_the_same if key in cards])
        signals: dict[str, list[Signal]] = {}
        for key, made in self._signals(card):
            if made is not None and key not in never:
                signals.setdefault(key, []).append(made)
        return ranking.rank(card, {key: other for key, other in cards.items() if key not in never}, signals, wanted)

    def _signals(self, card: Card) -> Iterator[tuple[ArticleId, Signal | None]]:
        cards = self.cards
        for choice in self.pinned:
            yield choice.other, Signal(ranking.PINNED, Reason("pinned", note=choice.note))
        for key, other in self.translations.items():
            yield key, Signal(ranking.TRANSLATION, Reason("translation", original=_translates(card, other)))
        for other, paragraph in _present(self.backlinks, cards):
            yield other.id, ranking.backlink(card, other, paragraph)
        for via, some in zip(self.translations.values(), self.of_translations, strict=True):
            for other, paragraph in _present(some, cards):
                if other.id not in self.translations:
                    yield other.id, ranking.backlink(card, other, paragraph, via=via)
        for key, some in self.citing_the_same.items():
            for other, _ in _present(some, cards):
                if key in cards and other.id not in self.translations:
                    yield other.id, ranking.same_story(card, other, cards[key])
        for one in self.neighbours:
            if one.card.id not in self.translations:
                yield one.card.id, ranking.by_meaning(card, one)
        for key, other in cards.items():
            yield key, ranking.themes(card, other, self.sizes)


async def _gathered(graph: LinkGraph, card: Card, mine: Own, wanted: Wanted, *, with_themes: bool) -> _Evidence:
    urls = list(dict.fromkeys(link.url for link in mine.links))
    pinned = [choice for choice in mine.choices if choice.kind == "pin"]
    near = mine.neighbours if wanted.is_filter else may_be_shown(mine.neighbours)
    at_once = dict.fromkeys([*(choice.other for choice in pinned), *(key for key, _ in near)])
    (owners, translations, [backlinks], citing_the_same, in_themes, sizes), known = await asyncio.gather(
        asyncio.gather(
            graph.owners(urls),
            graph.translations(card),
            graph.backlinks_of([card], _BACKLINKS),
            graph.backlinks(urls[:_LINKS], _CITING_THE_SAME),
            _in_themes(graph, card, wanted) if with_themes else _nowhere(),
            graph.articles_in(card.slugs[:_THEMES]),
        ),
        graph.cards(at_once),
    )
    of_translations = await graph.backlinks_of(list(translations.values()), _BACKLINKS_OF_A_TRANSLATION)
    citing = {owners[url]: some for url, some in zip(urls, citing_the_same, strict=False) if url in owners}
    asked = {*translations, *citing, *in_themes}
    asked.update(b.id for some in (backlinks, *of_translations, *citing.values()) for b in some)
    known |= {**translations, card.id: card}
    known |= await graph.cards(key for key in sorted(asked) if key not in known)
    neighbours = live(card, near, known)
    if wanted.is_filter and sum(wanted.takes(one.card) and one.kind is not None for one in neighbours) < wanted.limit:
        neighbours = [*neighbours, *await further(graph, card, neighbours)]
    asked |= {card.id, *(choice.other for choice in pinned)}
    asked |= {one.card.id for one in neighbours if one.kind is not None}
    known.update((one.card.id, one.card) for one in neighbours)
    return _Evidence(
        pinned=pinned,
        blocked={choice.other for choice in mine.choices if choice.kind == "block"},
        linked=set(owners.values()),
        translations=translations,
        backlinks=backlinks,
        of_translations=of_translations,
        citing_the_same=citing,
        neighbours=neighbours,
        sizes=sizes,
        cards={key: known[key] for key in sorted(asked) if key in known},
    )


async def _in_themes(graph: LinkGraph, card: Card, wanted: Wanted) -> list[ArticleId]:
    few = _is_plain(wanted)
    return await graph.around(
        card.slugs[:_THEMES],
        wanted.languages,
        card.position,
        each_side=_EACH_SIDE if few else _EACH_SIDE_FILTERED,
        newest=_NEWEST if few else _NEWEST_FILTERED,
    )


async def _nowhere() -> list[ArticleId]:
    return []


def _is_plain(wanted: Wanted) -> bool:
    """Whether it is a short list without wishes, as on the page of an article."""
    return wanted.limit <= _SHORT and not wanted.is_filter and not wanted.kinds


async def nearest(graph: LinkGraph, card: Card, wanted: Wanted) -> list[Near]:
    """The uncut neighbours of an article in meaning, best first: what ranking and cut-offs are measured with.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    [found] = await near(graph, [card])
    return [one for one in found if wanted.takes(one.card)][: wanted.limit]


def _present(backlinks: Sequence[Backlink], cards: dict[ArticleId, Card]) -> list[tuple[Card, int]]:
    return [(cards[b.id], b.paragraph) for b in backlinks if b.id in cards]


def _translates(card: Card, other: Card) -> bool:
    return card.original is not None and (
        card.original.id == other.id or (card.original.url is not None and card.original.url == other.url)
    )
