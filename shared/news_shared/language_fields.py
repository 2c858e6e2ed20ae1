"""Languages as fields of requests and records; apart from `languages`, which starts without pydantic."""

from typing import Annotated

from pydantic import StringConstraints

from news_shared.languages import LONGEST_TAG

LanguageTag = Annotated[str, StringConstraints(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length=LONGEST_TAG)]
"""The language of something: ``uk``, ``en-GB``, ``zh-Hant-TW``."""

LanguageRange = Annotated[
    str, StringConstraints(pattern="^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$", max_length=LONGEST_TAG)
]
"""A language that is asked for; ``en_GB`` is understood too."""
