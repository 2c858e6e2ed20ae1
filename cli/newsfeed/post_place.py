"""How far a file was posted, so that a run that was cut off goes on from there."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_LOOKED_AT = 65_536


@dataclass(frozen=True)
class Place:
    """A place in a file of lines, everything before which was answered.

    Attributes:
        offset: in bytes.
        lines: before it.
        rejected: how many of these were rejected.
        before: SHA-256 of up to 64 kB before it, by which the file is known again.
        url: whom it is posted to.
        source: as whose.
    """

    offset: int = 0
    lines: int = 0
    rejected: int = 0
    before: str = ""
    url: str = ""
    source: str = ""

    @classmethod
    def kept_of(cls, file: Path, url: str, source: str) -> Self | None:
        """The place kept beside the file for this way, if the file still says the same there."""
        try:
            place = cls(**json.loads(_kept_in(file).read_bytes()))
            is_same = place.before == _before(file, place.offset)
        except (OSError, ValueError, TypeError):
            return None
        return place if is_same and (place.url, place.source) == (url, source) else None

    def keep(self, file: Path) -> None:
        """Keep it beside the file, whole or not at all.

        Raises:
            OSError: nothing can be written there.
        """
        kept, new = _kept_in(file), _kept_in(file).with_suffix(".new")
        new.write_text(json.dumps(asdict(self)))
        os.replace(new, kept)


class PlaceKeeper:
    """Keeps the place of one run; where it cannot, the run goes on without and says so, once."""

    def __init__(self, file: Path, url: str, source: str, say: Callable[[str], None]) -> None:
        self._file, self._url, self._source = file, url, source
        self._say = say
        self._is_told = False

    def found(self) -> Place:
        """Where a run before this one was cut off, else the start."""
        return Place.kept_of(self._file, self._url, self._source) or Place()

    def reached(self, offset: int, lines: int, rejected: int) -> None:
        """All before this place was answered; fields as in `Place`."""
        try:
            before = _before(self._file, offset)
            Place(offset, lines, rejected, before, self._url, self._source).keep(self._file)
        except OSError as error:
            self._tell(f"a run that is cut off will begin anew, since its place cannot be kept: {error}")

    def forget(self) -> None:
        """There is nothing left to go on with."""
        try:
            _kept_in(self._file).unlink(missing_ok=True)
        except OSError as error:
            self._tell(f"remove it, or give --restart the next time: {error}")

    def _tell(self, message: str) -> None:
        if not self._is_told:
            self._is_told = True
            self._say(message)


def _kept_in(file: Path) -> Path:
    return file.with_name(f".{file.name}.posted")


def _before(file: Path, offset: int) -> str:
    with file.open("rb") as content:
        content.seek(max(0, offset - _LOOKED_AT))
        return hashlib.sha256(content.read(min(offset, _LOOKED_AT))).hexdigest()
