"""Language tags (BCP 47): what is one, how they are compared, which one a reader prefers; all services must agree."""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

LONGEST_TAG: Final = 35
"""Characters that RFC 5646 (4.4.1) asks software to have room for."""
TAG: Final = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")

UNKNOWN_LANGUAGE: Final = "und"
_LONGEST_HEADER: Final = 500


def language_tag(text: str) -> str | None:
    """The tag that a document means, which may say ``en_GB``; None where it is none."""
    tag = text.strip().replace("_", "-")
    return tag if len(tag) <= LONGEST_TAG and TAG.fullmatch(tag) else None


def language_key(language: str) -> str:
    """A tag as it is compared; ``und`` for what is none."""
    return language_ranges(language)[-1]


def language_ranges(language: str) -> tuple[str, ...]:
    """The ranges that a tag matches (RFC 4647, basic filtering): ``en-GB`` is found by ``en`` and by ``en-gb``."""
    return _ranges(language) if len(language) <= LONGEST_TAG else (UNKNOWN_LANGUAGE,)


@lru_cache(maxsize=1_000)  # a list of related articles asks for those of all its candidates
def _ranges(language: str) -> tuple[str, ...]:
    parts = (language_tag(language) or UNKNOWN_LANGUAGE).lower().split("-")
    return tuple("-".join(parts[:n]) for n in range(1, len(parts) + 1))


def is_in(language: str, wanted: Collection[str]) -> bool:
    """Whether a language is one of those that were asked for; asking for none asks for all."""
    if not wanted:
        return True
    ranges = language_ranges(language)
    return any(language_key(one) in ranges for one in wanted)


def primary_language(tag: str) -> str:
    """The language of a tag without region and script: ``en`` of ``en-GB``."""
    return language_ranges(tag)[0]


def preferred_language(accept_language: str, spoken: Collection[str]) -> str | None:
    """The language of ours that a reader likes best, the first of equals; None where he reads none of them.

    Args:
        accept_language: the header (RFC 9110, 12.5.4); a weight that is none counts as 0.
        spoken: primary languages.
    """
    best, most = None, 0.0
    for part in accept_language[:_LONGEST_HEADER].split(","):
        tag, _, parameters = part.strip().partition(";")
        language, weight = primary_language(tag), _weight(parameters)
        if language in spoken and weight > most:
            best, most = language, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
