"""What of a copy may still be shown: a story that was withdrawn meanwhile must not come back out of one.

A copy stands in only while the service behind it does not answer, so its stories are looked up at another service that
learns of withdrawals by itself. Where nobody can say, a copy is shown for half a minute.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from news_web.peers import UNAVAILABLE, Part, Questions
from news_web.public_paths import Service
from news_web.stories import Item, card_id

_MOST_ASKED: Final = 100
_LISTS: Final = ("items", "backlinks")

UNCONFIRMED: Final = timedelta(seconds=30)
"""How old a copy may be that nobody vouches for."""


async def confirmed(questions: Questions, parts: Sequence[Part]) -> Sequence[Part]:
    """The parts in the same order, the copies among them without the stories that are no longer published."""
    named = list(dict.fromkeys(name for part in parts if part.status == "stale" for name in _names(part)))
    if not named:
        return parts
    living = await _living(questions, named[:_MOST_ASKED])
    return [part if part.status != "stale" else _only(part, living) for part in parts]


def confirmed_article(article: Part, witnesses: Iterable[Part]) -> Part:
    """An article, or that it is gone, when it is a copy and one of the parts around it says so."""
    if article.status != "stale":
        return article
    said = list(witnesses)
    gone = next((part for part in said if part.status == "gone"), None)
    if gone is not None:
        return gone
    if any(part.status == "ok" for part in said) or article.age <= UNCONFIRMED:
        return article
    return UNAVAILABLE


def card_of(item: Item) -> str | None:
    """The id of the story that an item of a list shows, if it shows one."""
    return card_id(item) if item.get("article") or item.get("id") else None


async def _living(questions: Questions, names: Sequence[str]) -> frozenset[str] | None:
    """Which of some stories are published; None when nobody can say."""
    counted = await questions.ask(Service.VIEWS, "/v1/views", {"article": names}, is_anew=True)
    if counted.status == "ok":
        return frozenset(str(item["article"]) for item in counted.items if item.get("views") is not None)
    found = await questions.ask(Service.FEED, "/v1/articles", {"article": names}, is_anew=True)
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
    return replace(part, body=body)


def _without_card(link: Mapping[str, Any], living: frozenset[str]) -> Mapping[str, Any]:
    card = link.get("card")
    return link if not card or card_id(card) in living else {**link, "card": None}
