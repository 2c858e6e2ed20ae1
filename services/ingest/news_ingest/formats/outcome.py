"""What reading a document gives."""

from dataclasses import dataclass, field

from news_ingest.items import Item


@dataclass(frozen=True)
class Rejected:
    """An item that cannot be taken: where it stood, and what is wrong with which field."""

    index: int
    guid: str | None
    errors: tuple[dict[str, str], ...]


@dataclass
class Reading:
    """Items in the order of the document, each with its index there."""

    items: list[tuple[int, Item]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def rejection(index: int, guid: str | None, name: str, error: str) -> Rejected:
    """A rejection for one reason."""
    return Rejected(index, guid, ({"field": name, "error": error},))
