"""How far a file was posted, so that a run that was cut off goes on from there."""

import hashlib
import json
import os
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
        before: SHA-256 of up to 64 kB before it, by which the file is known again.
    """

    offset: int = 0
    lines: int = 0
    before: str = ""

    @classmethod
    def kept_of(cls, file: Path) -> Self | None:
        """The place kept beside the file, if the file still says the same there."""
        try:
            place = cls(**json.loads(_kept_in(file).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        return place if place.before == _before(file, place.offset) else None

    @classmethod
    def reached(cls, file: Path, offset: int, lines: int) -> Self:
        """The place after so many bytes and lines."""
        return cls(offset, lines, _before(file, offset))

    def keep(self, file: Path) -> None:
        """Keep it beside the file, whole or not at all."""
        kept, new = _kept_in(file), _kept_in(file).with_suffix(".new")
        new.write_text(json.dumps(asdict(self)))
        os.replace(new, kept)


def forget(file: Path) -> None:
    """There is nothing left to go on with."""
    _kept_in(file).unlink(missing_ok=True)


def _kept_in(file: Path) -> Path:
    return file.with_name(f".{file.name}.posted")


def _before(file: Path, offset: int) -> str:
    with file.open("rb") as content:
        content.seek(max(0, offset - _LOOKED_AT))
        return hashlib.sha256(content.read(min(offset, _LOOKED_AT))).hexdigest()
