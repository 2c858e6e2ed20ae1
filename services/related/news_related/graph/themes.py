"""The themes of an article: a pure rule."""

from collections.abc import Iterable

from news_shared.themes import theme_slug

_LONGEST_SLUG = 200


def themes_of(tags: Iterable[str], *, at_most: int) -> tuple[tuple[str, str], ...]:
    """The themes of an article as (slug, name), in its order, each once; the first name given to a slug holds."""
    named: dict[str, str] = {}
    for tag in tags:
        slug = theme_slug(tag)
        if slug and len(slug) <= _LONGEST_SLUG:
            named.setdefault(slug, " ".join(tag.split()))
    return tuple(named.items())[:at_most]
