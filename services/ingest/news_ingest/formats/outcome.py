"""What reading a document gives."""

from dataclasses import dataclass, field

from news_ingest.items import Item

_PLACES_NAMED = 5


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
    _warned: dict[str, list[int]] = field(default_factory=dict)

    def warn(self, text: str, index: int | None = None) -> None:
        """Note what was put right: of the item at an index, or of the whole document."""
        places = self._warned.setdefault(text, [])
        if index is not None:
            places.append(index)

    @property
    def warnings(self) -> list[str]:
        """What was put right, each once, with the first items that it was found in."""
        return [text + _named(places) for text, places in self._warned.items()]

    def add(self, other: "Reading") -> None:
        """Take in what another part of the same document gave."""
        self.items += other.items
        self.rejected += other.rejected
        for text, places in other._warned.items():
            self._warned.setdefault(text, []).extend(places)

    def before(self, index: int) -> "Reading":
        """What stood before an index of the document."""
        warned = {text: [place for place in places if place < index] for text, places in self._warned.items()}
        return Reading(
            [(place, item) for place, item in self.items if place < index],
            [rejected for rejected in self.rejected if rejected.index < index],
            {text: places for text, places in warned.items() if places or not self._warned[text]},
        )


def _named(places: list[int]) -> str:
    if not places:
        return ""
    more = f" and {len(places) - _PLACES_NAMED:,} more" if len(places) > _PLACES_NAMED else ""
    return f" (item {', '.join(map(str, places[:_PLACES_NAMED]))}{more})"


def broken_off(index: int, guid: object) -> Rejected:
    """A rejection of the item that a document ends in the middle of."""
    why = "the document breaks off in this item; send it whole"
    return rejection(index, str(guid)[:200] if guid else None, "", why)


def rejection(index: int, guid: str | None, name: str, error: str) -> Rejected:
    """A rejection for one reason."""
    return Rejected(index, guid, ({"field": name, "error": error},))
