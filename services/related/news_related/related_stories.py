"""What to show beside an article: candidates gathered from the graph, ranked by `ranking`."""

from collections.abc import Sequence

from news_related import ranking
from news_related.facts import Card
from news_related.link_graph import Backlink, LinkGraph
from news_related.meaning_edges import Near, further, near
from news_related.ranking import Ranked, Signal, Wanted
from news_related.reasons import Reason
from news_shared.article_ids import ArticleId

_LINKS = 30  # of the body, for what else links to the same
_THEMES = 10
_BACKLINKS = 50
_BACKLINKS_OF_A_TRANSLATION = 20
_CITING_THE_SAME = 10
_EACH_SIDE, _NEWEST = 15, 10


async def related(graph: LinkGraph, card: Card, wanted: Wanted) -> list[Ranked]:
    """The ranked list of an article; some eleven round trips, whatever is stored, and four more when a filter leaves
    too little of its neighbours.

    Raises:
        RebuildingError, TransientError: as `LinkGraph`.
    """
    [links] = await graph.links([card.id])
    [choices] = await graph.choices([card.id])
    owners = await graph.owners(link.url for link in links)
    linked = set(owners.values())
    translations = await graph.translations(card)
    own_backlinks, *others = await graph.backlinks_of([card, *translations.values()], _BACKLINKS)
    of_translations = [some[:_BACKLINKS_OF_A_TRANSLATION] for some in others]
    cited = [owners[link.url] for link in links if link.url in owners][:_LINKS]
    urls = [link.url for link in links if link.url in owners][:_LINKS]
    citing_the_same = await graph.backlinks(urls, _CITING_THE_SAME)
    slugs = card.slugs[:_THEMES]
    in_themes = await graph.around(slugs, wanted.languages, card.position, each_side=_EACH_SIDE, newest=_NEWEST)
    sizes = {size.slug: size.articles for size in await graph.sizes(slugs)}
    pinned = [choice for choice in choices if choice.kind == "pin"]
    never = {choice.other for choice in choices if choice.kind == "block"} | linked | {card.id}

    asked: dict[ArticleId, None] = dict.fromkeys(choice.other for choice in pinned)
    asked.update(dict.fromkeys(translations))
    asked.update(dict.fromkeys(cited))
    for some in (own_backlinks, *of_translations, *citing_the_same):
        asked.update(dict.fromkeys(b.id for b in some))
    asked.update(dict.fromkeys(in_themes))
    cards = {card.id: card, **await graph.cards(asked)}
    [neighbours] = await near(graph, [card], known=cards)
    if sum(wanted.takes(one.card) and one.kind is not None for one in neighbours) < wanted.limit and wanted.is_filter:
        neighbours = [*neighbours, *await further(graph, card, neighbours)]
    cards.update((one.card.id, one.card) for one in neighbours if one.kind is not None)

    signals: dict[str, list[Signal]] = {}

    def signal(key: ArticleId, made: Signal | None) -> None:
        if made is not None and key not in never:
            signals.setdefault(key, []).append(made)

    for choice in pinned:
        signal(choice.other, Signal(ranking.PINNED, Reason("pinned", note=choice.note)))
    for key, other in translations.items():
        signal(key, Signal(ranking.TRANSLATION, Reason("translation", original=_translates(card, other))))
    for other, paragraph in _present(own_backlinks, cards):
        signal(other.id, ranking.backlink(card, other, paragraph))
    for via, some in zip(translations.values(), of_translations, strict=True):
        for other, paragraph in _present(some, cards):
            if other.id not in translations:
                signal(other.id, ranking.backlink(card, other, paragraph, via=via))
    for key, some in zip(cited, citing_the_same, strict=True):
        for other, _ in _present(some, cards):
            if key in cards and other.id not in translations:
                signal(other.id, ranking.same_story(card, other, cards[key]))
    for one in neighbours:
        if one.card.id not in translations:
            signal(one.card.id, ranking.by_meaning(card, one))
    for key, other in cards.items():
        signal(key, ranking.themes(card, other, sizes))
    return ranking.rank(card, {key: other for key, other in cards.items() if key not in never}, signals, wanted)


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
