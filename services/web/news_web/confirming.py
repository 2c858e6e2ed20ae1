"""What of a copy may still be shown: a story that was withdrawn meanwhile must not come back out of one.

The stories of an answer that is some seconds old, or of a copy that stands in for one, are looked up at another service
that learns of withdrawals by itself, all at once. Where nobody can say, a copy is shown for half a minute.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from news_web.named_stories import names_in, naming_only
from news_web.peers import UNAVAILABLE, Part, Questions
from news_web.public_paths import Service
from news_web.stories import card_id

_MOST_ASKED: Final = 100
_MOST_CALLS: Final = 5  # a long thread, a hundred links either way, and what the others name

UNCONFIRMED: Final = timedelta(seconds=30)
"""How old a copy may be that nobody vouches for."""


SURE: Final = timedelta(milliseconds=500)
"""How old an answer may be that needs no other word: what was withdrawn must be gone within a second."""


async def confirmed(questions: Questions, parts: Sequence[Part]) -> Sequence[Part]:
    """The parts in the same order, those that are not of this moment without what was withdrawn since:
    stories, copies, and headlines in reasons."""
    named = list(dict.fromkeys(name for part in parts if not _is_sure(part) for name in names_in(part.body)))
    if not named:
        return parts
    living = await _living(questions, named[: _MOST_CALLS * _MOST_ASKED])
    return [part if _is_sure(part) else _only(part, living, questions.language) for part in parts]


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


def _only(part: Part, living: frozenset[str] | None, language: str) -> Part:
    if living is None:
        return part if part.age <= UNCONFIRMED else UNAVAILABLE
    body = naming_only(part.body, lambda name: name in living, language)
    return part if body == part.body else replace(part, body=body, etag=None)
