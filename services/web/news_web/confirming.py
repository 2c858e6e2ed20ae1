"""What of a copy may still be shown: a story that was withdrawn meanwhile must not come back out of one.

The stories of an answer that is some seconds old, or of a copy that stands in for one, are looked up at another service
that learns of withdrawals by itself, all at once. Where nobody can say, a copy is shown for half a minute.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from news_web.peers import UNAVAILABLE, Part, Questions
from news_web.public_paths import Service
from news_web.stories import Item, card_id

_MOST_ASKED: Final = 100
_MOST_CALLS: Final = 3
_LISTS: Final = ("items", "backlinks")

UNCONFIRMED: Final = timedelta(seconds=30)
"""How old a copy may be that nobody vouches for."""


SURE: Final = timedelta(milliseconds=500)
"""How old an answer may be that needs no other word: what was withdrawn must be gone within a second."""


async def confirmed(questions: Questions, parts: Sequence[Part]) -> Sequence[Part]:
    """The parts in the same order, those that are not of this moment without the stories that were withdrawn since."""
    named = list(dict.fromkeys(name for part in parts if not _is_sure(part) for name in _names(part)))
    if not named:
        return parts
    living = await _living(questions, named[: _MOST_CALLS * _MOST_ASKED])
    return [part if _is_sure(part) else _only(part, living) for part in parts]


def _is_sure(part: Part) -> bool:
    return not part.is_ok or (part.status == "ok" and part.age <= SURE)


def confirmed_article(article: Part, witnesses: Iterable[Part]) -> Part:
    """An article, or that it is gone, when it is a copy and one of the parts around it says so."""
    if article.status != "stale":
        return article
    said = list(witnesses)
    gone = next((part for part in said if part.status == "gone"), None)
    if gone is not None:
        return gone
    if any(part.status == "ok" and part.age <= SURE for part in said) or article.age <= UNCONFIRMED:
        return article
    return UNAVAILABLE


def card_of(item: Item) -> str | None:
    """The id of the story that an item of a list shows, if it shows one."""
    return card_id(item) if item.get("article") or item.get("id") else None


async def _living(questions: Questions, names: Sequence[str]) -> frozenset[str] | None:
    """Which of some stories were not withdrawn; None when nobody can say."""
    shares = [names[begin : begin + _MOST_ASKED] for begin in range(0, len(names), _MOST_ASKED)]
    living = await asyncio.gather(*(_living_share(questions, share) for share in shares))
    return frozenset().union(*(one or () for one in living)) if None not in living else None


async def _living_share(questions: Questions, names: Sequence[str]) -> frozenset[str] | None:
    counted = await questions.ask(Service.VIEWS, "/v1/views", {"article": names})
    if counted.status == "ok":
        return frozenset(str(item["article"]) for item in counted.items if item.get("status") != HTTPStatus.GONE)
    found = await questions.ask(Service.FEED, "/v1/articles", {"article": names})
    return frozenset(card_id(item) for item in found.items) if found.status == "ok" else None


def _names(part: Part) -> Iterable[str]:
    for name in _LISTS:
        yield from filter(None, map(card_of, part.body.get(name) or ()))
    for link in part.body.get("links") or ():
        if link.get("card"):
            yield card_id(link["card"])


def _only(part: Part, living: frozenset[str] | None) -> Part:
    if living is None:
        return part if part.age <= UNCONFIRMED else UNAVAILABLE
    body: dict[str, Any] = dict(part.body)
    for name in _LISTS:
        if name in body:
            body[name] = [item for item in body[name] or () if card_of(item) is None or card_of(item) in living]
    if "links" in body:
        body["links"] = [_without_card(link, living) for link in body["links"] or ()]
    return part if body == part.body else replace(part, body=body, etag=None)


def _without_card(link: Mapping[str, Any], living: frozenset[str]) -> Mapping[str, Any]:
    card = link.get("card")
    return link if not card or card_id(card) in living else {**link, "card": None}
