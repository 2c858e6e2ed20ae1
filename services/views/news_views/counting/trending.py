"""What is rising now: views that weigh half as much after each half-life, and in which lists an article ranks.

Forward decay: a view at time t adds 2^(t/h), whenever it is counted, so a score never has to be touched again for time
passing, and the order of two articles does not change without a view. The sum is kept as its logarithm, which neither
overflows nor needs a landmark: `add_logs`. A score at a moment is 2^(log - moment/h), views decayed to that moment.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import log2
from typing import Final, Literal, get_args

from news_shared.languages import language_key, language_ranges
from news_shared.themes import theme_slug

Window = Literal["1h", "24h", "7d"]
WINDOWS: Final[tuple[Window, ...]] = get_args(Window)
WINDOW_HOURS: Final[Mapping[Window, int]] = {"1h": 1, "24h": 24, "7d": 168}
HALF_LIFE_MS: Final[Mapping[Window, int]] = {window: hours * 1_800_000 for window, hours in WINDOW_HOURS.items()}
"""Half the window: what is a window old weighs a quarter."""

INDEXED: Final = 1000
"""Articles that one list of one partition holds. Without views nothing rises, so what was left out comes back with its
next view, or never had to."""
_INDEXED_THEMES: Final = 16

LogScores = tuple[float, ...]
"""One for each of `WINDOWS`."""


def add_logs(one: float, other: float) -> float:
    """The logarithm of the sum of two numbers, given theirs; all to base 2."""
    high, low = max(one, other), min(one, other)
    return high + log2(1.0 + 2.0 ** (low - high))


def decayed(log_score: float, window: Window, now_ms: int) -> float:
    """The views behind a score as they weigh at this moment."""
    return float(2.0 ** min(1000.0, log_score - now_ms / HALF_LIFE_MS[window]))


@lru_cache(maxsize=50_000)
def scopes_of(language: str, themes: tuple[str, ...]) -> tuple[str, ...]:
    """The lists that an article stands in: all, each range of its language, each of its first 16 themes."""
    slugs = dict.fromkeys(slug for theme in themes if (slug := theme_slug(theme)))
    return (
        "all",
        *(f"l={name}" for name in language_ranges(language)),
        *(f"t={s}" for s in list(slugs)[:_INDEXED_THEMES]),
    )


def scope_asked(theme: str | None, language: str | None) -> str:
    """The narrowest list that holds all of one theme and one language; a theme's must still be sifted by language."""
    if theme is not None:
        return f"t={theme_slug(theme)}"
    return "all" if language is None else f"l={language_key(language)}"
