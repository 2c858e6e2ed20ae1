"""The stories that an answer names, wherever it does: in lists, on cards of links, as copies, in reasons."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, Final, TypeAlias

from news_web.messages import MESSAGES
from news_web.stories import Item, card_id

_LISTS: Final = ("items", "backlinks")
_OF_VIA: Final = ("via", "via_article", "text")

May: TypeAlias = Callable[[str | None], bool]
"""Whether a story may be named, by its id; None is one of which only the headline is told."""


def names_in(body: Mapping[str, Any]) -> Iterable[str]:
    """The ids of all stories that an answer names; a thread (its ``id`` is that of a story) has one more."""
    links = (link["card"] for link in body.get("links") or () if link.get("card"))
    for item in chain(*(body.get(name) or () for name in _LISTS), links):
        yield from _names_of(item)
    if _is_thread(body):
        yield str(body["id"])


def naming_only(body: Mapping[str, Any], may: May, language: str) -> Mapping[str, Any]:
    """An answer without the stories that may not be named.

    A reason that told one's headline tells it no more, a link has no card, and a thread has the id of the first story
    that is left.

    Args:
        body: of the answer; it is not changed.
        may: be named.
        language: of the reasons, one of `messages.LANGUAGES`.
    """
    left: dict[str, Any] = dict(body)
    for name in _LISTS:
        if name in body:
            shown = (item for item in body[name] or () if card_of(item) is None or may(card_of(item)))
            left[name] = [_item(item, may, language) for item in shown]
    if "links" in body:
        left["links"] = [_link(link, may, language) for link in body["links"] or ()]
    if _is_thread(body) and not may(str(body["id"])):
        left["id"] = next(map(card_id, left["items"]), None)
    return left


def card_of(item: Item) -> str | None:
    """The id of the story that an item of a list shows, if it shows one."""
    return card_id(item) if item.get("article") or item.get("id") else None


def _is_thread(body: Mapping[str, Any]) -> bool:
    return "items" in body and bool(body.get("id"))


def _names_of(item: Item) -> Iterable[str]:
    if (shown := card_of(item)) is not None:
        yield shown
    yield from map(card_id, item.get("duplicates") or ())
    if via := (item.get("reason") or {}).get("via_article"):
        yield str(via)


def _item(item: Item, may: May, language: str) -> Item:
    changed: dict[str, Any] = {}
    if copies := item.get("duplicates"):
        changed["duplicates"] = [copy for copy in copies if may(card_id(copy))]
    if reason := item.get("reason"):
        changed["reason"] = _reason(reason, may, language)
    return {**item, **changed} if changed else item


def _link(link: Item, may: May, language: str) -> Item:
    card = link.get("card")
    if not card:
        return link
    return {**link, "card": _item(card, may, language) if may(card_id(card)) else None}


def _reason(reason: Item, may: May, language: str) -> Item:
    if "via" not in reason or may(reason.get("via_article")):
        return reason
    kept = {name: value for name, value in reason.items() if name not in _OF_VIA}
    return {**kept, "text": MESSAGES[language].get(f"unnamed {reason.get('kind')}", "")}
