"""The contract of ``news.vectors``: an article's embedding, kept so that it is never computed twice.

A tombstone takes the vector of a withdrawn article away. Each record, also that, names in its header ``revision`` the
article's revision that it was written for.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from news_shared.article_ids import ArticleId
from news_shared.errors import PoisonError

REVISION = "revision"
"""The header."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Vector(BaseModel):
    """An embedding: component i is ``int8[i] * scale``. The value of ``news.vectors``, keyed by the article's id."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # readers ignore unknown fields

    article: ArticleId = Field(description="The article's id, which is the key.")
    model: str = Field(min_length=1, max_length=200, description="Name and version; only equal ones compare.")
    text_sha256: Sha256 = Field(
        description="Of what was embedded, UTF-8: language, title, lead and what follows it, a line each."
    )
    dimensions: int = Field(ge=1, le=8192, description="How many components.")
    scale: float = Field(gt=0, allow_inf_nan=False, description="What each signed byte is multiplied by.")
    int8: str = Field(description="Base64 of `dimensions` signed bytes.")

    def components(self) -> bytes:
        """The signed bytes.

        Raises:
            PoisonError: they are not base64, or not as many as said.
        """
        try:
            raw = base64.b64decode(self.int8, validate=True)
        except binascii.Error as error:
            raise PoisonError(f"int8 is not base64: {error}") from error
        if len(raw) != self.dimensions:
            raise PoisonError(f"int8 has {len(raw)} bytes, dimensions says {self.dimensions}")
        return raw

    def encode(self) -> bytes:
        """As a record's value."""
        return self.model_dump_json().encode()

    @classmethod
    def decode(cls, value: bytes) -> "Vector":
        """The inverse of `encode`.

        Raises:
            PoisonError: what is wrong with it.
        """
        try:
            vector = cls.model_validate_json(value)
        except ValidationError as error:
            raise PoisonError(f"not a vector: {error}") from error
        vector.components()
        return vector


def revision_of(headers: Sequence[tuple[str, bytes]]) -> int:
    """The article's revision that a record was written for; 0 where it does not say."""
    number = dict(headers).get(REVISION, b"")
    return int(number) if number.isdigit() else 0
