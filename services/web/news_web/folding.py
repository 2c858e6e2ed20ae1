"""A text that stands several times in a list is shown once, with those who have it too; `related` knows the copies."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from news_web.peers import Age, Part, Questions
from news_web.public_paths import Service
from news_web.stories import Item, card_id

_MOST_ASKED: Final = 100

UNASKED: Final = Part("missing")
"""What is known of copies when nobody was asked: none."""


async def ask_copies(questions: Questions, names: Iterable[str], *, age: Age = "fresh") -> Part:
    """What `related` says of the copies among some stories; where it does not answer, nothing is folded.

    ``age`` is what the answer may have; that of the lists in which the stories stand.
    """
    asked = list(dict.fromkeys(names))[:_MOST_ASKED]
    if len(asked) < 2:
        return UNASKED
    return await questions.ask(Service.RELATED, "/v1/duplicates/among", {"article": asked}, age=age)


async def ask_copies_in(questions: Questions, listed: "asyncio.Task[Part]", *, age: Age = "fresh") -> Part:
    """The same of the stories of a list that is being asked for."""
    return await ask_copies(questions, map(card_id, (await listed).items), age=age)


def folded(items: Sequence[Item], copies: Part, *, without: str | None = None) -> Sequence[Item]:
    """A list, newest first, with each text once: the earliest here stands for it and has the others, earliest first,
    in ``duplicates``.

    Args:
        items: of the list.
        copies: the answer to `ask_copies`.
        without: a story of which no copy is wanted either.
    """
    first = _first_of_each(copies)
    texts: dict[str, list[Item]] = {}
    for item in items:
        texts.setdefault(first.get(card_id(item), card_id(item)), []).append(item)
    if without is not None:
        texts.pop(first.get(without, without), None)
    stands = {card_id(same[-1]): same[-2::-1] for same in texts.values()}
    return [
        {**item, "duplicates": stands[card_id(item)]} if stands[card_id(item)] else item
        for item in items
        if card_id(item) in stands
    ]


def told_once(thread: Sequence[Item], copies: Part, *, itself: str | None = None) -> Sequence[Item]:
    """A thread, earliest first, with each text once, as `folded` says; of its own text ``itself`` alone is there."""
    first = _first_of_each(copies)
    own = first.get(itself, itself) if itself is not None else None
    told = [item for item in thread if card_id(item) == itself or first.get(card_id(item), card_id(item)) != own]
    return folded(told[::-1], copies)[::-1]


def _first_of_each(copies: Part) -> Mapping[str, str]:
    return {str(one["article"]): str(one["duplicate_of"]) for one in copies.items if one.get("duplicate_of")}
