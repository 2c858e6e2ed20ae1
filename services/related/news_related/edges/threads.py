"""Which articles tell one story: pure rules.

Three kinds of pairs join articles. Copies of one text are one story, whoever translates the one or the other: they are
joined first, as long as the copies span no more than 60 days, since a regular may have much the same text day after
day. A declared pair (a translation, a link that goes on with the story) joins outright: somebody said so. A pair that
is near in meaning joins two threads only if they are near as a whole: at least a quarter of all pairs between the two
must be near, and the thread that comes of it spans no more than 60 days. So a long chain of articles, each near to the
next alone, is not drawn into one thread, and a subject that is always in the news falls into its stories. Pairs are
taken nearest first (copies in time, others in meaning), ties by ids: the threads depend on the articles and pairs
alone.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from news_related.edges.edge import Edge
from news_related.graph.facts import Card
from news_shared.article_ids import ArticleId

SHARE = 0.25
"""Of the pairs between two threads that must be near. Tuned on the dev halves of the gold sets: with 0.5 BCubed F1 of
the test halves is 0.07 lower on ecbplus, 0.03 on ntrex, even on wiki_current_events (docs/quality.md)."""

LONGEST = timedelta(days=60)
"""Between the first and the last article of a thread that is joined by meaning, or of copies. Not tuned yet."""

_APART = timedelta(days=30)  # a link to something older is background, not the story going on
_SHARED = 1 / 3

Pair = tuple[ArticleId, ArticleId]


def goes_on(one: Card, other: Card) -> bool:
    """Whether a link between two articles joins them into one story.

    Their main (first) theme is the same, or a third of all their themes is shared, or neither has any; and no more
    than 30 days lie between them. A link to another subject is only a link.
    """
    if abs(one.listed_ms - other.listed_ms) > _APART // timedelta(milliseconds=1):
        return False
    mine, theirs = one.slugs, other.slugs
    if not mine or not theirs:
        return mine == theirs
    shared = len(set(mine) & set(theirs)) / len(set(mine) | set(theirs))
    return mine[0] == theirs[0] or shared >= _SHARED


def joining(edges: Iterable[Edge], known: Mapping[ArticleId, Card]) -> list[Pair]:
    """The declared pairs that are one story."""
    joined = []
    for edge in edges:
        one, other = known.get(edge.source), known.get(ArticleId(edge.target or ""))
        if one is None or other is None or edge.kind not in ("cites", "translation"):
            continue
        if edge.kind == "translation" or goes_on(one, other):
            joined.append((one.id, other.id))
    return joined


def threads(
    cards: Mapping[ArticleId, Card], declared: Iterable[Pair], copies: Iterable[Pair], near: Mapping[Pair, int]
) -> dict[ArticleId, frozenset[ArticleId]]:
    """The thread of each article; an article that nothing joins is a thread of its own.

    Args:
        cards: all articles; pairs with others are left out.
        declared: in any direction.
        copies: of one text, in any direction.
        near: pairs that are near in meaning, in either direction, with their scores; the higher of two holds.
    """
    scores: dict[Pair, int] = {}
    for (one, other), score in near.items():
        if one != other and one in cards and other in cards:
            pair = (min(one, other), max(one, other))
            scores[pair] = max(score, scores.get(pair, score))
    members = {key: {key} for key in cards}  # by the thread's first name
    named = {key: key for key in cards}
    between: dict[ArticleId, dict[ArticleId, int]] = {key: {} for key in cards}
    for one, other in scores:
        between[one][other] = between[other][one] = 1

    def join(one: ArticleId, other: ArticleId) -> None:
        for key in members[other]:
            named[key] = one
        members[one] |= members.pop(other)
        for third, pairs in between.pop(other).items():
            del between[third][other]
            if third != one:
                between[one][third] = between[third][one] = between[one].get(third, 0) + pairs

    for one, other in _nearest_in_time_first(cards, copies):
        first, second = sorted((named[one], named[other]))
        if first != second and _span_ms(cards[key] for key in members[first] | members[second]) <= _LONGEST_MS:
            join(first, second)
    for one, other in declared:
        if one in cards and other in cards and named[one] != named[other]:
            join(*sorted((named[one], named[other])))
    for one, other in sorted(scores, key=lambda pair: (-scores[pair], pair)):
        first, second = sorted((named[one], named[other]))
        if first == second:
            continue
        whole = members[first] | members[second]
        pairs = len(members[first]) * len(members[second])
        if between[first][second] >= SHARE * pairs and _span_ms(cards[key] for key in whole) <= _LONGEST_MS:
            join(first, second)
    told = {name: frozenset(some) for name, some in members.items()}
    return {key: told[named[key]] for key in cards}


_LONGEST_MS = LONGEST // timedelta(milliseconds=1)


def _nearest_in_time_first(cards: Mapping[ArticleId, Card], pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs among some articles, each once."""
    among = {(min(pair), max(pair)) for pair in pairs if pair[0] in cards and pair[1] in cards}
    return sorted(among, key=lambda pair: (abs(cards[pair[0]].listed_ms - cards[pair[1]].listed_ms), pair))


def _span_ms(cards: Iterable[Card]) -> int:
    dates = [card.listed_ms for card in cards]
    return max(dates) - min(dates)
