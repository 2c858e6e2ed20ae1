"""Languages as fields of requests and records; apart from `languages`, which starts without pydantic."""

from typing import Annotated

from pydantic import StringConstraints, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from news_shared.languages import LONGEST_TAG, TAG


def _in_words(value: object, check: ValidatorFunctionWrapHandler) -> object:
    try:
        return check(value)
    except ValidationError as error:
        raise ValueError("write a language as a BCP 47 tag, for example uk or en-GB") from error


_InWords = WrapValidator(_in_words)

LanguageTag = Annotated[str, StringConstraints(pattern=f"^{TAG.pattern}$", max_length=LONGEST_TAG), _InWords]
"""The language of something: ``uk``, ``en-GB``, ``zh-Hant-TW``."""

LanguageRange = Annotated[
    str, StringConstraints(pattern=f"^{TAG.pattern.replace('(-', '([-_]')}$", max_length=LONGEST_TAG), _InWords
]
"""A language that is asked for; ``en_GB`` is understood too."""
