"""What to show beside an article: candidates gathered from the graph, ranked by `ranking`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from news_related.edges.meaning import further
from news_related.edges.nearness import LEAST_SHOWN, Near, nears_of
from news_related.graph.duplicates import copies_of_each
from news_related.graph.facts import Backlink, Card
from news_related.graph.positions import id_bytes, id_from
from news_related.graph.surroundings import Surroundings
from news_related.link_graph import LinkGraph
from news_related.lists import ranking
from news_related.lists.ranking import Ranked, Wanted
from news_related.lists.reasons import Reason
from news_related.lists.signals import PINNED, TRANSLATION, Signal, backlink, by_meaning, rarity, same_story, themes
from news_related.neighbours.similarity import SHOWN_NEIGHBOURS, UNITS
from news_related.neighbours.support import supports
from news_shared.article_ids import ArticleId

_THEMES = 10
_EACH_SIDE, _NEWEST = 8, 3  # in each theme: within one, the nearest in time rank first
_EACH_SIDE_FILTERED, _NEWEST_FILTERED = 15, 10
_SHORT = 10  # a list that these suffice for
_NEAREST = 20  # neighbours that such a list is picked from
_ANY_SCORE = -(2**31)  # scores are stored in 32 bits


async def surroundings(graph: LinkGraph, key: ArticleId, wanted: Wanted, *, raw: bool = False) -> Surroundings:
    """What the list of an article begins with; one round trip.

    Args:
        raw: for `nearest`.
    """
    return await graph.surroundings(
        key,
        neighbours=SHOWN_NEIGHBOURS if raw or not _is_plain(wanted) else _NEAREST,
        least_score=_ANY_SCORE if raw or wanted.is_filter else LEAST_SHOWN,
    )


async def related(graph: LinkGraph, card: Card, around: Surroundings, wanted: Wanted) -> list[Ranked]:
    """The ranked list of an article; as a rule without a round trip, whatever is stored. One when themes fill it, or
    when most of its nearest are copies; four when a filter leaves too little of its neighbours.

    Args:
        around: as `surroundings` has it for this wish.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    # Themes alone only fill a short list, and few of the further neighbours come into one: where enough else is found
    # they would be read in vain.
    themes_later = _is_plain(wanted) and wanted.limit >= ranking.FILLED_TO
    evidence = await _gathered(graph, card, around, wanted, with_themes=not themes_later)
    ranked = evidence.ranked(card, wanted)
    if _is_plain(wanted) and len(ranked) < wanted.limit and _may_show_more(around):
        all_around = await graph.surroundings(card.id, neighbours=SHOWN_NEIGHBOURS, least_score=LEAST_SHOWN)
        evidence = await _gathered(graph, card, all_around, wanted, with_themes=not themes_later)
        ranked = evidence.ranked(card, wanted)
    if themes_later and len(ranked) < ranking.FILLED_TO:
        evidence.cards.update(await _in_themes(graph, card, wanted))
        ranked = evidence.ranked(card, wanted)
    return ranked


@dataclass(frozen=True)
class _Evidence:
    """What speaks for showing others beside an article."""

    around: Surroundings
    neighbours: Sequence[Near]
    cards: dict[ArticleId, Card]  # of all of these, and of others of its themes

    def ranked(self, card: Card, wanted: Wanted) -> list[Ranked]:
        """The list that this makes."""
        cards, blocked, targets = self.cards, self.around.blocked, {*self.around.owners.values()}
        never = {*blocked, *targets, card.id, *self._leading_nowhere_new(card)}
        copies = copies_of_each(cards.values())
        never.update(*(copies.get(key, ()) for key in targets))
        chosen = {choice.other for choice in self.around.pinned}  # of two copies one may be pinned and one blocked
        never.update(*(copies.get(key, set()) - chosen for key in blocked))
        signals: dict[ArticleId, list[Signal]] = {}
        for key, made in self._signals(card):
            if made is not None and key not in never:
                signals.setdefault(key, []).append(made)
        candidates = {key: other for key, other in cards.items() if key not in never}
        return ranking.rank(card, candidates, signals, copies, wanted)

    def _leading_nowhere_new(self, card: Card) -> Set[ArticleId]:
        """Those at the URL of the article or at one that its body links: a reader has both already."""
        urls = {card.url, *(link.url for link in self.around.links)}
        return {key for key, other in self.cards.items() if other.url is not None and other.url in urls}

    def _signals(self, card: Card) -> Iterator[tuple[ArticleId, Signal | None]]:
        cards = self.cards
        for choice in self.around.pinned:
            yield choice.other, Signal(PINNED, Reason("pinned", note=choice.note))
        for other, paragraph in _present(self.around.backlinks, cards):
            yield other.id, backlink(card, other, paragraph)
        tellings = {key: backlinks for key, backlinks in self.around.tellings.items() if key in cards}
        for key, backlinks in tellings.items():
            yield key, Signal(TRANSLATION, Reason("translation", original=_translates(card, cards[key])))
            for other, paragraph in _present(backlinks, cards):
                if other.id not in tellings:
                    yield other.id, backlink(card, other, paragraph, via=cards[key])
        for key, some in self.around.citing.items():
            for other, _ in _present(some, cards):
                if key in cards and other.id not in tellings:
                    yield other.id, same_story(card, other, cards[key])
        for one in self.neighbours:
            if one.card.id not in tellings:
                yield one.card.id, by_meaning(card, one)
        rare = rarity(card, self.around.sizes)
        for key, other in cards.items():
            yield key, themes(card, other, rare)


async def _gathered(
    graph: LinkGraph, card: Card, around: Surroundings, wanted: Wanted, *, with_themes: bool
) -> _Evidence:
    cards = await _in_themes(graph, card, wanted) if with_themes else {}
    cards[card.id] = card
    cards.update((key, around.cards[key]) for key in _named(around) if key in around.cards)
    near = _supported(card, around, least_score=_ANY_SCORE if wanted.is_filter else LEAST_SHOWN)
    neighbours = nears_of(card, near, {**around.cards, **cards})
    if wanted.is_filter and sum(wanted.takes(one.card) and one.kind is not None for one in neighbours) < wanted.limit:
        neighbours = [*neighbours, *await further(graph, card, neighbours)]
    cards.update((one.card.id, one.card) for one in neighbours if one.kind is not None)
    return _Evidence(around, neighbours, cards)


def _named(around: Surroundings) -> Iterator[ArticleId]:
    """Those that links, translations and choices name."""
    yield from around.owners.values()  # all: a copy of a target is known by the cards of both
    yield from around.tellings
    for some in (around.backlinks, *around.citing.values(), *around.tellings.values()):
        yield from (one.id for one in some)
    yield from (choice.other for choice in around.choices)


def _may_show_more(around: Surroundings) -> bool:
    """Whether there are more neighbours near enough to be of some kind than those whose cards were read."""
    _, score = around.neighbours[_NEAREST] if len(around.neighbours) > _NEAREST else (b"", _ANY_SCORE)
    return score >= LEAST_SHOWN


def _supported(card: Card, around: Surroundings, *, least_score: int) -> list[tuple[ArticleId, int, int]]:
    """The neighbours with their scores and their support."""
    support = supports(id_bytes(card.id), around.neighbours, around.nearest)
    return [
        (id_from(key), score, supported)
        for (key, score), supported in zip(around.neighbours, support, strict=True)
        if score >= least_score
    ]


async def _in_themes(graph: LinkGraph, card: Card, wanted: Wanted) -> dict[ArticleId, Card]:
    few = _is_plain(wanted)
    return await graph.beside_in_themes(
        card.slugs[:_THEMES],
        wanted.languages,
        card.position,
        each_side=_EACH_SIDE if few else _EACH_SIDE_FILTERED,
        newest=_NEWEST if few else _NEWEST_FILTERED,
    )


def _is_plain(wanted: Wanted) -> bool:
    """Whether it is a short list without wishes, as on the page of an article."""
    return wanted.limit <= _SHORT and not wanted.is_filter and not wanted.kinds


def nearest(card: Card, around: Surroundings, wanted: Wanted) -> list[Ranked]:
    """The uncut neighbours of an article in meaning, in the order of score and support: what ranking and cut-offs are
    measured with."""
    found = [
        Ranked(one.card, (one.score + one.support) / 2 / UNITS, Reason("similar", similarity=one.score / UNITS))
        for one in nears_of(card, _supported(card, around, least_score=_ANY_SCORE), around.cards)
        if wanted.takes(one.card)
    ]
    return sorted(found, key=lambda one: (-one.score, one.card.id))[: wanted.limit]


def _present(backlinks: Iterable[Backlink], cards: Mapping[ArticleId, Card]) -> list[tuple[Card, int]]:
    return [(cards[b.id], b.paragraph) for b in backlinks if b.id in cards]


def _translates(card: Card, other: Card) -> bool:
    return card.original is not None and (
        card.original.id == other.id or (card.original.url is not None and card.original.url == other.url)
    )
