"""How related articles are ordered and made diverse: pure rules.

The score of an article is what its signals come to together (`signals`). The list is picked one by one, the highest
first (ties: the newest, then by id), out of five times as many as wanted: what tells the same story as something picked
(its translation, or another article at its URL) is left out, and each article picked before for the same themes takes a
fifth off. Themes alone are a weak reason: such articles only fill a list up to four, unless themes were asked for, and
none of them stands for one that has another reason. A copy of the article is never in its list; of copies of one text
the earliest stands for all, with the score of the best; a pinned one always stands for itself.
Scores are comparable within one list only.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from news_related.graph.duplicates import folded
from news_related.graph.facts import Card
from news_related.lists.reasons import KINDS, Reason, ReasonKind
from news_related.lists.signals import Signal, reason_weight, together
from news_shared.article_ids import ArticleId
from news_shared.languages import is_in, primary_language

_MORE_OF_THE_SAME = 0.8
_CONSIDERED = 5
FILLED_TO = 4
"""What themes alone fill a list up to."""


@dataclass(frozen=True)
class Wanted:
    """What a reader asked for; empty parts do not matter."""

    limit: int = 10
    languages: tuple[str, ...] = ()
    kinds: frozenset[ReasonKind] = frozenset()
    published_after_ms: int | None = None

    @property
    def is_filter(self) -> bool:
        """Whether it leaves out articles by what they are."""
        return bool(self.languages) or self.published_after_ms is not None

    def takes(self, card: Card) -> bool:
        """Whether an article may be in the list."""
        new_enough = self.published_after_ms is None or card.listed_ms > self.published_after_ms
        return new_enough and is_in(card.language, self.languages)


class Ranked(NamedTuple):
    """An article of the list."""

    card: Card
    score: float
    reason: Reason
    copies: tuple[Card, ...] = ()  # that it stands for


def rank(
    article: Card,
    candidates: Mapping[ArticleId, Card],
    signals: Mapping[ArticleId, Sequence[Signal]],
    copies: Mapping[ArticleId, Set[ArticleId]],
    wanted: Wanted,
) -> list[Ranked]:
    """The list of an article, best first.

    Args:
        candidates: live articles by id; others are left out whatever their signals.
        signals: by id of the other article.
        copies: of the article and of the candidates, see `duplicates.copies_of_each`.
    """
    scored = []
    for_themes_alone: set[str] = set()
    its_copies = copies.get(article.id, ())
    for key, some in signals.items():
        card = candidates.get(key)
        fitting = [s for s in some if s.reason.kind in wanted.kinds] if wanted.kinds else some
        if card is None or card.id in its_copies or card.id == article.id or not fitting or not wanted.takes(card):
            continue
        best = max(fitting, key=_telling) if len(fitting) > 1 else fitting[0]
        scored.append(Ranked(card, together([s.strength for s in fitting]), best.reason))
        if not wanted.kinds and len(fitting) == 1 and best.reason.kind == "theme":
            for_themes_alone.add(card.id)
    chosen = [one for one in scored if one.reason.kind == "pinned"]  # signals come in the order of pinning
    story_of = _stories([article, *candidates.values()])
    own = story_of[article.id]
    rest = [one for one in scored if one.reason.kind != "pinned"]
    chosen, rest = _with_copies(chosen, rest, copies, for_themes_alone)
    rest = _one_of_each_story(rest, story_of, article, for_themes_alone)
    shown = {story_of[one.card.id] for one in chosen} - {own}
    rest = [one for one in rest if story_of[one.card.id] not in shown]
    rest = _filled(rest, for_themes_alone, FILLED_TO - len(chosen))
    return [*chosen, *_diverse(rest, wanted.limit)][: wanted.limit]


def _filled(scored: Sequence[Ranked], for_themes_alone: Collection[str], size: int) -> list[Ranked]:
    """Those with another reason than themes, and as many for themes alone as are missing from this size."""
    others = [one for one in scored if one.card.id not in for_themes_alone]
    if len(others) >= size or len(others) == len(scored):
        return others
    fallback = {one.card.id: one for one in scored if one.card.id in for_themes_alone}
    picked = _diverse(fallback.values(), size - len(others))
    return [*others, *(fallback[one.card.id] for one in picked)]


def _telling(signal: Signal) -> tuple[float, int]:
    return reason_weight(signal), -KINDS.index(signal.reason.kind)


def _stories(cards: Iterable[Card]) -> dict[str, str]:
    """For each article a name that its translations among the cards have, too, and what else is at its URL."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := parent.setdefault(name, name)) != name:
            name = above
        return name

    known = list(cards)
    originals = {name for card in known if card.original for name in (card.original.id, card.original.url)}
    addresses = Counter(card.url for card in known)
    for card in known:
        if card.original is None and card.url not in originals and addresses[card.url] == 1:
            continue  # nobody's translation, alone at its URL; who translates it by its id names it
        names = [card.url, card.original.id, card.original.url] if card.original else [card.url]
        for name in names:
            if name is not None:
                one, other = sorted((root(card.id), root(name)))
                parent[other] = one
    return {card.id: root(card.id) if parent else card.id for card in known}


def _with_copies(
    chosen: Sequence[Ranked],
    rest: Sequence[Ranked],
    copies: Mapping[ArticleId, Set[ArticleId]],
    for_themes_alone: Collection[str],
) -> tuple[list[Ranked], list[Ranked]]:
    """Copies of one text folded into the pinned one, or into the earliest that is not there for themes alone while
    another is; the others are named on its card."""
    if not copies:
        return list(chosen), list(rest)
    stands = folded((one.card for one in (*chosen, *rest)), copies)
    groups: dict[str, list[Ranked]] = {}
    for one in sorted(rest, key=lambda one: (one.card.id in for_themes_alone, one.card.listed_ms, one.card.id)):
        groups.setdefault(stands[one.card.id], []).append(one)
    pinned = []
    for one in chosen:
        others = groups.pop(stands[one.card.id], [])
        pinned.append(one._replace(copies=tuple(other.card for other in others)))
    kept = []
    for first, *others in groups.values():
        if others:
            best = max(one.score for one in (first, *others))
            first = first._replace(score=best, copies=tuple(other.card for other in others))
        kept.append(first)
    return pinned, kept


def _one_of_each_story(
    scored: Sequence[Ranked], story_of: Mapping[str, str], article: Card, for_themes_alone: Collection[str]
) -> list[Ranked]:
    """Of translations of each other the one in the article's language, else the best, and none that is there for
    themes alone while another is; its own are all kept."""
    kept = []
    tellings: dict[str, list[Ranked]] = {}
    for one in sorted(scored, key=_order):
        story = story_of[one.card.id]
        if story == story_of[article.id] or one.reason.kind == "translation":
            kept.append(one)
        else:
            tellings.setdefault(story, []).append(one)
    main_language = [primary_language(article.language)]

    def falls_behind(one: Ranked) -> tuple[bool, bool]:
        return one.card.id in for_themes_alone, not is_in(one.card.language, main_language)

    for best, *others in tellings.values():
        kept.append(min((best, *others), key=falls_behind)._replace(score=best.score) if others else best)
    return kept


def _diverse(scored: Iterable[Ranked], limit: int) -> list[Ranked]:
    left = sorted(scored, key=_order)[: _CONSIDERED * limit]  # what stands lower has nothing to win
    picked: list[Ranked] = []
    same: dict[tuple[str, ...], int] = {}
    while left and len(picked) < limit:
        first, score = 0, 0.0
        for place, one in enumerate(left):
            if one.score < score:
                break  # nor can any after it be more
            now = one.score * _MORE_OF_THE_SAME ** same.get(one.reason.themes, 0)
            if now > score or (now == score and _order(one)[1:] < _order(left[first])[1:]):
                first, score = place, now
        best = left.pop(first)
        if score != best.score:
            best = best._replace(score=score)
        picked.append(best)
        if best.reason.themes:
            same[best.reason.themes] = same.get(best.reason.themes, 0) + 1
    return picked


def _order(one: Ranked) -> tuple[float, int, str]:
    return (-one.score, -one.card.listed_ms, one.card.id)
