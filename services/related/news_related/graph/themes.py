"""How themes and languages are compared and spelled in addresses: pure rules."""

import re
from collections.abc import Iterable

from news_shared.themes import theme_slug

_LANGUAGE = re.compile(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,4}")
_LONGEST_SLUG = 200

UNKNOWN_LANGUAGE = "und"


def themes_of(tags: Iterable[str], *, at_most: int) -> tuple[tuple[str, str], ...]:
    """The themes of an article as (slug, name), in its order, each once; the first name given to a slug holds."""
    named: dict[str, str] = {}
    for tag in tags:
        slug = theme_slug(tag)
        if slug and len(slug) <= _LONGEST_SLUG:
            named.setdefault(slug, " ".join(tag.split()))
    return tuple(named.items())[:at_most]


def language_key(language: str) -> str:
    """A language tag as it is compared; ``und`` for what is none."""
    key = language.replace("_", "-").lower()
    return key if _LANGUAGE.fullmatch(key) else UNKNOWN_LANGUAGE


def language_ranges(language: str) -> list[str]:
    """The ranges that a tag matches (RFC 4647, basic filtering): ``en-GB`` is found by ``en`` and by ``en-gb``."""
    parts = language_key(language).split("-")
    return ["-".join(parts[:n]) for n in range(1, len(parts) + 1)]


def is_in(language: str, wanted: Iterable[str]) -> bool:
    """Whether a language is one of those that were asked for; asking for none asks for all."""
    keys = {language_key(one) for one in wanted}
    return not keys or not keys.isdisjoint(language_ranges(language))
