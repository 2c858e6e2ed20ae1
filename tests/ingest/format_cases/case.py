"""What a case of the table is, and what the documents of all formats have in common."""

import dataclasses
from collections.abc import Mapping
from typing import Any

MORNING, NOON = "2026-01-15T08:00:00Z", "2026-01-15T12:00:00Z"
PAGE = "https://a.example/page"
PICTURE = "https://a.example/p.jpg"


@dataclasses.dataclass(frozen=True)
class Case:
    """In this format the field comes from that source: with it the value is there, without it not."""

    format: str  # the table's column
    field: str  # its row
    source: str  # one of the names in the cell
    said: Any  # what is put into the smallest document
    value: Any  # what the field is then, as JSON
    around: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # the builder's keywords


def persons(name: str, url: str | None = None) -> list[dict[str, str]]:
    """A list of one author or source."""
    return [{"name": name, "url": url} if url else {"name": name}]
