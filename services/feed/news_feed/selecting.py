"""How a request says which articles it is about: by theme, language and source, alike in lists, feeds and stream."""

from typing import Annotated

from fastapi import Query

from news_feed.timelines import Selection
from news_shared.language_fields import LanguageRange
from news_shared.problems import INVALID, ProblemError

Theme = Annotated[str | None, Query(max_length=200, description="Name or slug, in any case.", examples=["port-morrow"])]
Language = Annotated[LanguageRange | None, Query(description="BCP 47; `en` also finds `en-GB`.", examples=["uk"])]
Source = Annotated[str | None, Query(min_length=1, max_length=64, description="Id of a source.")]


def selection_of(theme: str | None, language: str | None, source: str | None) -> Selection:
    """The selection that was asked for.

    Raises:
        ProblemError: 422, the theme has neither letters nor digits.
    """
    if theme is not None and Selection(theme=theme).name == "theme=":
        raise ProblemError(INVALID, "theme: no letter or digit in it", errors=[{"field": "theme", "error": "empty"}])
    return Selection(theme, language, source)
